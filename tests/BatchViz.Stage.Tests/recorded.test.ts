/** The page of a file, in Node: blocks from the byte vectors, packed as the file packs them, and no network to ask. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeEach, expect, test, vi } from "vitest";
import type { Manifest } from "../../src/BatchViz.Stage/manifest.ts";
import type { Recorded } from "../../src/BatchViz.Stage/recorded.ts";
import type { Stage } from "../../src/BatchViz.Stage/stage.ts";
import { Buckets } from "../../src/BatchViz.Stage/store.ts";
import { column, ENGINE, planeInfo, runInfo } from "./samples.ts";

const packed = (bytes: Uint8Array): string => gzipSync(bytes).toString("base64");
const vector = (name: string): Uint8Array => readFileSync(join(import.meta.dirname, `../vectors/wire/${name}.bin`));
const run = (index: number, batchSize: number, updates: number): Manifest["runs"][number] =>
  runInfo({ index, id: `b${batchSize}`, batchSize, totalUpdates: updates, state: "finished", updates });

/** The runs and columns of the vectors: tile-ended covers run 1 whole in columns 0, 4 and 20, 16 updates a bucket. */
const manifest: Manifest = {
  generation: 7,
  revision: 3,
  name: "n",
  title: "t",
  state: "finished",
  spec: {},
  error: null,
  engine: ENGINE,
  data: { name: "d", trainExamples: 100, testExamples: 0, inputs: 1, outputs: 1, task: "regression" },
  columns: Array.from({ length: 21 }, (_, c) => column(c === 0 ? "loss" : c === 20 ? "seconds" : `c${c}`, { live: c === 0 || c === 20 })),
  evaluation: { examples: 10, split: "train" },
  budget: { examples: null, updates: 4203, epochs: null, seconds: null },
  remainder: "keep",
  pace: "examples",
  runs: [run(0, 1, 0), run(1, 8, 4203)],
  plane: planeInfo({ id: 2, grid: 5, resolution: 9, region: [-1.5, 2.5, -2, 3.25] }),
  machine: null,
  probes: [],
  settled: false,
  recording: null,
};
const everything = ["paths", "tile-ended", "grid", "evaluations"].map((name) => packed(vector(name)));

let stage: Stage, recorded: Recorded;

beforeEach(async () => {
  vi.useRealTimers();
  vi.stubGlobal("matchMedia", () => ({ matches: true }));
  vi.stubGlobal("requestAnimationFrame", () => 0);
  vi.stubGlobal("fetch", () => expect.unreachable("a file asks nobody"));
  const [{ Recorded: TheRecorded }, { Stage: TheStage }] = await Promise.all([
    import("../../src/BatchViz.Stage/recorded.ts"),
    import("../../src/BatchViz.Stage/stage.ts"),
  ]);
  stage = new TheStage();
  recorded = new TheRecorded(stage);
});

test("blocks in any order give the whole experiment", async () => {
  await recorded.start(manifest, everything);
  const { store } = stage;
  expect([recorded.busy, stage.problem, store.lacking, store.headOf(1)]).toEqual([false, null, false, 4203]);
  expect([store.runs[1]!.evaluations.count, store.runs[1]!.points.count, stage.grid?.grid, stage.extent().finished]).toEqual([
    2,
    2,
    5,
    true,
  ]);
});

test("one level covers a run from its first record to its last, and coarser levels follow from it", async () => {
  await recorded.start(manifest, everything);
  const row = new Buckets();
  for (const few of [1, 2, 20, 70, 300]) {
    expect(stage.store.query(1, 0, 0, 4203, few, row)).toBe(true);
    expect([row.from[0], row.to[row.count - 1], row.missing]).toEqual([0, 4203, []]);
    expect(row.count).toBeLessThanOrEqual(few);
    for (let i = 1; i < row.count; i++) expect(row.from[i]).toBe(row.to[i - 1]);
  }
});

test("detail that the file does not hold is drawn coarser, and said once and quietly", async () => {
  await recorded.start(manifest, everything);
  vi.useFakeTimers();
  const row = new Buckets();
  stage.store.query(1, 0, 0, 1000, 1000, row);
  expect([row.missing, row.from[0], row.to[row.count - 1]]).toEqual([[0], 0, 1008]);
  recorded.wantTiles(1, "loss");
  expect([stage.problem, stage.note]).toEqual([null, expect.stringMatching(/^This file holds detail down to 16 updates of B = 8;/)]);
  vi.advanceTimersByTime(20_000);
  recorded.wantTiles(1, "loss");
  expect(stage.note).toBe(null);
});

test("a damaged or unknown block leaves the rest standing", async () => {
  const torn = vector("grid").slice(0, 60),
    strange = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]);
  await recorded.start(manifest, [...everything.slice(0, 2), packed(torn), packed(strange), "bm90IGd6aXA="]);
  expect(stage.problem).toMatch(/^A part of this file is damaged/);
  expect([stage.grid, stage.store.headOf(1), stage.store.runs[1]!.points.count]).toEqual([null, 4203, 2]);
});
