/** What happened in a run, as moments on its timeline. Pure. */
import type { RunClock } from "../../axis.ts";
import { niceStep, short, whole } from "../../format.ts";
import { tr } from "../../language.ts";
import type { Manifest, RunInfo } from "../../manifest.ts";
import { settings } from "../../runs.ts";
import type { RunTimeline } from "../../store.ts";

export type MarkerKind = "rate" | "batch" | "fork" | "diverged" | "keyframe";

export interface Marker {
  kind: MarkerKind;
  run: number;
  /** After how many updates. */
  update: number;
  words: string;
}

const MOST_STEPS = 1000;

/** Everything of a run but epochs and keyframes, which are many; ascending. */
export function markersOf(
  run: RunInfo,
  manifest: Manifest,
  clock: RunClock,
  timeline: Pick<RunTimeline, "state" | "made">,
  labels: readonly string[],
): Marker[] {
  const markers: Marker[] = [];
  const add = (kind: MarkerKind, update: number, words: string): void => void markers.push({ kind, run: run.index, update, words });
  const end = Math.max(run.totalUpdates ?? 0, timeline.made);
  for (const { epoch, words } of rates(run, manifest, clock, end)) add("rate", Math.ceil(clock.toUpdates("epochs", epoch) - 1e-6), words);
  (run.phases ?? []).forEach(({ batchSize, update }, i, phases) => {
    const before = phases[i - 1]?.batchSize;
    if (before === undefined || before === batchSize) return;
    add("batch", update, tr(`Batch size ${whole(before)} → ${whole(batchSize)}`, `批量大小 ${whole(before)} → ${whole(batchSize)}`));
  });
  if (run.fork) {
    const parent = manifest.runs.find(({ id }) => id === run.fork!.run);
    const name = parent === undefined ? run.fork.run : labels[parent.index]!,
      set = settings(run);
    add("fork", run.fork.update, tr(`Leaves ${name}: ${set}`, `自 ${name} 分叉：${set}`));
  }
  for (const child of manifest.runs)
    if (child.fork?.run === run.id) add("fork", child.fork.update, tr(`Fork: ${labels[child.index]!}`, `分叉：${labels[child.index]!}`));
  if (timeline.state === "diverged")
    add("diverged", timeline.made, tr(`Diverged at update ${whole(timeline.made)}`, `在第 ${whole(timeline.made)} 次更新时发散`));
  return markers.filter(({ update }) => update <= end).sort((a, b) => a.update - b.update);
}

/** Where the schedule changes the rate at once. A cosine falls all the time, and has only an end. */
function rates(run: RunInfo, { spec: { schedule } }: Manifest, clock: RunClock, end: number): { epoch: number; words: string }[] {
  if (schedule === undefined) return [];
  const epochs = clock.toAxis("epochs", end),
    changes: { epoch: number; words: string }[] = [];
  const { factor, everyEpochs, warmup } = schedule;
  if (warmup?.epochs && warmup.epochs < epochs)
    changes.push({ epoch: warmup.epochs, words: tr("The learning rate's warm-up ends", "学习率预热结束") });
  if (schedule.kind === "step" && factor !== undefined && everyEpochs)
    for (let epoch = everyEpochs; epoch < epochs && changes.length < MOST_STEPS; epoch += everyEpochs)
      changes.push({ epoch, words: tr(`Learning rate ×${short(factor)}`, `学习率 ×${short(factor)}`) });
  if (schedule.kind === "cosine" && schedule.epochs && schedule.epochs < epochs)
    changes.push({ epoch: schedule.epochs, words: tr("The learning rate has come down", "学习率已降到最低") });
  // A fork that sets the schedule ends it.
  const ended = run.fork?.set["schedule.kind"] !== undefined ? clock.toAxis("epochs", run.fork.update) : Infinity;
  return changes.filter(({ epoch }) => epoch <= ended);
}

/** Epochs that end between two updates, at most about `most` of them: every one, or every second, fifth, tenth … */
export function epochsBetween(clock: RunClock, from: number, to: number, most: number): number[] {
  const first = clock.toAxis("epochs", from),
    last = clock.toAxis("epochs", to);
  const step = Math.max(1, Math.round(niceStep(Math.max(1e-9, last - first), Math.max(1, most))));
  const epochs: number[] = [];
  for (let epoch = Math.max(step, Math.ceil(first / step - 1e-9) * step); epoch <= last + 1e-9; epoch += step) epochs.push(epoch);
  return epochs;
}

/** The one nearest to a moment, at most `reach` away; `at` places a marker on the same ruler as the moment. */
export function nearest(markers: readonly Marker[], at: (marker: Marker) => number, moment: number, reach: number): Marker[] {
  const close = markers.filter((marker) => Math.abs(at(marker) - moment) <= reach);
  const best = Math.min(...close.map((marker) => Math.abs(at(marker) - moment)));
  return close.filter((marker) => Math.abs(at(marker) - moment) <= best + 0.5);
}
