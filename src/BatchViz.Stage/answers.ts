/** What the server recomputes or has measured and answers in JSON (docs/wire-format.md). Numbers that are not finite are null. */

/** How far the recomputing is, 0 to 1, and how many updates it takes. */
export interface UnderWay {
  progress: number;
  updates: number;
}

export type Answer<T> = T | UnderWay | { error: string };

/** (1 − t)·a + t·b, as in Keskar et al. 2017, figure 3. */
export interface Line {
  a: string;
  b: string;
  updates: [number, number];
  t: number[];
  train: { loss: (number | null)[]; accuracy: (number | null)[] | null };
  test: { loss: (number | null)[]; accuracy: (number | null)[] | null } | null;
  trainExamples: number;
  testExamples: number;
}

export interface ProbePoint {
  update: number;
  gradientNorm: number | null;
  batchCosine: number | null;
  sharpness: number | null;
  adaptiveSharpness: number | null;
  eigenvalues: (number | null)[] | null;
  trace: number | null;
  noiseScale: number | null;
  fisherRao: number | null;
}

export interface Probes {
  points: ProbePoint[];
}

/** Updates after which weights are kept, ascending. */
export interface Keyframes {
  updates: number[];
}

export interface Example {
  index: number;
  /** The class, the target's values, or null where there is neither. */
  target: number | (number | null)[] | null;
  /** Base64 of a byte for each pixel, row by row; of images. */
  pixels: string | null;
  /** Of few inputs. */
  values: (number | null)[] | null;
}

export interface Examples {
  inputs: number;
  image: [rows: number, columns: number] | null;
  /** Planes of an image, and views of it, one after another; absent: 1. */
  channels?: number;
  views?: number;
  classes: number | null;
  examples: Example[];
}

export interface Boundary {
  region: [x0: number, x1: number, y0: number, y1: number];
  resolution: number;
  kind: "probability" | "class" | "value";
  /** Base64 of float32, row by row from y0. */
  values: string;
}

export interface Points {
  x: number[];
  y: number[];
  target: number[];
  total: number;
}
