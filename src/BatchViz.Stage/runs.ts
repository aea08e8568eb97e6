/** What tells runs apart: their looks, their names, and which run a fork leaves. Pure. */
import { whole } from "./format.ts";
import { tr } from "./language.ts";
import type { RunInfo } from "./manifest.ts";
import { looks, PALETTE, styleOf, type RunStyle } from "./style.ts";

/** The update after which a run is itself: that of its fork, 0 where it has none. */
export const beginning = (run: RunInfo): number => run.fork?.update ?? 0;

/**
 * The look of every run, by index. Batch sizes that lie close together are told apart. Forks take another dash and marker than what else
 * has their batch size; seeds share theirs.
 */
export function runStyles(runs: readonly RunInfo[]): RunStyle[] {
  const kinds = new Map<number, string[]>();
  const sizesOf = (forks: boolean): number[] => runs.filter((run) => Boolean(run.fork) === forks).map((run) => run.batchSize);
  const sizes = looks(sizesOf(false), sizesOf(true));
  return runs.map((run) => {
    const kind = run.fork ? `${run.fork.update} ${JSON.stringify(run.fork.set)}` : "";
    const known = kinds.get(run.batchSize) ?? [];
    kinds.set(run.batchSize, known);
    if (!known.includes(kind)) known.push(kind);
    return styleOf(sizes.get(run.batchSize)!, known.indexOf(kind));
  });
}

/** The looks with the colours that were chosen for runs; dash and marker stay, so that the batch size can still be told. */
export const coloured = (styles: readonly RunStyle[], runs: readonly RunInfo[], colours: Readonly<Record<string, string>>): RunStyle[] =>
  styles.map((style, i) => {
    const chosen = colours[runs[i]!.id];
    return chosen !== undefined && Object.hasOwn(PALETTE, chosen) ? { ...style, colour: PALETTE[chosen]! } : style;
  });

/** The name of every run, by index: "B = 32", with the seed where there are several, and "B = 32 · from B = 8 at 3,000" for a fork. */
export function runLabels(runs: readonly RunInfo[]): string[] {
  const several = new Set(
    runs
      .filter((run) => !run.fork && runs.some((other) => !other.fork && other.batchSize === run.batchSize && other.seed !== run.seed))
      .map((run) => run.batchSize),
  );
  const labels = runs.map((run) => {
    const parent = parentOf(run, runs);
    const seed = several.has((parent === undefined ? run : origin(run, runs)).batchSize)
      ? tr(` · seed ${run.seed}`, ` · 种子 ${run.seed}`)
      : "";
    return parent === undefined
      ? `B = ${run.batchSize}${seed}`
      : `B = ${run.batchSize} · ${tr(`from B = ${parent.batchSize} at ${whole(run.fork!.update)}`, `自 B = ${parent.batchSize} 第 ${whole(run.fork!.update)} 次更新`)}${seed}`;
  });
  return labels.map((label, i) => {
    const set = labels.indexOf(label) === labels.lastIndexOf(label) ? "" : settings(runs[i]!, false);
    return set === "" ? label : `${label} · ${set}`;
  });
}

/** What a fork set to other values: "B = 32, learning rate 0.1". */
export function settings(run: RunInfo, withBatchSize = true): string {
  return Object.entries(run.fork?.set ?? {})
    .filter(([key]) => withBatchSize || key !== "batchSize")
    .map(([key, value]) => (key === "batchSize" ? `B = ${value}` : `${words(key)} ${value}`))
    .join(", ");
}

/** A fork whose parent is not listed before it counts as a run of its own. */
export const parentOf = (run: RunInfo, runs: readonly RunInfo[]): RunInfo | undefined =>
  run.fork ? runs.find((other) => other.id === run.fork!.run && other.index < run.index) : undefined;

function origin(run: RunInfo, runs: readonly RunInfo[]): RunInfo {
  const parent = parentOf(run, runs);
  return parent === undefined ? run : origin(parent, runs);
}

/** "learningRate" and "optimizer.weightDecay" as people write them. */
function words(key: string): string {
  const name = key.split(".").at(-1)!;
  return tr(
    name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
    CHINESE[key] ?? name,
  );
}

const CHINESE: Readonly<Record<string, string>> = {
  learningRate: "学习率",
  optimizer: "优化器",
  "optimizer.kind": "优化器",
  "optimizer.momentum": "动量",
  "optimizer.weightDecay": "权重衰减",
  "optimizer.epsilon": "ε",
  "optimizer.beta1": "β₁",
  "optimizer.beta2": "β₂",
  "optimizer.rho": "ρ",
  "optimizer.trust": "信任系数",
  "optimizer.lineSearch": "线搜索",
  "optimizer.trials": "最多试探次数",
};
