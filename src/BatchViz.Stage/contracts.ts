/**
 * What the server answers in JSON, generated from the records of src/BatchViz/Api: change those, and then run
 * `UPDATE_CONTRACTS=1 dotnet test tests/BatchViz.Tests --filter TypeScriptContractsTests`. A number that is not finite is null.
 */
import type { Spec } from "./spec.ts";

/** One batch, recomputed. */
export interface Batch {
  run: string;
  update: number;
  batchSize: number;
  /** A short batch at its epoch's end. */
  remainder: boolean;
  /** In which it begins, from 1. */
  epoch: number;
  /** Every deterministic column by name. */
  record: Record<string, number | null>;
  /** The record was kept, too, and differs by at most deviation. */
  recorded: boolean;
  /** Relative; 0: the same bits. */
  deviation: number | null;
  /** The column that differs most; null: the same bits. */
  difference: ColumnDifference | null;
  updatesReplayed: number;
  full: FullGradient;
  /** At the weights before the update, in the batch's order. */
  examples: BatchExample[];
}

export interface BatchExample {
  index: number;
  loss: number | null;
  gradientNorm: number | null;
}

/** The network's answers over its two inputs. */
export interface Boundary {
  region: [x0: number, x1: number, y0: number, y1: number];
  resolution: number;
  kind: "probability" | "class" | "value";
  /** Base64 of little-endian float32, row by row from y0. */
  values: string;
}

/** Of the longest run, as far as it is known. */
export interface BudgetInfo {
  examples: number | null;
  updates: number | null;
  epochs: number | null;
  seconds: number | null;
}

/** A column of a record that is not what was recorded. */
export interface ColumnDifference {
  column: string;
  now: number | null;
  recorded: number | null;
  absolute: number | null;
  /** Beside the larger of the two. */
  relative: number | null;
}

/** A column of the step records. */
export interface ColumnInfo {
  name: string;
  /** A few words, in English. */
  label: string;
  unit: string;
  /** The definition, in English. */
  description: string;
  /** The same in Chinese. */
  chinese: ColumnWords;
  /** It comes with every frame; the others are in tiles. */
  live: boolean;
  /** It follows from the experiment alone; a timing does not. */
  deterministic: boolean;
  /** About single examples' gradients: undefined where a batch has one, or where examples see one another. */
  ofExamples: boolean;
}

/** What a column is called, and what it holds. */
export interface ColumnWords {
  label: string;
  description: string;
}

export interface DataInfo {
  name: string;
  trainExamples: number;
  testExamples: number;
  inputs: number;
  outputs: number;
  task: "classification" | "regression" | "surface";
}

export interface EngineInfo {
  name: string;
  description: string;
  bitExact: boolean;
  /** What its products are computed in. */
  precision: string;
  /** Why it is this one. */
  reason: string | null;
}

/** What losses are measured on. */
export interface EvaluationInfo {
  examples: number;
  split: string;
  /** Of a contrastive loss, how many are compared with one another; the last block may be shorter. Absent of others. */
  pairs?: number;
}

export interface Example {
  index: number;
  target: number | (number | null)[] | null;
  /** Base64 of a byte for each pixel, row by row; of images. */
  pixels: string | null;
  /** Of few inputs. */
  values: (number | null)[] | null;
}

export interface Examples {
  inputs: number;
  /** Rows and columns; null where examples are no images. */
  image: [rows: number, columns: number] | null;
  /** Planes of an image, one after another. */
  channels: number;
  /** Images of an example, one after another. */
  views: number;
  /** Null where there are none. */
  classes: number | null;
  examples: Example[];
}

export interface ForkInfo {
  /** The id of the run that it leaves. */
  run: string;
  /** After which of its updates. */
  update: number;
  /** What it sets to other values. */
  set: Record<string, string>;
}

/** The gradient over the whole training split at the same weights, and the angle between it and the batch's. */
export interface FullGradient {
  norm: number | null;
  cosine: number | null;
  degrees: number | null;
  examples: number;
}

/** Updates after which weights are kept, ascending. */
export interface Keyframes {
  updates: number[];
}

/** Losses along (1 − t)·a + t·b, as in Keskar et al. 2017, figure 3. */
export interface Line {
  a: string;
  b: string;
  /** Of both runs' weights. */
  updates: [a: number, b: number];
  t: number[];
  train: LineCurve;
  /** Null without a test split. */
  test: LineCurve | null;
  trainExamples: number;
  testExamples: number;
}

/** At each t. */
export interface LineCurve {
  loss: (number | null)[];
  accuracy: (number | null)[];
}

/** One core's ceilings, measured. */
export interface MachineInfo {
  fmaGflops: number;
  memoryGBs: number;
  cores: number;
}

/** The JSON that describes an experiment: GET /api/experiments/current, see docs/wire-format.md. */
export interface Manifest {
  generation: number;
  revision: number;
  name: string;
  title: string;
  state: "running" | "held" | "finished" | "stopped";
  /** The experiment file, normalised. */
  spec: Spec;
  /** Why there is no landscape, in a sentence. */
  error: string | null;
  /** Null where nobody wanted it recorded. */
  recording: RecordingInfo | null;
  engine: EngineInfo;
  data: DataInfo;
  /** Null until it is measured. */
  machine: MachineInfo | null;
  columns: ColumnInfo[];
  evaluation: EvaluationInfo;
  /** Kinds of probes that the experiment asks for; their points are under /probes. */
  probes: string[];
  budget: BudgetInfo;
  remainder: "keep" | "drop" | "carry" | "wrap" | "reweight";
  pace: "examples" | "updates";
  runs: RunInfo[];
  /** Null until there is one. */
  plane: PlaneInfo | null;
  /** Every run has ended and the landscape is as fine as it gets. */
  settled: boolean;
  /** Kinds of layers that do something else in training than in evaluating (batchNorm, dropout); absent: none. */
  twoModes?: string[];
  /** Columns that are not defined in train mode, for examples see one another (BatchNorm, contrastive losses); absent: all are. */
  undefined?: string[];
}

