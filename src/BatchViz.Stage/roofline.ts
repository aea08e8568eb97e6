/** Where a run stands under one core's roofline (Williams et al. 2009): what limits it, and how much of that it reaches. Pure. */
import { tr } from "./language.ts";
import { percent, short } from "./format.ts";
import type { MachineInfo } from "./manifest.ts";

export interface Roofline {
  /** FLOP per byte that has to be moved. */
  intensity: number;
  /** Measured, in GFLOP/s. */
  reached: number;
  /** What one core could reach at this intensity, in GFLOP/s. */
  ceiling: number;
  /** Where memory stops being the limit, in FLOP per byte. */
  ridge: number;
  boundBy: "memory" | "arithmetic";
}

/** Null where a part of it is not known or makes no sense. */
export function roofline(machine: MachineInfo, flopsPerUpdate: number, bytesPerUpdate: number, updatesPerSecond: number): Roofline | null {
  const intensity = flopsPerUpdate / bytesPerUpdate,
    reached = (flopsPerUpdate * updatesPerSecond) / 1e9,
    ridge = machine.fmaGflops / machine.memoryGBs;
  if (![intensity, reached, ridge].every((value) => value > 0 && Number.isFinite(value))) return null;
  const ceiling = Math.min(machine.fmaGflops, machine.memoryGBs * intensity);
  return { intensity, reached, ceiling, ridge, boundBy: intensity < ridge ? "memory" : "arithmetic" };
}

export function sayRoofline({ intensity, reached, ridge, boundBy }: Roofline, { fmaGflops }: MachineInfo): string {
  const share = percent(reached / fmaGflops, 0),
    peak = short(fmaGflops),
    i = short(intensity),
    r = short(ridge);
  return boundBy === "memory"
    ? tr(
        `Reaches ${share} of one core's ${peak} GFLOP/s; with ${i} FLOP/byte it is bound by memory (below ${r} FLOP/byte).`,
        `达到单核 ${peak} GFLOP/s 的 ${share}；计算强度 ${i} FLOP/字节，受内存带宽限制（低于 ${r} FLOP/字节）。`,
      )
    : tr(
        `Reaches ${share} of one core's ${peak} GFLOP/s; with ${i} FLOP/byte it is bound by arithmetic (above ${r} FLOP/byte).`,
        `达到单核 ${peak} GFLOP/s 的 ${share}；计算强度 ${i} FLOP/字节，受算力限制（高于 ${r} FLOP/字节）。`,
      );
}
