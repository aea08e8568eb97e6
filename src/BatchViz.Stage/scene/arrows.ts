/** Where arrows and ellipse of the gradients lie on the plane, and by how much they are enlarged. Pure. */
import type { Moments, Projected } from "../moments.ts";

export type Region = readonly [x0: number, x1: number, y0: number, y1: number];

/** Pairs of x and y in the plane's coordinates. */
export type Line = number[];

const ROUND = 64;
/** Of the plane's region, that the longest of them takes. */
const REACH = 0.2;

/** SGD goes against the gradient, so the arrow points there. */
export function arrow(from: { x: number; y: number }, gradient: Projected, scale: number): Line {
  return [from.x, from.y, from.x - scale * gradient.x, from.y - scale * gradient.y];
}

/**
 * One standard deviation of the gradient of a batch, around the arrow of the full gradient. Batches are drawn without
 * replacement, so that a batch of all examples has none: Σ/B · (N − B)/(N − 1).
 */
export function ellipse({ point, full, covariance, nextBatchSize }: Moments, scale: number): Line {
  if (covariance === null) return [];
  const [xx, xy, yy] = spread(covariance, nextBatchSize, full.examples);
  // A square root of the covariance takes the unit circle to the ellipse (Cholesky).
  const a = Math.sqrt(Math.max(0, xx)),
    b = a > 0 ? xy / a : 0,
    c = Math.sqrt(Math.max(0, yy - b * b));
  const cx = point.x - scale * full.x,
    cy = point.y - scale * full.y;
  const line: Line = [];
  for (let i = 0; i <= ROUND; i++) {
    const u = Math.cos((2 * Math.PI * i) / ROUND),
      v = Math.sin((2 * Math.PI * i) / ROUND);
    line.push(cx + scale * a * u, cy + scale * (b * u + c * v));
  }
  return line;
}

function spread(covariance: readonly [number, number, number], batch: number, examples: number): [number, number, number] {
  const factor = examples > 1 ? Math.max(0, examples - batch) / (examples - 1) / batch : 0;
  return [covariance[0] * factor, covariance[1] * factor, covariance[2] * factor];
}

/**
 * Plane units for one unit of gradient, 1, 2 or 5 times a power of ten, the same for all that is drawn: so long that it is seen, and on the
 * picture.
 */
export function commonScale(all: readonly Moments[], [x0, x1, y0, y1]: Region): number {
  let longest = 0;
  const reach = (x: number, y: number): void => {
    longest = Math.max(longest, Math.hypot(x / (x1 - x0), y / (y1 - y0)));
  };
  for (const { batch, full, covariance, nextBatchSize } of all) {
    if (batch) reach(batch.x, batch.y);
    reach(full.x, full.y);
    if (!covariance || !nextBatchSize) continue;
    const [xx, , yy] = spread(covariance, nextBatchSize, full.examples);
    reach(Math.abs(full.x) + Math.sqrt(xx), Math.abs(full.y) + Math.sqrt(yy));
  }
  if (!(longest > 0) || !Number.isFinite(longest)) return 1;
  const most = REACH / longest,
    power = 10 ** Math.floor(Math.log10(most) + 1e-9),
    lead = most / power;
  return (lead >= 5 ? 5 : lead >= 2 ? 2 : 1) * power;
}

/** The two strokes of an arrow's head, in the units of what is drawn: from each barb to the tip. */
export function barbs(x0: number, z0: number, x1: number, z1: number, size: number): [number, number, number, number] {
  const length = Math.hypot(x1 - x0, z1 - z0);
  if (!(length > 0)) return [x1, z1, x1, z1];
  const s = Math.min(size, 0.5 * length) / length,
    dx = (x1 - x0) * s,
    dz = (z1 - z0) * s;
  return [x1 - dx + 0.5 * dz, z1 - dz - 0.5 * dx, x1 - dx - 0.5 * dz, z1 - dz + 0.5 * dx];
}
