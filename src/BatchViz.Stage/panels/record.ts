/** Records by themselves: what a panel reads of them, and the single one under a chart's cursor. */
import { columnIndex } from "../manifest.ts";
import type { Stage } from "../stage.ts";
import { Buckets, MOST_DRAWN } from "../store.ts";

export interface RecordHit {
  run: number;
  update: number;
  value: number;
}

const row = new Buckets();

/** What is known of a column about an update: of a single record `min` and `max` are its value. */
export interface Known {
  /** Of which updates, from the one after `from` to `to`. */
  from: number;
  to: number;
  min: number;
  max: number;
  last: number;
}

/**
 * What a column's records say at an update. Reading is asking: no panel depends on what others happen to show. What is not here is fetched,
 * in buckets as coarse as a chart of the whole run has; until then the newest that lies before stands in, and null where there is none.
 */
export function readRecord(stage: Stage, run: number, column: string, update: number): Known | null {
  const index = columnIndex(stage.manifest!, column),
    { made } = stage.store.runs[run]!;
  if (index < 0 || made === 0) return null;
  if (stage.store.at(run, index, update, row)) return knownOf(row, 0);
  stage.store.query(run, index, 0, made, MOST_DRAWN, row);
  if (row.missing.length > 0) stage.remote.wantTiles(run, column, row.level, row.missing);
  let i = row.count - 1;
  while (i >= 0 && row.to[i]! > update) i--;
  return i < 0 ? null : knownOf(row, i);
}

const knownOf = ({ from, to, min, max, last }: Buckets, i: number): Known => ({
  from: from[i]!,
  to: to[i]!,
  min: min[i]!,
  max: max[i]!,
  last: last[i]!,
});

/**
 * The record at `x` (in the axis' unit) whose value is nearest, of the selected run if there is one; null where only coarser buckets are
 * known.
 */
export function recordAt(stage: Stage, column: string, x: number, distance: (value: number) => number): RecordHit | null {
  const index = columnIndex(stage.manifest!, column);
  let best: RecordHit | null = null;
  for (const run of stage.manifest!.runs.keys()) {
    if (stage.hidden.has(run) || (stage.selected >= 0 && stage.selected !== run)) continue;
    const clock = stage.clocks[run]!;
    if (clock.toUpdates(stage.axis, stage.to) - clock.toUpdates(stage.axis, stage.from) > MOST_DRAWN) continue;
    const update = Math.round(clock.toUpdates(stage.axis, x));
    if (update <= stage.beginning(run) || !stage.store.at(run, index, update, row) || row.level > 0) continue;
    const value = row.last[0]!;
    if (best === null || !(distance(value) >= distance(best.value))) best = { run, update, value };
  }
  return best;
}
