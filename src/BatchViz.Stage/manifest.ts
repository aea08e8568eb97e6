/** The JSON that describes an experiment: `GET /api/experiments/current`, see docs/wire-format.md. */
import type { Manifest } from "./contracts.ts";

export type {
  ColumnInfo,
  MachineInfo,
  Manifest,
  MemoryBytes,
  MemoryInfo,
  PlaneInfo,
  RecordingInfo,
  RunInfo,
  Session,
} from "./contracts.ts";
export type { Spec } from "./spec.ts";

/** Columns that the page knows by name; a recording without one of them leaves its chart empty and says so. */
export const COLUMN = { loss: "loss", gradientNorm: "gradientNorm", seconds: "seconds", flops: "flops" } as const;

export const columnIndex = (manifest: Manifest, name: string): number => manifest.columns.findIndex((c) => c.name === name);
