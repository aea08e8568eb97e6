/** The timeline's window over the whole budget, in the axis' unit: moved, zoomed and resized within its bounds. Pure. */

export type Span = readonly [from: number, to: number];

/** Zoomed so that `at` stays where it is on the screen; null: all there is. `factor` below 1 comes closer. */
export function zoomed([from, to]: Span, total: number, at: number, factor: number, least: number): Span | null {
  const width = Math.max(Math.min(least, total), (to - from) * factor);
  if (width >= total) return null;
  const share = to > from ? (at - from) / (to - from) : 0.5;
  return within(at - share * width, width, total);
}

export const panned = ([from, to]: Span, total: number, by: number): Span => within(from + by, to - from, total);

/** One end moved; it stays `least` away from the other. */
export function resized([from, to]: Span, total: number, end: "from" | "to", at: number, least: number): Span | null {
  const span: Span = end === "from" ? [Math.max(0, Math.min(at, to - least)), to] : [from, Math.min(total, Math.max(at, from + least))];
  return span[0] <= 0 && span[1] >= total ? null : span;
}

function within(from: number, width: number, total: number): Span {
  const start = Math.max(0, Math.min(from, total - width));
  return [start, start + width];
}
