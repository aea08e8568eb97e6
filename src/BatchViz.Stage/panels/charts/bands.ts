/** Seeds of one batch size as one band: at the moments that all of them have, the mean of their values and its 95 % interval. */
import { tr } from "../../language.ts";
import type { Stage } from "../../stage.ts";
import type { EntryStore } from "../../store.ts";
import type { Drawing } from "./drawing.ts";
import { Interval } from "./interval.ts";

/** Refilled with every drawing. */
export class Band {
  count = 0;
  seeds = 0;
  readonly update: number[] = [];
  readonly mean: number[] = [];
  readonly half: number[] = [];

  clear(seeds: number): void {
    this.count = 0;
    this.seeds = seeds;
  }

  add(update: number, { mean, half }: Interval): void {
    this.update[this.count] = update;
    this.mean[this.count] = mean;
    this.half[this.count++] = half;
  }
}

/** Runs that differ in their seeds only, where there are several that are shown; the others one by one. */
export function seedGroups(stage: Stage): number[][] {
  const groups = new Map<string, number[]>();
  for (const run of stage.manifest!.runs) {
    if (stage.hidden.has(run.index)) continue;
    const key = run.fork || stage.seeds === "lines" ? `run ${run.index}` : `B ${run.batchSize}`;
    groups.set(key, [...(groups.get(key) ?? []), run.index]);
  }
  return [...groups.values()];
}

/** There are seeds to make a band of. */
export const hasSeeds = (stage: Stage): boolean => {
  const runs = stage.manifest?.runs ?? [];
  return runs.some((run) => !run.fork && runs.some((other) => other !== run && !other.fork && other.batchSize === run.batchSize));
};

const interval = new Interval();

/** Values of one run, each with its update, ascending; buckets by their ends and last values. */
export type Values = { readonly count: number; readonly to: ArrayLike<number>; readonly last: ArrayLike<number> };

/** From what was recorded or measured of each run: at the updates that all of them have. */
export function bandOfRows(rows: readonly Values[], out: Band): void {
  out.clear(rows.length);
  const first = rows[0]!, places = rows.map(() => 0);
  for (let i = 0; i < first.count; i++) {
    const update = first.to[i]!;
    interval.clear();
    for (let r = 0; r < rows.length; r++) {
      const row = rows[r]!;
      while (places[r]! < row.count && row.to[places[r]!]! < update) places[r]!++;
      const k = places[r]!;
      if (k < row.count && row.to[k] === update && Number.isFinite(row.last[k])) interval.add(row.last[k]!);
    }
    if (interval.count === rows.length) out.add(update, interval);
  }
}

/** From measured values: at the first seed's moments, on straight lines between those of the others. */
export function bandOfEvaluations(lists: readonly EntryStore[], k: number, out: Band): void {
  out.clear(lists.length);
  const first = lists[0]!;
  for (let i = 0; i < first.count; i++) {
    const update = first.updates[i]!;
    interval.clear();
    for (const list of lists) {
      const reached = list.count > 0 && list.updates[list.count - 1]! >= update;
      const value = reached ? list.between(update, k) : NaN;
      if (Number.isFinite(value)) interval.add(value);
    }
    if (interval.count === lists.length) out.add(update, interval);
  }
}

/** What is drawn, in words; of a band, what it is. */
export function noteOf(drawing: Drawing, stage: Stage): string {
  const band = stage.seeds === "band" && drawing.bands?.(stage) ? tr("line: mean of the seeds, area: its 95 % t interval", "线：各随机种子的均值；区域：其 95 % t 区间") : "";
  return [band, drawing.note(stage)].filter((part) => part !== "").join(" · ");
}
