/** Drawing runs' rows of buckets, evaluations and bands. All coordinates are canvas pixels. */
import type { Axis, RunClock } from "../../axis.ts";
import type { Buckets, EntryStore } from "../../store.ts";
import type { Stage } from "../../stage.ts";
import { drops, goneAt, saySeeds, type Band } from "./bands.ts";
import type { Marker } from "../../style.ts";
import type { Cut, Plot } from "./plot.ts";
import type { Canvas } from "./vector.ts";

/** One bucket's place on the axis: the end of what it covers. On a logarithmic axis zero is far to the left. */
const at = (plot: Plot, clock: RunClock, axis: Axis, update: number): number => Math.max(-1e6, plot.x(clock.toAxis(axis, update)));

/** Cut a little outside of the frame. */
const height = (plot: Plot, value: number): number => Math.min(plot.top + plot.height + 4, Math.max(plot.top - 4, plot.y(value)));

/** Bands of several runs lie over each other, so they are faint until one run is selected. */
export type Emphasis = "even" | "selected" | "other" | "plain";
/** "plain" is for what does not scatter: a setting. */
const BAND = { even: 0.06, selected: 0.22, other: 0, plain: 0.2 } as const;
const LINE = { even: 0.4, selected: 0.7, other: 0.15, plain: 1 } as const;
const DOT = { even: 0.9, selected: 1, other: 0.25, plain: 1 } as const;

/** Records that have this many pixels each are dots of their own. */
const ROOM_FOR_DOTS = 5;

/**
 * Min to max of every bucket as a band, and its last value as a line. What is not finite breaks the line and is ticked in red, where that
 * is no usual value. Single records are dots where they have room.
 */
export function drawBuckets(
  plot: Plot,
  row: Buckets,
  run: number,
  clock: RunClock,
  axis: Axis,
  emphasis: Emphasis,
  red: string | null,
): void {
  const { ctx, ratio, top } = plot;
  ctx.globalAlpha = BAND[emphasis];
  ctx.beginPath();
  for (let i = 0; emphasis !== "other" && i < row.count; i++) {
    const min = row.min[i]!,
      max = row.max[i]!;
    if (!(max > min)) continue;
    const x0 = at(plot, clock, axis, row.from[i]!),
      x1 = at(plot, clock, axis, row.to[i]!);
    const high = height(plot, max);
    ctx.rect(x0, high, Math.max(0.5, x1 - x0), height(plot, min) - high);
  }
  ctx.fill();
  ctx.globalAlpha = LINE[emphasis];
  ctx.lineWidth = (emphasis === "plain" ? 1.75 : 0.75) * ratio;
  ctx.beginPath();
  let down = false;
  for (let i = 0; i < row.count; i++) {
    const value = row.last[i]!;
    if (!Number.isFinite(value)) {
      down = false;
      continue;
    }
    const x = at(plot, clock, axis, row.to[i]!);
    if (down) ctx.lineTo(x, height(plot, value));
    else ctx.moveTo(x, height(plot, value));
    down = true;
  }
  ctx.stroke();
  if (roomFor(plot, row, clock, axis) >= ROOM_FOR_DOTS * ratio) {
    ctx.globalAlpha = DOT[emphasis];
    for (let i = 0; i < row.count; i++) {
      const value = row.last[i]!;
      if (row.to[i]! - row.from[i]! !== 1 || !Number.isFinite(value)) continue;
      ctx.beginPath();
      ctx.arc(at(plot, clock, axis, row.to[i]!), height(plot, value), 1.75 * ratio, 0, 7);
      ctx.fill();
    }
  }
  ctx.globalAlpha = DOT[emphasis];
  markCuts(
    plot,
    run,
    row.count,
    (i) => [at(plot, clock, axis, row.from[i]!), at(plot, clock, axis, row.to[i]!)],
    row.from,
    row.to,
    row.min,
    row.max,
  );
  ctx.globalAlpha = 1;
  if (red === null) return;
  ctx.fillStyle = red;
  for (let i = 0; i < row.count; i++) {
    if (row.nonFinite[i]! > 0) ctx.fillRect(at(plot, clock, axis, row.to[i]!) - 1, top, 2 * ratio, 6 * ratio);
  }
}

/** Marks that are nearer than this, in pixels of the page, are one. */
const CROWDED = 12;
/** Half a mark's width, in pixels of the page. */
const ARROW = 4;

/**
 * Where values leave the scale: an arrow at the frame where the farthest is cut, and a line along the frame as far as its neighbours are
 * cut, too. `place`: from where to where across a value lies. Below a logarithmic scale nothing is marked: towards 0 it has no end, and
 * batches that are learnt perfectly are there all the time.
 */
