/** Numbers as people read them. */

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** Significant digits, three unless told; what is not finite keeps its name. */
export function figure(value: number, digits = 3): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 1e-3 || size >= 1e6) return exponent(value, digits - 1);
  if (size >= 10 ** digits) return whole(value);
  return minus(value.toPrecision(digits));
}

export const whole = (value: number): string => minus(grouped.format(Math.round(value)));

export const percent = (fraction: number, digits = 1): string => `${minus((100 * fraction).toFixed(digits))} %`;

/** Short enough for an axis: 1.5k, 300k, 2M, 3e12. */
export function short(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e12) return exponent(value, 1);
  for (const [unit, letter] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const) {
    if (size >= unit) return minus(trimmed(value / unit)) + letter;
  }
  if (size > 0 && size < 1e-3) return exponent(value, 1);
  return minus(trimmed(value));
}

/** Ticks of an axis: short, unless the window is so narrow that neighbours would read the same. */
export function ticks(values: readonly number[]): string[] {
  const texts = values.map(short);
  if (new Set(texts).size === texts.length) return texts;
  const digits = Math.max(0, -Math.floor(Math.log10(Math.abs(values[1]! - values[0]!)) + 1e-9));
  return values.map((value) => minus(value.toLocaleString("en", { maximumFractionDigits: Math.min(20, digits) })));
}

const trimmed = (value: number): string => String(Number(value.toPrecision(3)));
const minus = (text: string): string => text.replace("-", "−");

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
function exponent(value: number, digits: number): string {
  const [mantissa, power] = value.toExponential(digits).split("e") as [string, string];
  const raised = String(Math.abs(Number(power)))
    .split("")
    .map((d) => RAISED[Number(d)])
    .join("");
  return `${minus(String(Number(mantissa)))}×10${Number(power) < 0 ? "⁻" : ""}${raised}`;
}

/** 1, 2 or 5 times a power of ten, so that about `count` steps span `range`. */
export function niceStep(range: number, count: number): number {
  const rough = range / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const lead = rough / power;
  return (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10) * power;
}
