/** Contracts with everything that the server tells, for tests to change what they are about. */
import type { ColumnInfo, EngineInfo, MemoryBytes, PlaneInfo, RunInfo } from "../../src/BatchViz.Stage/contracts.ts";

const NO_BYTES: MemoryBytes = { weights: 0, optimizerState: 0, activations: 0, gradients: 0, batch: 0, workspace: 0, total: 0 };

export const ENGINE: EngineInfo = { name: "cpu", description: "", bitExact: true, precision: "float32", reason: null };

export const runInfo = (more: Partial<RunInfo>): RunInfo => ({
  index: 0,
  id: "r",
  batchSize: 1,
  phases: null,
  seed: 1,
  learningRate: 0.1,
  totalUpdates: 100,
  parameters: 1,
  pool: null,
  flopsPerExample: 6,
  bytesPerUpdate: 1,
  memory: { seeds: 1, predicted: NO_BYTES, reserved: null },
  state: "running",
  message: null,
  updates: 0,
  forkUndone: false,
  fork: null,
  ...more,
});

export const column = (name: string, more: Partial<ColumnInfo> = {}): ColumnInfo => ({
  name,
  label: name,
  unit: "",
  description: "",
  chinese: { label: name, description: "" },
  live: true,
  deterministic: true,
  ofExamples: false,
  ...more,
});

export const planeInfo = (more: Partial<PlaneInfo>): PlaneInfo => ({
  id: 1,
  kind: "pca",
  title: "plane",
  runs: null,
  updates: null,
  update: null,
  eigenvalues: null,
  draw: null,
  explained: null,
  explainedByRandomWalk: null,
  xLabel: "x",
  yLabel: "y",
  exact: false,
  grid: 0,
  resolution: 0,
  region: [0, 1, 0, 1],
  ...more,
});
