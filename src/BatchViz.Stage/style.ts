/**
 * How a run looks, everywhere: path, curve, tree and legend. One fixed ramp over log2 of the batch size, from warm (small,
 * noisy) to cool (large, smooth), blended in OKLab so that steps look even; dash and marker tell neighbours apart for those
 * who do not see the colours. Seeds of one batch size share it all; a fork has the colour of its batch size and a dash and
 * marker of its own. Red is not on the ramp: it means divergence.
 */

export type Theme = "dark" | "light";
export type Marker = "circle" | "square" | "diamond" | "triangle" | "pentagon" | "cross";

export interface RunStyle {
  colour: Readonly<Record<Theme, string>>;
  /** Pixels drawn and left out; empty for a solid line. */
  dash: readonly number[];
  marker: Marker;
}

/** The page's grounds, as in wwwroot/css/tokens.css: what the ramp must stand out from, surface included. */
export const GROUND: Readonly<Record<Theme, string>> = { dark: "#0f1318", light: "#f7f8fa" };
/** The lightest (dark theme) or darkest (light theme) tone that the surface takes beneath a path. */
export const SURFACE: Readonly<Record<Theme, readonly [string, string]>> = { dark: ["#1a212b", "#3a4656"], light: ["#f1f4f7", "#b9c4d0"] };

/**
 * Colours that a viewer can give a run: eight that differ in lightness as well as in hue (after Okabe and Ito), so that they are
 * told apart by the colour-blind too, each with contrast of 3:1 and more on page and surface. Red is left out: it means divergence.
 */
export const PALETTE: Readonly<Record<string, Readonly<Record<Theme, string>>>> = {
  orange: { dark: "#f5a524", light: "#8f4f00" },
  yellow: { dark: "#f4e664", light: "#665800" },
  green: { dark: "#35c994", light: "#00603f" },
  sky: { dark: "#74c7f7", light: "#00597f" },
  blue: { dark: "#7f9cff", light: "#2b3fa8" },
  purple: { dark: "#d48be0", light: "#7d1f8c" },
  rose: { dark: "#ff9fb2", light: "#96244f" },
  grey: { dark: "#d5dbe3", light: "#2f3740" },
};

const STOPS: Readonly<Record<Theme, readonly (readonly [number, string])[]>> = {
  dark: [[0, "#ffd166"], [3, "#ff9f4a"], [5, "#f58fd2"], [7, "#a9a6ff"], [9, "#4fc8f5"], [12, "#3ddc97"], [16, "#b5f08a"]],
  light: [[0, "#7d5700"], [3, "#a84300"], [5, "#a21c78"], [7, "#4f3fd0"], [9, "#006489"], [12, "#00693a"], [16, "#4a6000"]],
};
const DASHES: readonly (readonly number[])[] = [[], [12, 3], [7, 3], [4, 3], [2, 3], [16, 5]];
const MARKERS: readonly Marker[] = ["circle", "square", "diamond", "triangle", "pentagon", "cross"];

/** `variant` counts what shares the batch size and must be told apart: 0 the runs themselves, then forks. */
export function runStyle(batchSize: number, variant = 0): RunStyle {
  const octave = Math.min(16, Math.max(0, Math.log2(Math.max(1, batchSize))));
  // Two octaves a look, so that the usual 1, 8, 32, 128 and 512 (or a full batch of 500) differ.
  const kind = (Math.round((octave + 0.1) / 2) + variant) % DASHES.length;
  return { colour: { dark: ramp(STOPS.dark, octave), light: ramp(STOPS.light, octave) }, dash: DASHES[kind]!, marker: MARKERS[kind]! };
}

function ramp(stops: (typeof STOPS)[Theme], at: number): string {
  let i = 1;
  while (i < stops.length - 1 && at > stops[i]![0]) i++;
  const [from, low] = stops[i - 1]!, [to, high] = stops[i]!;
  return mix(low, high, (at - from) / (to - from));
}

type Triple = [number, number, number];

/** Relative luminance contrast of WCAG 2, 1 to 21. */
export function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function luminance(colour: string): number {
  const [r, g, b] = linear(colour);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function linear(colour: string): Triple {
  const code = parseInt(colour.slice(1), 16);
  return [code >> 16, (code >> 8) & 255, code & 255].map((c) => {
    const v = c / 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  }) as Triple;
}

/** Blends in OKLab (Björn Ottosson, 2020). */
export function mix(a: string, b: string, t: number): string {
  const from = oklab(linear(a)), to = oklab(linear(b));
  const [L, m, n] = [0, 1, 2].map((k) => from[k]! + (to[k]! - from[k]!) * t) as Triple;
  const l = (L + 0.3963377774 * m + 0.2158037573 * n) ** 3;
  const p = (L - 0.1055613458 * m - 0.0638541728 * n) ** 3;
  const s = (L - 0.0894841775 * m - 1.291485548 * n) ** 3;
  return hex([
    4.0767416621 * l - 3.3077115913 * p + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * p - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * p + 1.707614701 * s,
  ]);
}

function oklab([r, g, b]: Triple): Triple {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function hex(rgb: Triple): string {
  return "#" + rgb.map((v) => {
    const c = v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055;
    return Math.round(255 * Math.min(1, Math.max(0, c))).toString(16).padStart(2, "0");
  }).join("");
}