export function markCuts(
  plot: Plot,
  run: number,
  count: number,
  place: (i: number) => readonly [number, number],
  from: ArrayLike<number>,
  to: ArrayLike<number>,
  low: ArrayLike<number>,
  high: ArrayLike<number>,
): void {
  for (const above of plot.ys.kind === "log" ? [true] : [true, false]) {
    let start = NaN,
      end = NaN,
      far: Cut | null = null;
    const flush = (): void => {
      if (far !== null) drawCut(plot, start, end, (far.left + far.right) / 2, above);
      far = null;
    };
    for (let i = 0; i < count; i++) {
      const value = above ? high[i]! : low[i]!;
      if (!Number.isFinite(value) || !(above ? value > plot.ys.high : value < plot.ys.low)) continue;
      const [left, right] = place(i);
      if (right < plot.left || left > plot.left + plot.width) continue;
      const cut: Cut = { run, from: from[i]!, to: to[i]!, left, right, value, above };
      plot.cuts.push(cut);
      if (left > end + CROWDED * plot.ratio) flush();
      if (far === null) start = left;
      end = right;
      if (far === null || (above ? value > far.value : value < far.value)) far = cut;
    }
    flush();
  }
}

/** Inside the frame, pointing out of it. */
function drawCut(plot: Plot, start: number, end: number, x: number, above: boolean): void {
  const { ctx, ratio, left, width } = plot,
    size = ARROW * ratio,
    out = above ? 1 : -1,
    edge = above ? plot.top : plot.top + plot.height;
  x = Math.max(left + size, Math.min(x, left + width - size));
  start = Math.max(left, start);
  end = Math.min(end, left + width);
  if (end - start > 2 * size) ctx.fillRect(start, above ? edge : edge - 1.5 * ratio, end - start, 1.5 * ratio);
  ctx.beginPath();
  ctx.moveTo(x, edge + out * ratio);
  ctx.lineTo(x + size, edge + out * (ratio + 1.6 * size));
  ctx.lineTo(x - size, edge + out * (ratio + 1.6 * size));
  ctx.closePath();
  ctx.fill();
}

/** Canvas pixels from one record to the next, at the end of the row. */
function roomFor(plot: Plot, row: Buckets, clock: RunClock, axis: Axis): number {
  const last = row.to[row.count - 1]!;
  return row.level === 0 ? at(plot, clock, axis, last) - at(plot, clock, axis, last - 1) : 0;
}

/** Where a fork leaves its parent. */
export function drawRing(plot: Plot, x: number, y: number): void {
  const { ctx, ratio } = plot,
    left = plot.x(x),
    top = plot.y(y);
  if (!Number.isFinite(top)) return;
  ctx.lineWidth = 1.5 * ratio;
  ctx.beginPath();
  ctx.arc(left, top, 4.5 * ratio, 0, 7);
  ctx.stroke();
}

/** Measured values as points joined by a line. `k` names the value: 0 evaluation loss, 1 test loss, 2 test accuracy. */
export function drawEvaluations(
  plot: Plot,
  list: EntryStore,
  k: number,
  run: number,
  clock: RunClock,
  axis: Axis,
  dash: readonly number[],
): void {
  const { ctx, ratio } = plot;
  ctx.lineWidth = 1.75 * ratio;
  ctx.setLineDash(dash.map((d) => d * ratio));
  ctx.beginPath();
  // Cut at the frame's sides: zoomed in, the line is millions of pixels long, and its dashes would be laid one by one for seconds.
  const left = plot.left - 8 * ratio,
    right = plot.left + plot.width + 8 * ratio;
  let x0 = NaN,
    y0 = NaN,
    down = false;
  for (let i = 0; i < list.count; i++) {
    const value = list.value(i, k);
    const x1 = Number.isFinite(value) ? at(plot, clock, axis, list.updates[i]!) : NaN,
      y1 = plot.y(value);
    const seen = x0 <= right && x1 >= left,
      slope = x1 > x0 ? (y1 - y0) / (x1 - x0) : 0;
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
    const x = at(plot, clock, axis, list.updates[i]!);
    if (!Number.isFinite(value) || x - last < 12 * ratio || x < plot.left) continue;
    last = x;
    ctx.beginPath();
    ctx.arc(x, plot.y(value), 2.25 * ratio, 0, 7);
    ctx.fill();
  }
  const values = Array.from({ length: list.count }, (_, i) => list.value(i, k));
  markPoints(plot, run, list.count, list.updates, values, clock, axis);
}

/** The same of values at single moments. */
function markPoints(
  plot: Plot,
  run: number,
  count: number,
  updates: ArrayLike<number>,
  values: ArrayLike<number>,
  clock: RunClock,
  axis: Axis,
): void {
  const place = (i: number): readonly [number, number] => {
    const x = at(plot, clock, axis, updates[i]!);
    return [x, x];
  };
  markCuts(plot, run, count, place, updates, updates, values, values);
}

