/** Pictures of one region of the plane beside each other on one axis, a unit as long across as upwards. */
import type { Stage } from "../../stage.ts";

export type Region = readonly [x0: number, x1: number, y0: number, y1: number];

/** Each is recomputed. */
const MOST = 6;
/** Between two of them, in widths of the region. */
const GAP = 0.06;

export interface SideBySide {
  /** What the frame shows across, in the first one's coordinates, and upwards. */
  across: readonly [number, number];
  up: readonly [number, number];
  /** How far each one lies to the right of the first. */
  shifts: number[];
  /** What a place across means in the one that is there. */
  valueAt(place: number): number;
}

/** How many find room in a frame of this width over height without becoming smaller; at least one. */
export function abreast([x0, x1, y0, y1]: Region, aspect: number): number {
  const own = (x1 - x0) / (y1 - y0);
  return Math.max(1, Math.min(MOST, Math.floor((aspect / own + GAP) / (1 + GAP))));
}

export function sideBySide([x0, x1, y0, y1]: Region, count: number, aspect: number): SideBySide {
  const width = x1 - x0,
    step = width * (1 + GAP),
    used = width + step * Math.max(0, count - 1);
  const total = Math.max(used, (y1 - y0) * aspect),
    left = x0 - (total - used) / 2,
    low = (y0 + y1 - total / aspect) / 2;
  return {
    across: [left, left + total],
    up: [low, low + total / aspect],
    shifts: Array.from({ length: Math.max(1, count) }, (_, i) => i * step),
    valueAt: (place) => place - step * Math.max(0, Math.min(count - 1, Math.floor((place - x0 + (step - width) / 2) / step))),
  };
}

/** The selected run alone; else so many of those that are shown, one of each batch size before the others, in their order. */
export function byRoom(stage: Stage, room: number): number[] {
  if (stage.selected >= 0) return [stage.selected];
  const runs = stage.manifest!.runs.filter(({ index }) => !stage.hidden.has(index)),
    sizes = new Set<number>();
  const first = runs.filter(({ batchSize }) => !sizes.has(batchSize) && sizes.add(batchSize));
  const chosen = [...first, ...runs.filter((run) => !first.includes(run))].slice(0, room).map(({ index }) => index);
  return chosen.length > 0 || stage.stepRun === undefined ? chosen.sort((a, b) => a - b) : [stage.stepRun.index];
}
