/**
 * The five ways to compare runs: by updates, examples, epochs, lane seconds and FLOPs. All conversions are closed forms
 * of the run's settings (docs/wire-format.md), except what was measured: seconds, and the FLOPs of runs that search along lines.
 */
import { tr } from "./language.ts";
import type { Manifest, PhaseInfo, RunInfo } from "./contracts.ts";

export const AXES = ["examples", "updates", "epochs", "seconds", "flops"] as const;
export type Axis = (typeof AXES)[number];

export const AXIS_LABELS: Readonly<Record<Axis, string>> = {
  examples: tr("examples seen", "已用样本"),
  updates: tr("updates", "次更新"),
  epochs: tr("epochs", "轮"),
  seconds: tr("lane seconds, shared machine", "通道秒（共享的机器）"),
  flops: tr("FLOPs in training", "训练 FLOPs"),
};

/** Updates in a row with one batch size. */
interface Phase extends PhaseInfo {
  /** Updates in one epoch; not whole where batches cross the border (carry). */
  perEpoch: number;
}

/** A run's own clock: what was consumed after `u` updates, and back. Updates may be fractional; both ways ascend. */
export class RunClock {
  private readonly phases: readonly Phase[];
  private readonly shortEpoch: boolean;
  private readonly seconds = new MeasuredTable();
  private readonly flops: MeasuredTable | null;

  constructor(
    private readonly run: RunInfo,
    private readonly examples: number,
    remainder: Manifest["remainder"],
    countsFlops = false,
  ) {
    this.flops = countsFlops ? new MeasuredTable() : null;
    this.shortEpoch = remainder === "keep" || remainder === "reweight";
    const given = run.phases ?? [{ epoch: 0, update: 0, examples: 0, batchSize: run.pool ?? run.batchSize }];
    this.phases = given.map((phase) => {
      const batches = examples / phase.batchSize;
      const perEpoch = remainder === "carry" ? batches : Math.max(1, remainder === "drop" ? Math.floor(batches) : Math.ceil(batches));
      return { ...phase, perEpoch };
    });
  }

  noteSeconds(update: number, seconds: number): void {
    this.seconds.add(update, seconds);
  }

  forgetSeconds(): void {
    this.seconds.clear();
  }

  /** Of runs whose updates cost what their searches take: FLOPs so far. */
  noteFlops(update: number, flops: number): void {
    this.flops?.add(update, flops);
  }

  forgetFlops(): void {
    this.flops?.clear();
  }

  /** How many moments' seconds were measured. */
  get measured(): number {
    return this.seconds.count - 1;
  }

  toAxis(axis: Axis, updates: number): number {
    switch (axis) {
      case "updates":
        return updates;
      case "examples":
        return this.examplesAfter(updates);
      case "epochs":
        return this.epochsAfter(updates);
      case "flops":
        return this.flops?.at(updates) ?? this.examplesAfter(updates) * this.run.flopsPerExample;
      case "seconds":
        return this.seconds.at(updates);
    }
  }

  toUpdates(axis: Axis, value: number): number {
    switch (axis) {
      case "updates":
        return value;
      case "examples":
        return this.updatesAfter(value);
      case "epochs":
        return this.updatesIn(value);
      case "flops":
        return this.flops?.updatesAt(value) ?? this.updatesAfter(value / this.run.flopsPerExample);
      case "seconds":
        return this.seconds.updatesAt(value);
    }
  }

  /** In which epoch, from 1, an update's batch begins. */
  epochOf(update: number): number {
    return Math.floor(this.epochsAfter(update - 1) + 1e-9) + 1;
  }

  /** The batch size in force at an update; a short batch has fewer examples. */
  batchSizeAt(update: number): number {
    return this.run.pool ? this.run.batchSize : this.last("update", update - 1).batchSize;
  }