/** The mean over seeds as a line, and its interval as an area. `run`: its first seed. */
export function drawBand(
  plot: Plot,
  band: Band,
  run: number,
  clock: RunClock,
  axis: Axis,
  dash: readonly number[],
  width: number,
  area: boolean,
): void {
  const { ctx, ratio } = plot;
  if (area) {
    ctx.globalAlpha = 0.2;
    ctx.beginPath();
    for (let i = 0; i < band.count; i++) ctx.lineTo(at(plot, clock, axis, band.update[i]!), height(plot, band.mean[i]! + halfOf(band, i)));
    for (let i = band.count - 1; i >= 0; i--)
      ctx.lineTo(at(plot, clock, axis, band.update[i]!), lowest(plot, band.mean[i]! - halfOf(band, i)));
    ctx.fill();
    ctx.globalAlpha = 1;
  }
  ctx.lineWidth = width * ratio;
  ctx.setLineDash(dash.map((d) => d * ratio));
  ctx.beginPath();
  for (let i = 0; i < band.count; i++) ctx.lineTo(at(plot, clock, axis, band.update[i]!), height(plot, band.mean[i]!));
  ctx.stroke();
  ctx.setLineDash([]);
  markPoints(plot, run, band.count, band.update, band.mean, clock, axis);
}

/** Of a single seed there is no interval, and the area is as thin as its line. */
const halfOf = (band: Band, i: number): number => (Number.isFinite(band.half[i]) ? band.half[i]! : 0);

/** An upright tick through the band wherever seeds drop out of it, and beside the last one how many are left and why. */
export function drawDrops(plot: Plot, band: Band, stage: Stage, group: readonly number[], clock: RunClock): void {
  const { ctx, ratio } = plot,
    found = drops(band);
  if (found.length === 0) return;
  ctx.lineWidth = 1.5 * ratio;
  for (const i of found) {
    const x = at(plot, clock, stage.axis, band.update[i]!),
      y = height(plot, band.mean[i]!);
    ctx.beginPath();
    ctx.moveTo(x, y - 6 * ratio);
    ctx.lineTo(x, y + 6 * ratio);
    ctx.stroke();
  }
  const last = found.at(-1)!;
  plot.notes.push({
    x: at(plot, clock, stage.axis, band.update[last]!) + 4 * ratio,
    y: height(plot, band.mean[last]!) - 1.4 * parseFloat(plot.font),
    words: saySeeds(band.alive[last]!, goneAt(stage, group, band, last)),
    colour: ctx.fillStyle as string,
  });
}

/** What curves say beside them is written when all of them are drawn. */
export function writeNotes(plot: Plot): void {
  const { ctx, ratio } = plot,
    size = parseFloat(plot.font),
    lines = 1.3 * size;
  ctx.font = plot.font;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  for (const note of plot.notes) {
    // Chinese characters are square.
    const width = size * [...note.words].reduce((sum, character) => sum + (character > "\u2e80" ? 1 : 0.55), 0);
    const x = Math.max(plot.left + 4 * ratio, Math.min(note.x, plot.left + plot.width - width - 4 * ratio));
    const y = plot.label(x, note.y, width, lines);
    ctx.fillStyle = plot.colours.ground;
    ctx.globalAlpha = 0.8;
    ctx.fillRect(x - 2 * ratio, y, width + 4 * ratio, lines);
    ctx.globalAlpha = 1;
    ctx.fillStyle = note.colour;
    ctx.fillText(note.words, x, y + lines / 2);
  }
}

/** An interval may reach below zero, where a logarithmic axis has no place. */
const lowest = (plot: Plot, value: number): number => {
  const y = height(plot, value);
  return Number.isNaN(y) ? plot.top + plot.height + 4 : y;
};

/** A run's marker, filled. */
export function drawMarker(ctx: Canvas, marker: Marker, x: number, y: number, size: number): void {
  ctx.beginPath();
  if (marker === "circle") ctx.arc(x, y, size, 0, 7);
  else if (marker === "cross") {
    const arm = size / 3;
    ctx.rect(x - size, y - arm, 2 * size, 2 * arm);
    ctx.rect(x - arm, y - size, 2 * arm, 2 * size);
  } else polygon(ctx, CORNERS[marker], x, y, size);
  ctx.fill();
}

/** Corners on a circle, and how far the first is turned from straight up, in eighths. */
const CORNERS: Readonly<Record<Exclude<Marker, "circle" | "cross">, readonly [count: number, turned: number]>> = {
  square: [4, 1],
  diamond: [4, 0],
  triangle: [3, 0],
  pentagon: [5, 0],
};

function polygon(ctx: Canvas, [count, turned]: readonly [number, number], x: number, y: number, size: number): void {
  for (let i = 0; i < count; i++) {
    const angle = (2 * Math.PI * i) / count - Math.PI / 2 + (turned * Math.PI) / 4;
    ctx.lineTo(x + 1.15 * size * Math.cos(angle), y + 1.15 * size * Math.sin(angle));
  }
  ctx.closePath();
}
