/** What a panel reads of the records: it is fetched because it is read, whatever the charts show. */
import { beforeEach, expect, test, vi } from "vitest";
import type { Manifest } from "../../src/BatchViz.Stage/manifest.ts";
import { readRecord } from "../../src/BatchViz.Stage/panels/record.ts";
import { Stage } from "../../src/BatchViz.Stage/stage.ts";
import { decodeTile } from "../../src/BatchViz.Stage/wire.ts";
import { frame, tile } from "./messages.ts";
import { ENGINE, column, runInfo } from "./samples.ts";

vi.stubGlobal("matchMedia", () => ({ matches: false }));
vi.stubGlobal("requestAnimationFrame", () => 0);
vi.stubGlobal("document", { documentElement: { dataset: {} } });

const manifest: Manifest = {
  generation: 1,
  revision: 1,
  name: "",
  title: "",
  state: "running",
  spec: { budget: {} },
  error: null,
  engine: ENGINE,
  data: { name: "", trainExamples: 100, testExamples: 0, inputs: 2, outputs: 1, task: "classification" },
  columns: [column("loss"), column("noiseScale", { live: false }), column("flops", { live: false })],
  evaluation: { examples: 100, split: "train" },
  budget: { examples: null, updates: 3000, epochs: null, seconds: null },
  remainder: "keep",
  pace: "examples",
  plane: null,
  recording: null,
  machine: null,
  probes: [],
  settled: false,
  runs: [runInfo({ id: "b8-s1", batchSize: 8, totalUpdates: 3000 })],
};
const values = Array.from({ length: 2000 }, (_, i) => i + 1);

/** A tile of a column that no frame carries. */
const tileOf = (index: number, level: number, head: number): ReturnType<typeof decodeTile> => ({
  ...tile([values], level, 0, head),
  columns: [index],
});

let stage: Stage, asked: string[];
beforeEach(() => {
  stage = new Stage();
  stage.begin(manifest);
  asked = [];
  stage.remote = {
    ...stage.remote,
    wantTiles: (run, name, level, tiles) => tiles.forEach((index) => asked.push(`${run}/${name}/${level}/${index}`)),
  };
  stage.store.ingestFrame(frame([values], 0, 2000, { top: 0 }));
});

test("a column that no frame carries is asked for when it is read, and there when its tile has come", () => {
  expect([readRecord(stage, 0, "noiseScale", 1500), asked]).toEqual([null, ["0/noiseScale/1/0"]]);
  stage.store.ingestTile(tileOf(1, 1, 2000));
  expect(readRecord(stage, 0, "noiseScale", 1500)).toEqual({ from: 1496, to: 1500, min: 1497, max: 1500, last: 1500 });
  expect(asked).toHaveLength(1);
});

test("a column that frames carry is there without asking", () => {
  expect([readRecord(stage, 0, "loss", 77)?.last, asked]).toEqual([77, []]);
});

test("at the head of a run that goes on the newest value that is known stands in, and more is asked for", () => {
  stage.store.ingestTile(tileOf(1, 1, 1000));
  expect([readRecord(stage, 0, "noiseScale", 1998)?.to, asked]).toEqual([1000, ["0/noiseScale/1/0"]]);
});

test("what there is not is not asked for", () => {
  expect([readRecord(stage, 0, "luck", 10), asked]).toEqual([null, []]);
});
