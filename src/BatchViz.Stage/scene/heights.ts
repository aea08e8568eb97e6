/** From loss to height: a scale that a few extreme points cannot spoil, linear or logarithmic, and its contour lines. */
import { niceStep } from "../format.ts";
import type { Grid } from "../wire.ts";

export interface HeightScale {
  log: boolean;
  /** Loss at height 0 and at height 1; what lies beyond is drawn at the edge. */
  low: number;
  high: number;
  /** Contour lines: a difference of losses, or on the logarithmic scale a ratio. */
  step: number;
  /** Something of slice or paths is drawn at the top though it lies higher. */
  clipped: boolean;
  /** Part of the slice is, so that there are hatched places. */
  hatched: boolean;
}

const LINES = 14;

/**
 * The highest loss worth room on a picture, where runs began at `start` and came down to `low`: a run that diverges would
 * flatten everything else.
 */
export function decentLoss(start: number, low: number, log: boolean): number {
  return start + (log ? 30 : 3) * Math.max(Math.abs(start - low), 0.3 * Math.abs(start), 1e-6);
}

/**
 * `pathLosses` are the true losses on the paths, `start` the largest that a run began with. All decent ones fit; the slice may
 * be cut above its ninetieth percentile. Losses below zero have no logarithm, so such a slice is linear.
 */
export function heightScale(grid: Grid, pathLosses: readonly number[], start: number, wantsLog: boolean): HeightScale {
  const slice = sortedSlice(grid),
    paths = finite(pathLosses);
  const top = slice[slice.length - 1] ?? 1;
  let low = Math.min(slice[0] ?? 0, paths[0] ?? Infinity);
  if (!Number.isFinite(low)) low = 0;
  const log = wantsLog && low >= 0;
  const decent = Number.isFinite(start) ? decentLoss(start, low, log) : Infinity;
  const highest = paths.reduce((max, loss) => (loss <= decent && loss > max ? loss : max), -Infinity);
  const above = highest + 0.05 * (highest - low);
  let high = Math.max(Math.min(decent, quantile(slice, log ? 0.98 : 0.9)), above);
  if (top <= decent && high - low > 0.8 * (top - low)) high = Math.max(top, above);
  if (log) low = Math.max(low, high * 1e-5, Number.MIN_VALUE);
  if (!(high > low)) high = low + Math.max(1e-6, Math.abs(low));
  const edge = high + 0.001 * (high - low),
    hatched = top > edge;
  const clipped = hatched || (paths[paths.length - 1] ?? -Infinity) > edge;
  return { log, low, high, step: log ? ratioStep(high / low) : niceStep(high - low, LINES), clipped, hatched };
}

/** Height of a loss, 0 to 1; NaN where it is not finite. */
export const heightOf = (scale: HeightScale, loss: number): number => Math.min(1, levelOf(scale, loss));

/** The same, but beyond 1 where the loss lies above the scale, so that the edge of what is cut off is a line and no staircase. */
export function levelOf(scale: HeightScale, loss: number): number {
  if (!Number.isFinite(loss)) return NaN;
  const { low, high } = scale;
  const h = scale.log ? Math.log(Math.max(loss, low) / low) / Math.log(high / low) : (loss - low) / (high - low);
  return Math.min(2, Math.max(0, h));
}

/** Contour lines lie where `offset + frequency · height` is a whole number. */
export function contours(scale: HeightScale): { offset: number; frequency: number } {
  const { low, high, step } = scale;
  if (!scale.log) return { offset: low / step, frequency: (high - low) / step };
  return { offset: Math.log(low) / Math.log(step), frequency: Math.log(high / low) / Math.log(step) };
}

function ratioStep(range: number): number {
  const rough = range ** (1 / LINES);
  return [1.05, 1.1, 1.2, 1.5, 2, 3, 5].find((ratio) => ratio >= rough) ?? 10;
}

/** Bilinear between grid points; `u` and `v` in 0…1. NaN next to a hole. */
export function sample(values: ArrayLike<number>, n: number, u: number, v: number): number {
  const x = Math.min(1, Math.max(0, u)) * (n - 1),
    y = Math.min(1, Math.max(0, v)) * (n - 1);
  const i = Math.min(n - 2, Math.floor(x)),
    j = Math.min(n - 2, Math.floor(y));
  const s = x - i,
    t = y - j;
  const a = values[j * n + i]!,
    b = values[j * n + i + 1]!,
    c = values[(j + 1) * n + i]!,
    d = values[(j + 1) * n + i + 1]!;
  return (a * (1 - s) + b * s) * (1 - t) + (c * (1 - s) + d * s) * t;
}

const slices = new WeakMap<Grid, number[]>();

/** A grid never changes, and paths grow at every frame: its values are sorted once. */
function sortedSlice(grid: Grid): number[] {
  let slice = slices.get(grid);
  if (slice === undefined) slices.set(grid, (slice = finite(grid.values)));
  return slice;
}

const finite = (values: ArrayLike<number>): number[] =>
  Array.from(values)
    .filter(Number.isFinite)
    .sort((a, b) => a - b);

const quantile = (sorted: readonly number[], q: number): number => sorted[Math.floor(q * (sorted.length - 1))] ?? 0;
