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

/** Min to max of every bucket as a band, and its last value as a line. What is not finite breaks the line and is ticked in red. */
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
  ctx.globalAlpha = 1;
  ctx.fillStyle = red;
  for (let i = 0; i < row.count; i++) {
    if (row.nonFinite[i]! > 0) ctx.fillRect(at(u, clock, axis, row.to[i]!) - 1, top, 2 * devicePixelRatio, 6 * devicePixelRatio);
  }
}

/** Measured values as points joined by a line. `k` names the value: 0 evaluation loss, 1 test loss, 2 test accuracy. */
export function drawEvaluations(u: uPlot, list: EntryStore, k: number, clock: RunClock, axis: Axis, dash: readonly number[]): void {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  ctx.lineWidth = 1.75 * ratio;
  ctx.setLineDash(dash.map((d) => d * ratio));
  ctx.beginPath();
  let down = false;
  for (let i = 0; i < list.count; i++) {
    const value = list.value(i, k);
    if (!Number.isFinite(value)) {
      down = false;
      continue;
    }
    const x = at(u, clock, axis, list.updates[i]!), y = u.valToPos(value, "y", true);
    if (down) ctx.lineTo(x, y);
    else ctx.moveTo(x, y);
    down = true;
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
