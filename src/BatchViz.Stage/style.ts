/**
 * How a run looks, everywhere: path, curve, tree and legend. One fixed ramp over log2 of the batch size, from warm (small,
 * noisy) to cool (large, smooth), blended in OKLab so that steps look even; dash and marker tell neighbours apart for those
 * who do not see the colours. Where an experiment has batch sizes that lie close together, they move apart on the ramp; all
 * others stay. Seeds of one batch size share it all; a fork has the colour of its batch size and a dash and marker of its own.
 * Red is not on the ramp: it means divergence. The ramp itself is in colours.json, which the host's thumbnails read, too.
 */
import colours from "./colours.json" with { type: "json" };

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

type Stops = readonly (readonly [octave: number, colour: string])[];
const RAMP = colours.ramp as unknown as Readonly<Record<Theme, Stops>>;
/** Where the ramp ends, in octaves: log2 of the batch size. */
const TOP = RAMP.dark.at(-1)![0];
const DASHES: readonly (readonly number[])[] = [[], [12, 3], [7, 3], [4, 3], [2, 3], [16, 5]];
const MARKERS: readonly Marker[] = ["circle", "square", "diamond", "triangle", "pentagon", "cross"];

/** What stands for one batch size in an experiment: a place on the ramp, in octaves, and which dash and marker. */
interface Look {
  octave: number;
  kind: number;
}

const octaveOf = (batchSize: number): number => Math.min(TOP, Math.max(0, Math.log2(Math.max(1, batchSize))));
/** Two octaves a kind, so that the usual 1, 8, 32, 128 and 512 (or a full batch of 500) differ. */
const kindOf = (batchSize: number): number => Math.round((octaveOf(batchSize) + 0.1) / 2) % MARKERS.length;

/**
 * The look of every batch size of one experiment. `sizes` are those that it began with; `later` those of its forks, which find a place
 * between them, so that nothing that is drawn already changes its colour.
 */
export function looks(sizes: readonly number[], later: readonly number[] = []): ReadonlyMap<number, Look> {
  const known = new Map<number, Look>();
  const first = [...new Set(sizes)].sort((a, b) => a - b);
  const octaves = spread(first.map(octaveOf));
  const kinds = first.map((size, i) => (first.slice(0, i).some((other) => kindOf(other) === kindOf(size)) ? -1 : kindOf(size)));
  first.forEach((size, i) => {
    if (kinds[i] === -1) kinds[i] = freeKind(kindOf(size), kinds, [kinds[i - 1], kinds[i + 1]]);
    known.set(size, { octave: octaves[i]!, kind: kinds[i]! });
  });
  for (const size of later) {
    if (known.has(size)) continue;
    const others = [...known].sort(([a], [b]) => a - b),
      used = others.map(([, { kind }]) => kind);
    const below = others.filter(([other]) => other < size).at(-1)?.[1],
      above = others.find(([other]) => other > size)?.[1];
    const kind = used.includes(kindOf(size)) ? freeKind(kindOf(size), used, [below?.kind, above?.kind]) : kindOf(size);
    known.set(size, { octave: between(octaveOf(size), below?.octave, above?.octave), kind });
  }
  return known;
}

/**
 * Ascending places on the ramp, moved as little as possible (least squares) so that neighbours that were less than `farEnough` octaves
 * apart are `closeGap` apart, and no others come closer than `farEnough`. Where nothing is close, nothing moves. Pool adjacent violators
 * (Barlow et al. 1972) on the places less the gaps before them.
 */
function spread(octaves: readonly number[]): number[] {
  const before = [0];
  for (let i = 1; i < octaves.length; i++) {
    const isClose = octaves[i]! - octaves[i - 1]! < colours.farEnough;
    before.push(before[i - 1]! + (isClose ? colours.closeGap : colours.farEnough));
  }
  const scale = Math.min(1, TOP / Math.max(1, before.at(-1)!)),
    gaps = before.map((gap) => gap * scale);
  const pools: { sum: number; count: number }[] = [];
  octaves.forEach((octave, i) => {
    let pool = { sum: octave - gaps[i]!, count: 1 };
    for (let last = pools.at(-1); last !== undefined && last.sum / last.count > pool.sum / pool.count; last = pools.at(-1)) {
      pools.pop();
      pool = { sum: pool.sum + last.sum, count: pool.count + last.count };
    }
    pools.push(pool);
  });
  const most = TOP - (gaps.at(-1) ?? 0);
  const places = pools.flatMap(({ sum, count }) => Array<number>(count).fill(Math.min(most, Math.max(0, sum / count))));
  return places.map((place, i) => place + gaps[i]!);
}

/**
 * A place for one more between two neighbours: its own where it is far enough from them, or nearly; in the middle where there is no such
 * room.
 */
function between(octave: number, below: number | undefined, above: number | undefined): number {
  const low = below === undefined ? 0 : below + colours.farEnough,
    high = above === undefined ? TOP : above - colours.farEnough;
  return low <= high ? Math.min(high, Math.max(low, octave)) : ((below ?? 0) + (above ?? TOP)) / 2;
}

/** Unlike the neighbours', seldom used, and near its own, in this order. */
function freeKind(own: number, used: readonly number[], neighbours: readonly (number | undefined)[]): number {
  const cost = (kind: number): number =>
    (neighbours.includes(kind) ? 1e6 : 0) +
    1e3 * used.filter((other) => other === kind).length +
    ((kind - own + MARKERS.length) % MARKERS.length);
  return MARKERS.map((_, kind) => kind).reduce((best, kind) => (cost(kind) < cost(best) ? kind : best));
}

/** `variant` counts what shares the batch size and must be told apart: 0 the runs themselves, then forks. */
export function styleOf({ octave, kind }: Look, variant = 0): RunStyle {
  const own = (kind + variant) % MARKERS.length;
  return { colour: { dark: ramp(RAMP.dark, octave), light: ramp(RAMP.light, octave) }, dash: DASHES[own]!, marker: MARKERS[own]! };
}

/** The look of a batch size that has the experiment to itself. */
export const runStyle = (batchSize: number): RunStyle => styleOf(looks([batchSize]).get(batchSize)!);

function ramp(stops: Stops, at: number): string {
  let i = 1;
  while (i < stops.length - 1 && at > stops[i]![0]) i++;
  const [from, low] = stops[i - 1]!,
    [to, high] = stops[i]!;
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
  const from = oklab(linear(a)),
    to = oklab(linear(b));
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
  return (
    "#" +
    rgb
      .map((v) => {
        const c = v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055;
        return Math.round(255 * Math.min(1, Math.max(0, c)))
          .toString(16)
          .padStart(2, "0");
      })
      .join("")
  );
}
