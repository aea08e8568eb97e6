/**
 * Seeds of one batch size as one band: at every moment the mean over the seeds that are alive then and its 95 % interval. A seed that has
 * ended (diverged, stopped, or shorter than the others) counts until its last finite value; one that goes on is waited for.
 */
import { tr } from "../../language.ts";
import type { Stage } from "../../stage.ts";
import { hasEnded, type EntryStore } from "../../store.ts";
import type { RunState } from "../../wire.ts";
import type { Drawing } from "./drawing.ts";
import { Interval } from "./interval.ts";

/** Refilled with every drawing. */
export class Band {
  count = 0;
  /** How many seeds the band is of, dead or alive. */
  seeds = 0;
  readonly update: number[] = [];
  readonly mean: number[] = [];
  /** Half the interval's width; NaN where a single seed is alive. */
  readonly half: number[] = [];
  /** How many seeds were alive, and therefore went into the mean. */
  readonly alive: number[] = [];
  /** The last update at which each seed counts. */
  lives: readonly number[] = [];

  clear(seeds: number): void {
    this.count = 0;
    this.seeds = seeds;
  }

  add(update: number, { count, mean, half }: Interval): void {
    this.update[this.count] = update;
    this.mean[this.count] = mean;
    this.half[this.count] = half;
    this.alive[this.count++] = count;
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
export interface Values {
  readonly count: number;
  readonly to: ArrayLike<number>;
  readonly last: ArrayLike<number>;
}

/** Until when a seed counts: its last update where it has ended, ∞ while it goes on. Pure, for tests. */
export const endOf = (state: RunState, made: number): number => (hasEnded(state) ? made : Infinity);

/** The same for every seed of a group. */
export const endsOf = (stage: Stage, group: readonly number[]): number[] =>
  group.map((run) => endOf(stage.store.runs[run]!.state, stage.store.runs[run]!.made));

/** The last update with a finite value, among those that are known of a run that has ended; where more must come, its end. */
function lastFinite({ count, to, last }: Values, end: number, until: number): number {
  if (end === Infinity) return Infinity;
  if (count === 0 || to[count - 1]! < Math.min(end, until)) return end;
  let i = count - 1;
  while (i >= 0 && !Number.isFinite(last[i])) i--;
  return i === count - 1 ? end : i < 0 ? 0 : to[i]!;
}

/**
 * From what was recorded or measured of each run, where every seed that is alive has a value. `ends`: see `endsOf`.
 * Coarser and finer rows go together, since the ends of coarse buckets are ends of fine ones, too.
 */
export function bandOfRows(rows: readonly Values[], ends: readonly number[], out: Band): void {
  out.clear(rows.length);
  const until = Math.max(...rows.map(({ count, to }) => (count > 0 ? to[count - 1]! : 0)));
  const lives = rows.map((row, r) => lastFinite(row, ends[r]!, until));
  out.lives = lives;
  const longest = rows[lives.indexOf(Math.max(...lives))]!,
    places = rows.map(() => 0);
  for (let i = 0; i < longest.count; i++) {
    const update = longest.to[i]!;
    interval.clear();
    let complete = true;
    for (let r = 0; complete && r < rows.length; r++) {
      if (update > lives[r]!) continue;
      const row = rows[r]!;
      while (places[r]! < row.count && row.to[places[r]!]! < update) places[r]!++;
      const k = places[r]!;
      complete = k < row.count && row.to[k] === update && Number.isFinite(row.last[k]);
      if (complete) interval.add(row.last[k]!);
    }
    if (complete && interval.count > 0) out.add(update, interval);
  }
}

/** From measured values: at the moments of the seed that got furthest, on straight lines between those of the others. */
export function bandOfEvaluations(lists: readonly EntryStore[], k: number, ends: readonly number[], out: Band): void {
  out.clear(lists.length);
  const lives = lists.map((list, r) => lastMeasured(list, k, ends[r]!));
  out.lives = lives;
  const longest = lists[lives.indexOf(Math.max(...lives))]!;
  for (let i = 0; i < longest.count; i++) {
    const update = longest.updates[i]!;
    interval.clear();
    let complete = true;
    for (let r = 0; complete && r < lists.length; r++) {
      if (update > lives[r]!) continue;
      const list = lists[r]!,
        reached = list.count > 0 && list.updates[list.count - 1]! >= update;
      const value = reached ? list.between(update, k) : NaN;
      complete = Number.isFinite(value);
      if (complete) interval.add(value);
    }
    if (complete && interval.count > 0) out.add(update, interval);
  }
}

/** Between its last evaluation and its end nothing is known of a run that has ended. */
function lastMeasured(list: EntryStore, k: number, end: number): number {
  if (end === Infinity) return Infinity;
  let i = list.count - 1;
  while (i >= 0 && !Number.isFinite(list.value(i, k))) i--;
  return i < 0 ? -1 : list.updates[i]!;
}

/** How a seed that no longer counts ended, in words; a run that finished is shorter than the others. */
const GONE: Readonly<Partial<Record<RunState, (count: number) => string>>> = {
  diverged: (count) => tr(`${count} diverged`, `${count} 个已发散`),
  failed: (count) => tr(`${count} failed`, `${count} 个失败`),
  stopped: (count) => tr(`${count} stopped`, `${count} 个已停止`),
  finished: (count) => tr(`${count} ended`, `${count} 个已结束`),
};

/** "6 of 8, 2 diverged"; of seeds that go on and are not there yet: "5 of 8, 3 not there yet". */
export function saySeeds(alive: number, gone: readonly RunState[]): string {
  const parts = [tr(`${alive} of ${alive + gone.length}`, `${alive}/${alive + gone.length}`)];
  for (const [state, say] of Object.entries(GONE)) {
    const count = gone.filter((other) => other === state).length;
    if (count > 0) parts.push(say(count));
  }
  const waiting = gone.filter((state) => !hasEnded(state)).length;
  if (waiting > 0) parts.push(tr(`${waiting} not there yet`, `${waiting} 个尚未到达`));
  return parts.join(tr(", ", "，"));
}

/** How the seeds ended that no longer counted at a point of the band. */
export const goneAt = (stage: Stage, group: readonly number[], band: Band, i: number): RunState[] =>
  group.filter((_, r) => band.lives[r]! < band.update[i]!).map((run) => stage.store.runs[run]!.state);

/** Where seeds drop out of the band: the first points that have fewer of them than those before. */
export function drops(band: Band): number[] {
  const found: number[] = [];
  for (let i = 0; i < band.count; i++) if (band.alive[i]! < (i === 0 ? band.seeds : band.alive[i - 1]!)) found.push(i);
  return found;
}

/** The seed that got furthest: its clock goes on where those of the others have stopped. */
export const furthest = (stage: Stage, group: readonly number[]): number =>
  group.reduce((best, run) => (stage.store.runs[run]!.made > stage.store.runs[best]!.made ? run : best), group[0]!);

/** What a group of seeds is called in a file: the batch size, or the run's id where it is alone. */
export const groupId = (stage: Stage, group: readonly number[]): string => {
  const run = stage.manifest!.runs[group[0]!]!;
  return group.length > 1 ? `b${run.batchSize}` : run.id;
};

/** What is drawn, in words; of a band, what it is. */
export function noteOf(drawing: Drawing, stage: Stage): string {
  const band = isBand(drawing, stage)
    ? tr("line: mean of the seeds that are alive, area: its 95 % t interval", "线：仍有效的各随机种子的均值；区域：其 95 % t 区间")
    : "";
  return [band, drawing.note(stage)].filter((part) => part !== "").join(" · ");
}

/** The chart draws seeds as bands now. */
export const isBand = (drawing: Drawing, stage: Stage): boolean => stage.seeds === "band" && drawing.bands?.(stage) === true;
