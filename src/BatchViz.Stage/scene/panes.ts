/** Where the panes lie: one for everything, or one for each batch size, all looked at by the same camera. */
import type { RunInfo } from "../manifest.ts";

export interface Pane {
  /** Runs, by index; all of one batch size where panes are split. */
  runs: number[];
  batchSize: number;
  /** In pixels from the upper left corner of the canvas. */
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Of a pane that shows a landscape best. */
const ASPECT = 1.4;
const GAP = 1;

export interface Insets {
  top: number;
  bottom: number;
}

/** The runs of each batch size, smallest first. Seeds share a pane, and so do forks with what else has their batch size. */
export function byBatchSize(runs: readonly RunInfo[]): { batchSize: number; runs: number[] }[] {
  const groups = new Map<number, number[]>();
  for (const { batchSize, index } of runs) groups.set(batchSize, [...(groups.get(batchSize) ?? []), index]);
  return [...groups].sort((a, b) => a[0] - b[0]).map(([batchSize, runs]) => ({ batchSize, runs }));
}

/** Columns so that panes are as large as they can be, in the shape that suits a landscape. */
export function columnsFor(count: number, width: number, height: number): number {
  let best = 1,
    largest = 0;
  for (let columns = 1; columns <= count; columns++) {
    const size = Math.min(width / columns / ASPECT, height / Math.ceil(count / columns));
    if (size > largest + 1e-9) {
      largest = size;
      best = columns;
    }
  }
  return best;
}

export function layOut(shown: readonly RunInfo[], split: boolean, width: number, height: number, { top, bottom }: Insets): Pane[] {
  const groups = byBatchSize(shown);
  if (!split || groups.length < 2) return [{ runs: shown.map((run) => run.index), batchSize: 0, x: 0, y: 0, width, height }];
  const inner = Math.max(1, height - top - bottom);
  const columns = columnsFor(groups.length, width, inner),
    rows = Math.ceil(groups.length / columns);
  return groups.map(({ batchSize, runs }, i) => {
    const row = Math.floor(i / columns),
      column = i % columns;
    const x = Math.round((width * column) / columns),
      right = Math.round((width * (column + 1)) / columns);
    const y = Math.round((inner * row) / rows),
      under = Math.round((inner * (row + 1)) / rows);
    return {
      runs,
      batchSize,
      x,
      y: top + y,
      width: Math.max(1, right - x - (column < columns - 1 ? GAP : 0)),
      height: Math.max(1, under - y - (row < rows - 1 ? GAP : 0)),
    };
  });
}

/** The pane under a point, none between them. */
export const paneAt = (panes: readonly Pane[], x: number, y: number): Pane | undefined =>
  panes.find((pane) => x >= pane.x && x < pane.x + pane.width && y >= pane.y && y < pane.y + pane.height);
