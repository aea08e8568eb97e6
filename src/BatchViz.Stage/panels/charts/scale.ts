/** From values to pixels, and the ticks of an axis. "symlog" is asinh: linear about 0, logarithmic far from it, on both sides. Pure. */
import { niceStep } from "../../format.ts";

export type ScaleKind = "linear" | "log" | "symlog";

export class Scale {
  kind: ScaleKind = "linear";
  low = 0;
  high = 1;
  private from = 0;
  private slope = 1;
  private start = 0;

  /** `low` lies at pixel `from`, `high` at pixel `to`. */
  set(kind: ScaleKind, low: number, high: number, from: number, to: number): this {
    this.kind = kind;
    this.low = low;
    this.high = high;
    this.from = from;
    this.start = bent(kind, low);
    this.slope = (to - from) / (bent(kind, high) - this.start || 1);
    return this;
  }

  at(value: number): number {
    return this.from + (bent(this.kind, value) - this.start) * this.slope;
  }
}

/** Where on a straight ruler a value lies. */
export const bent = (kind: ScaleKind, value: number): number =>
  kind === "log" ? Math.log10(value) : kind === "symlog" ? Math.asinh(value) : value;

/** About `count` ticks that people like. */
export function ticksOf(kind: ScaleKind, low: number, high: number, count: number): number[] {
  if (!(high > low)) return [];
  if (kind === "linear") return steps(low, high, niceStep(high - low, count));
  if (kind === "log") return decades(low, high, count);
  const both = Math.asinh(high) - Math.asinh(low),
    ofSide = (from: number, to: number): number[] => {
      const share = (Math.asinh(to) - Math.asinh(from)) / both;
      const ticks = to > from ? decades(from, to, Math.max(1, Math.round(count * share))) : [];
      return ticks.filter((tick) => from > 1 || Math.asinh(tick) * count > both * 0.8); // not on top of the zero
    };
  const positive = ofSide(Math.max(1, low), high);
  const negative = ofSide(Math.max(1, -high), -low)
    .map((tick) => -tick)
    .reverse();
  return [...negative, ...(low <= 0 && high >= 0 ? [0] : []), ...positive];
}

function steps(low: number, high: number, step: number): number[] {
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high * (1 + 1e-12) + step * 1e-9; i++)
    ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

/** Powers of ten, every so many; where there are few, 2 and 5 times them, too; within one decade as on a straight scale. */
function decades(low: number, high: number, count: number): number[] {
  if (!(low > 0)) return [];
  const span = Math.log10(high / low);
  if (span < 0.8) return steps(low, high, niceStep(high - low, count));
  const every = Math.max(1, Math.ceil(span / count));
  const parts = span * 3 <= count ? [1, 2, 5] : span * 2 <= count ? [1, 3] : [1];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    if (((power % every) + every) % every !== 0) continue;
    for (const part of parts) {
      const tick = Number(`${part}e${power}`);
      if (tick >= low * 0.999999 && tick <= high * 1.000001) ticks.push(tick);
    }
  }
  return ticks;
}
