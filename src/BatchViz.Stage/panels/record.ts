/** The single record under a chart's cursor, where the window is so narrow that single records are drawn. */
import { columnIndex } from "../manifest.ts";
import type { Stage } from "../stage.ts";
import { Buckets, MOST_DRAWN } from "../store.ts";

export interface RecordHit {
  run: number;
  update: number;
  value: number;
}

const row = new Buckets();

/** The record at `x` (in the axis' unit) whose value is nearest, of the selected run if there is one; null where only coarser buckets are known. */
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