/** Bytes that one run's training takes, of all its seeds together. */
export interface MemoryBytes {
  weights: number;
  optimizerState: number;
  activations: number;
  gradients: number;
  batch: number;
  workspace: number;
  total: number;
}

export interface MemoryInfo {
  /** Runs that train in one lane and share it. */
  seeds: number;
  predicted: MemoryBytes;
  reserved: MemoryBytes | null;
}

/** Gradients at a moment as they look on the plane: of the next batch and of the whole training split, and how far the gradients of other batches would scatter. */
export interface Moments {
  run: string;
  update: number;
  plane: number;
  point: PointOnPlane;
  /** Also where there is no next batch. */
  nextBatchSize: number;
  /** Null after the last update of the budget. */
  batch: ProjectedGradient | null;
  full: ProjectedFullGradient;
  /** Of the angle between the two whole gradients. */
  cosine: number | null;
  /** Of single examples' gradients on the plane: xx, xy, yy. A batch of B has a B-th of it. */
  covariance: [xx: number, xy: number, yy: number] | null;
  covarianceExamples: number;
}

/** Updates of one batch size. */
export interface PhaseInfo {
  /** Epochs before it. */
  epoch: number;
  /** Updates before it. */
  update: number;
  /** Examples before it. */
  examples: number;
  batchSize: number;
}

export interface PlaneInfo {
  id: number;
  kind: string;
  /** In English; the rest says the same in numbers. */
  title: string;
  /** Ids of the runs it was fitted to, in the title's order; null in an older recording. */
  runs: string[] | null;
  /** Of the kinds "runs" and "hessian": the updates of each one's weights. */
  updates: number[] | null;
  /** Of the kind "hessian": the update. */
  update: number | null;
  /** Of the Hessian, along the axes. */
  eigenvalues: (number | null)[] | null;
  /** Of random directions, from 1. */
  draw: number | null;
  explained: number | null;
  explainedByRandomWalk: number | null;
  xLabel: string;
  yLabel: string;
  exact: boolean;
  grid: number;
  resolution: number;
  region: [x0: number, x1: number, y0: number, y1: number];
}

/** In the plane's coordinates, with the distance from it. */
export interface PointOnPlane {
  x: number;
  y: number;
  offPlane: number;
}

/** Examples of two inputs as points. */
export interface Points {
  x: number[];
  y: number[];
  target: (number | (number | null)[] | null)[];
  /** In the split; of many, only some are here. */
  total: number;
}

/** After so many updates; null where it was not asked for. */
export interface ProbePoint {
  update: number;
  gradientNorm: number | null;
  batchCosine: number | null;
  /** Keskar's, in percent. */
  sharpness: number | null;
  adaptiveSharpness: number | null;
  /** Largest first. */
  eigenvalues: (number | null)[] | null;
  trace: number | null;
  gradientCurvature: number | null;
  fisherRao: number | null;
  /** In examples. */
  noiseScale: number | null;
}

/** What the experiment's probes found of a run. */
export interface Probes {
  points: ProbePoint[];
}

/** The same of the mean loss over so many examples. */
export interface ProjectedFullGradient {
  x: number;
  y: number;
  norm: number;
  examples: number;
}

/** A gradient's components along the plane's axes, and the norm of all of it. */
export interface ProjectedGradient {
  x: number;
  y: number;
  norm: number;
}

/** Where the experiment is kept. */
export interface RecordingInfo {
  /** Null where nothing of it is on the disk. */
  id: string | null;
  name: string;
  kept: boolean;
  readOnly: boolean;
  /** One sentence: why it is not kept (any more). */
  problem: string | null;
  /** Sentences about what is lost of it. */
  damages: string[];
  bytes: number;
}

/** Why there is no answer, in one sentence. */
export interface Refusal {
  error: string;
}

export interface RunInfo {
  index: number;
  id: string;
  /** Of a whole batch, at the run's or the fork's beginning where batches grow. */
  batchSize: number;
  /** Of a run whose batches grow, or of a fork; null of others. */
  phases: PhaseInfo[] | null;
  seed: number;
  /** Before its schedule. */
  learningRate: number | null;
  totalUpdates: number | null;
  parameters: number;
  /** Examples that are drawn and scored for each batch; null: what is drawn is trained on. */
  pool: number | null;
  flopsPerExample: number;
  /** Bytes that an update must move at least. */
  bytesPerUpdate: number;
  memory: MemoryInfo;
  state: "waiting" | "running" | "finished" | "diverged" | "stopped" | "failed";
  message: string | null;
  /** Updates made when the manifest was written. */
  updates: number;
  /** A fork that was undone: it trains no more, until that is redone. */
  forkUndone: boolean;
  /** The run that it leaves; before that its history is the other's. */
  fork: ForkInfo | null;
}

/** GET /api/session. */
export interface Session {
  role: "owner" | "viewer";
  /** Whether there are links to sign in with. */
  signIn: boolean;
}

/** How far what was asked for is. */
export interface UnderWay {
  /** From 0 to 1. */
  progress: number;
  /** That must be made once more. */
  updates: number;
  /** That they took the first time; null where that is not known. */
  seconds: number | null;
}
