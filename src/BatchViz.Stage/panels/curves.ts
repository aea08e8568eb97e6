/** Drawing runs' rows of buckets and evaluations onto a uPlot canvas. All coordinates are canvas pixels. */
import type uPlot from "uplot";
import type { RunClock, Axis } from "../axis.ts";
import type { Buckets, EntryStore } from "../store.ts";

/** One bucket's place on the axis: the end of what it covers. */
const at = (u: uPlot, clock: RunClock, axis: Axis, update: number): number => u.valToPos(clock.toAxis(axis, update), "x", true);

/** Bands of several runs lie over each other, so they are faint until one run is selected. */
export type Emphasis = "even" | "selected" | "other";
const BAND = { even: 0.06, selected: 0.22, other: 0 } as const;
const LINE = { even: 0.4, selected: 0.7, other: 0.15 } as const;
const DOT = { even: 0.9, selected: 1, other: 0.25 } as const;

/** Records that have this many pixels each are dots of their own. */
const ROOM_FOR_DOTS = 5;

/** Min to max of every bucket as a band, and its last value as a line. What is not finite breaks the line and is ticked in red. Single records are dots where they have room. */
export function drawBuckets(u: uPlot, row: Buckets, clock: RunClock, axis: Axis, emphasis: Emphasis, red: string): void {
  const { ctx, bbox } = u;
  const top = bbox.top, bottom = bbox.top + bbox.height;
  const y = (value: number): number => Math.min(bottom + 4, Math.max(top - 4, u.valToPos(value, "y", true)));
  ctx.globalAlpha = BAND[emphasis];
  ctx.beginPath();
  for (let i = 0; emphasis !== "other" && i < row.count; i++) {
    const min = row.min[i]!, max = row.max[i]!;
    if (!(max > min)) continue;
    const x0 = at(u, clock, axis, row.from[i]!), x1 = at(u, clock, axis, row.to[i]!);
    const high = y(max);
    ctx.rect(x0, high, Math.max(0.5, x1 - x0), y(min) - high);
  }
  ctx.fill();
  ctx.globalAlpha = LINE[emphasis];
  ctx.lineWidth = 0.75 * devicePixelRatio;
  ctx.beginPath();
  let down = false;
  for (let i = 0; i < row.count; i++) {
    const value = row.last[i]!;
    if (!Number.isFinite(value)) {
      down = false;
      continue;
    }
    const x = at(u, clock, axis, row.to[i]!);
    if (down) ctx.lineTo(x, y(value));
    else ctx.moveTo(x, y(value));
    down = true;
  }
  ctx.stroke();
  if (roomFor(u, row, clock, axis) >= ROOM_FOR_DOTS * devicePixelRatio) {
    ctx.globalAlpha = DOT[emphasis];
    for (let i = 0; i < row.count; i++) {
      const value = row.last[i]!;
      if (row.to[i]! - row.from[i]! !== 1 || !Number.isFinite(value)) continue;
      ctx.beginPath();
      ctx.arc(at(u, clock, axis, row.to[i]!), y(value), 1.75 * devicePixelRatio, 0, 7);
      ctx.fill();
    }
  }
  ctx.globalAlpha = 1;
  ctx.fillStyle = red;
  for (let i = 0; i < row.count; i++) {
    if (row.nonFinite[i]! > 0) ctx.fillRect(at(u, clock, axis, row.to[i]!) - 1, top, 2 * devicePixelRatio, 6 * devicePixelRatio);
  }
}

/** Canvas pixels from one record to the next, at the end of the row. */
function roomFor(u: uPlot, row: Buckets, clock: RunClock, axis: Axis): number {
  const last = row.to[row.count - 1]!;
  return row.level === 0 ? at(u, clock, axis, last) - at(u, clock, axis, last - 1) : 0;
}

/** Where a fork leaves its parent. */
export function drawRing(u: uPlot, x: number, y: number): void {
  const { ctx } = u, left = u.valToPos(x, "x", true), top = u.valToPos(y, "y", true);
  if (!Number.isFinite(top)) return;
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.beginPath();
  ctx.arc(left, top, 4.5 * devicePixelRatio, 0, 7);
  ctx.stroke();
}

/** Measured values as points joined by a line. `k` names the value: 0 evaluation loss, 1 test loss, 2 test accuracy. */
export function drawEvaluations(u: uPlot, list: EntryStore, k: number, clock: RunClock, axis: Axis, dash: readonly number[]): void {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  ctx.lineWidth = 1.75 * ratio;
  ctx.setLineDash(dash.map((d) => d * ratio));
  ctx.beginPath();
  // Cut at the frame's sides: zoomed in, the line is millions of pixels long, and its dashes would be laid one by one for seconds.
  const left = bbox.left - 8 * ratio, right = bbox.left + bbox.width + 8 * ratio;
  let x0 = NaN, y0 = NaN, down = false;
  for (let i = 0; i < list.count; i++) {
    const value = list.value(i, k);
    const x1 = Number.isFinite(value) ? at(u, clock, axis, list.updates[i]!) : NaN, y1 = u.valToPos(value, "y", true);
    const seen = x0 <= right && x1 >= left, slope = x1 > x0 ? (y1 - y0) / (x1 - x0) : 0;
    if (seen && !down) ctx.moveTo(Math.max(x0, left), x0 < left ? y0 + slope * (left - x0) : y0);
    if (seen) ctx.lineTo(Math.min(x1, right), x1 > right ? y1 - slope * (x1 - right) : y1);
    down = seen;
    x0 = x1;
    y0 = y1;
  }
  ctx.stroke();
  ctx.setLineDash([]);
  // Points that crowd say nothing: they are drawn where they have room.
  let last = -Infinity;
  ctx.fillStyle = ctx.strokeStyle;
  for (let i = 0; i < list.count; i++) {
    const value = list.value(i, k);
    const x = at(u, clock, axis, list.updates[i]!);
    if (!Number.isFinite(value) || x - last < 12 * ratio || x < bbox.left) continue;
    last = x;
    ctx.beginPath();
    ctx.arc(x, u.valToPos(value, "y", true), 2.25 * ratio, 0, 7);
    ctx.fill();
  }
}
