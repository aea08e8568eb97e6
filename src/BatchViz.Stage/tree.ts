/** The hierarchy: experiment, batch sizes, their seeds where there are several, and forks beneath what they leave. Pure. */
import type { RunInfo } from "./manifest.ts";
import { parentOf } from "./runs.ts";

export interface Node {
  /** "" for the experiment, "b32" for a batch size with several seeds, the id for a run. */
  key: string;
  level: number;
  parent: string | null;
  kind: "experiment" | "batchSize" | "run";
  batchSize: number;
  /** The run itself; null for a group. */
  run: RunInfo | null;
  /** The runs of this branch, itself included, by index. */
  runs: readonly number[];
  children: number;
  /** From 1, among its siblings. */
  place: number;
  siblings: number;
}

/** All branches from top to bottom, each right before its children. */
export function tree(runs: readonly RunInfo[]): Node[] {
  const nodes: Node[] = [];
  const forksOf = (run: RunInfo): RunInfo[] => runs.filter((fork) => parentOf(fork, runs) === run);
  const branch = (run: RunInfo): number[] => [run.index, ...forksOf(run).flatMap(branch)];
  const addRun = (run: RunInfo, level: number, parent: string, place: number, siblings: number): void => {
    const forks = forksOf(run);
    nodes.push({
      key: run.id,
      level,
      parent,
      kind: "run",
      batchSize: run.batchSize,
      run,
      runs: branch(run),
      children: forks.length,
      place,
      siblings,
    });
    forks.forEach((fork, i) => addRun(fork, level + 1, run.id, i + 1, forks.length));
  };
  const roots = runs.filter((run) => parentOf(run, runs) === undefined);
  const sizes = [...new Set(roots.map((run) => run.batchSize))];
  nodes.push({
    key: "",
    level: 1,
    parent: null,
    kind: "experiment",
    batchSize: 0,
    run: null,
    runs: runs.map((run) => run.index),
    children: sizes.length,
    place: 1,
    siblings: 1,
  });
  sizes.forEach((batchSize, i) => {
    const seeds = roots.filter((run) => run.batchSize === batchSize);
    if (seeds.length === 1) return addRun(seeds[0]!, 2, "", i + 1, sizes.length);
    const key = `b${batchSize}`;
    nodes.push({
      key,
      level: 2,
      parent: "",
      kind: "batchSize",
      batchSize,
      run: null,
      runs: seeds.flatMap(branch),
      children: seeds.length,
      place: i + 1,
      siblings: sizes.length,
    });
    seeds.forEach((run, j) => addRun(run, 3, key, j + 1, seeds.length));
  });
  return nodes;
}

/** What is seen while these branches are closed. */
export function seen(nodes: readonly Node[], collapsed: ReadonlySet<string>): Node[] {
  const closed = new Set<string>();
  return nodes.filter((node) => {
    const inside = node.parent !== null && (closed.has(node.parent) || collapsed.has(node.parent));
    if (inside) closed.add(node.key);
    return !inside;
  });
}