  /** How many examples are in an update's batch. */
  batchOf(update: number): number {
    if (!this.shortEpoch) return this.batchSizeAt(update);
    const drawn = Math.round(this.examplesAfter(update) - this.examplesAfter(update - 1)),
      { pool, batchSize } = this.run;
    return pool ? Math.ceil((drawn * batchSize) / pool) : drawn;
  }

  /** A short batch at its epoch's end. */
  isRemainder(update: number): boolean {
    return this.batchOf(update) < this.batchSizeAt(update);
  }

  private examplesAfter(updates: number): number {
    const phase = this.last("update", updates),
      made = updates - phase.update,
      { batchSize, perEpoch } = phase;
    if (!this.shortEpoch) return phase.examples + made * batchSize;
    const epochs = Math.floor(made / perEpoch);
    const within = made - epochs * perEpoch;
    const full = perEpoch - 1; // the last batch of an epoch may be short
    const consumed = within <= full ? within * batchSize : full * batchSize + (within - full) * (this.examples - full * batchSize);
    return phase.examples + epochs * this.examples + consumed;
  }

  private updatesAfter(examples: number): number {
    const phase = this.last("examples", examples),
      seen = examples - phase.examples,
      { batchSize, perEpoch } = phase;
    if (!this.shortEpoch) return phase.update + seen / batchSize;
    const epochs = Math.floor(seen / this.examples);
    const within = seen - epochs * this.examples;
    const full = perEpoch - 1;
    const updates =
      within <= full * batchSize ? within / batchSize : full + (within - full * batchSize) / (this.examples - full * batchSize);
    return phase.update + epochs * perEpoch + updates;
  }

  private epochsAfter(updates: number): number {
    if (this.shortEpoch) return this.examplesAfter(updates) / this.examples;
    const phase = this.last("update", updates);
    return phase.epoch + (updates - phase.update) / phase.perEpoch;
  }

  private updatesIn(epochs: number): number {
    if (this.shortEpoch) return this.updatesAfter(epochs * this.examples);
    const phase = this.last("epoch", epochs);
    return phase.update + (epochs - phase.epoch) * phase.perEpoch;
  }

  /** The last phase that begins at or before a value. */
  private last(by: "update" | "examples" | "epoch", value: number): Phase {
    let i = this.phases.length - 1;
    while (i > 0 && this.phases[i]![by] > value) i--;
    return this.phases[i]!;
  }
}

/** Measured (update, value) pairs, ascending, with straight lines between them. */
class MeasuredTable {
  private readonly updates: number[] = [0];
  private readonly values: number[] = [0];

  get count(): number {
    return this.updates.length;
  }

  clear(): void {
    this.updates.length = this.values.length = 1;
  }

  add(update: number, value: number): void {
    if (!(value >= 0)) return;
    const i = upperBound(this.updates, update);
    if (this.updates[i - 1] === update) return;
    const low = this.values[i - 1] ?? 0,
      high = this.values[i] ?? Infinity;
    if (value < low || value > high) return; // a clock that ran backwards is not evidence
    this.updates.splice(i, 0, update);
    this.values.splice(i, 0, value);
  }

  at(update: number): number {
    return interpolate(this.updates, this.values, update);
  }

  updatesAt(value: number): number {
    return interpolate(this.values, this.updates, value);
  }
}

/** Straight lines between the pairs, and the mean slope beyond the last. */
function interpolate(xs: readonly number[], ys: readonly number[], x: number): number {
  const last = xs.length - 1;
  if (x <= 0 || last === 0) return 0;
  if (x >= xs[last]!) return xs[last]! > 0 ? (ys[last]! * x) / xs[last]! : 0;
  const i = upperBound(xs, x);
  const x0 = xs[i - 1]!,
    x1 = xs[i]!;
  return x1 > x0 ? ys[i - 1]! + ((ys[i]! - ys[i - 1]!) * (x - x0)) / (x1 - x0) : ys[i]!;
}

/** How many values are ≤ x. */
function upperBound(values: readonly number[], x: number): number {
  let low = 0,
    high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}
