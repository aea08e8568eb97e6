/** The JSON that describes an experiment: `GET /api/experiments/current`, see docs/wire-format.md. */
import type { RunState } from "./wire.ts";

export interface ColumnInfo {
  name: string;
  label: string;
  unit: string;
  description?: string;
  live: boolean;
  deterministic: boolean;
}

export interface RunInfo {
  index: number;
  id: string;
  /** Of a whole batch, at the run's or the fork's beginning where batches grow. */
  batchSize: number;
  /** Of a run whose batches grow, or of a fork: rows of one batch size, with the epochs, updates and examples before each; without the latter two it begins where an epoch ends. */
  phases?: { epoch: number; batchSize: number; update?: number; examples?: number }[] | null;
  /** Examples that are drawn and scored for each batch; null or absent: what is drawn is trained on. */
  pool?: number | null;
  seed: number;
  learningRate: number | null;
  totalUpdates: number | null;
  parameters: number;
  flopsPerExample: number;
  state: RunState;
  message: string | null;
  /** Updates made when the manifest was written. */
  updates?: number;
  /** The run that it leaves, after which of its updates, and what it sets to other values. Before that its history is the other's. */
  fork?: { run: string; update: number; set: Record<string, string> } | null;
  /** A fork that was undone: it trains no more, until that is redone. */
  takenBack?: boolean;
  /** Null or absent while it is not known. */
  memory?: MemoryInfo | null;
  /** Bytes that an update must move at least. */
  bytesPerUpdate?: number | null;
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

/** One core's ceilings, measured. */
export interface MachineInfo {
  fmaGflops: number;
  memoryGBs: number;
  cores: number;
}

/** The experiment file, normalised; what does not apply is left out. */
export interface Spec {
  budget?: { epochs?: number; updates?: number; examples?: number; seconds?: number };
  schedule?: { kind?: string; factor?: number; everyEpochs?: number; epochs?: number; floor?: number; warmup?: { kind?: string; epochs?: number; factor?: number } };
  data?: { kind?: string };
  model?: { kind?: string; preset?: string; layers?: { kind: string }[]; towers?: number; hidden?: number[]; activation?: string };
  optimizer?: { kind?: string; momentum?: number; trust?: number; memory?: number; lineSearch?: string; trials?: number; beta1?: number; beta2?: number; rho?: number; epsilon?: number; weightDecay?: number };
  learningRate?: number | Record<string, number>;
  learningRateRule?: string;
  loss?: string;
  referenceBatchSize?: number;
  sampler?: { hard?: { pool: number } };
  workers?: { count: number; mode?: string; staleness?: number };
  batchSchedule?: { factor?: number; everyEpochs?: number; maximum?: number };
}

/** Where the experiment is kept; null where nobody wanted it recorded. */
export interface RecordingInfo {
  id: string | null;
  name: string;
  kept: boolean;
  /** One sentence: why it is not kept (any more). */
  problem: string | null;
  /** Sentences about what is lost of it. */
  damages: string[];
  bytes: number;
}

export interface PlaneInfo {
  id: number;
  kind: string;
  /** In English; plane.ts says it in the page's language. */
  title: string;
  /** Ids of the runs it was fitted to, in the title's order, and of the kinds "runs" and "hessian" the updates of each one's weights. */
  runs?: string[] | null;
  updates?: number[] | null;
  /** Of the kind "hessian": the update. */
  update?: number | null;
  /** Of the Hessian, along the axes. */
  eigenvalues?: number[] | null;
  /** Of random directions, from 1. */
  draw?: number | null;
  explained: number | null;
  explainedByRandomWalk: number | null;
  xLabel: string;
  yLabel: string;
  exact: boolean;
  grid: number;
  resolution: number;
  region: [number, number, number, number];
}

export interface Manifest {
  generation: number;
  revision: number;
  name: string;
  title: string;
  state: "preparing" | "running" | "held" | "finished" | "stopped" | "failed";
  spec: Spec;
  machine?: MachineInfo | null;
  error: string | null;
  engine: { name: string; description: string; bitExact: boolean; /** Why it is this one. */ reason?: string | null };
  data: { name: string; trainExamples: number; testExamples: number; inputs: number; outputs: number; task: string };
  columns: ColumnInfo[];
  /** Columns that are not defined in train mode, for examples see one another (BatchNorm, contrastive losses); absent: all are. */
  undefined?: string[];
  /** Kinds of layers that do something else in training than in evaluating (batchNorm, dropout); absent: none. */
  twoModes?: string[];
  /** `pairs`: of a contrastive loss, how many are compared with one another; the last block may be shorter. */
  evaluation: { examples: number; split: string; pairs?: number };
  /** Kinds of probes that the experiment asks for; their points are under /probes. */
  probes?: string[];
  budget: { examples: number | null; updates: number | null; epochs: number | null; seconds: number | null };
  remainder: "keep" | "drop" | "carry" | "wrap" | "reweight";
  pace: string;
  runs: RunInfo[];
  plane: PlaneInfo | null;
  /** Every run has ended and the landscape is as fine as it gets. */
  settled?: boolean;
  recording?: RecordingInfo | null;
}

export interface Session {
  role: "owner" | "viewer";
  signIn: boolean;
}

/** Columns that the page knows by name; a recording without one of them leaves its chart empty and says so. */
export const COLUMN = { loss: "loss", gradientNorm: "gradientNorm", seconds: "seconds", flops: "flops" } as const;

export const columnIndex = (manifest: Manifest, name: string): number => manifest.columns.findIndex((c) => c.name === name);
