/** A million updates of one run with a spike: what charts draw where time is logarithmic, and of values that the scale does not reach. */
import { beforeEach, expect, test, vi } from "vitest";
import type { Manifest } from "../../src/BatchViz.Stage/manifest.ts";
import { Plot } from "../../src/BatchViz.Stage/panels/charts/plot.ts";
import { readings } from "../../src/BatchViz.Stage/panels/charts/readout.ts";
import { gradientChart } from "../../src/BatchViz.Stage/panels/charts/records.ts";
import { logSpans } from "../../src/BatchViz.Stage/panels/charts/series.ts";
import { VectorCanvas } from "../../src/BatchViz.Stage/panels/charts/vector.ts";
import { Stage } from "../../src/BatchViz.Stage/stage.ts";
import { MOST_DRAWN } from "../../src/BatchViz.Stage/store.ts";
import { tile } from "./messages.ts";
import { ENGINE, column, runInfo } from "./samples.ts";

vi.stubGlobal("matchMedia", () => ({ matches: false }));
vi.stubGlobal("requestAnimationFrame", () => 0);
vi.stubGlobal("document", { documentElement: { dataset: {} } });

const UPDATES = 1_000_000,
  SPIKE = 400_000;
const records = Array.from({ length: UPDATES }, (_, i) => (i === SPIKE - 1 ? 1e8 : 1 + (i % 7) / 7));
const manifest: Manifest = {
  generation: 1,
  revision: 1,
  name: "Spike",
  title: "",
  state: "finished",
  spec: { budget: {} },
  error: null,
  engine: ENGINE,
  data: { name: "", trainExamples: UPDATES, testExamples: 0, inputs: 1, outputs: 1, task: "regression" },
  columns: [column("gradientNorm")],
  evaluation: { examples: 100, split: "train" },
  budget: { examples: null, updates: UPDATES, epochs: null, seconds: null },
  remainder: "keep",
  pace: "examples",
  plane: null,
  recording: null,
  machine: null,
  probes: [],
  settled: false,
  runs: [runInfo({ id: "b1-s1", totalUpdates: UPDATES, state: "finished", updates: UPDATES })],
};

let stage: Stage, asked: Map<string, [level: number, index: number]>;
beforeEach(() => {
  stage = new Stage();
  stage.begin(manifest);
  stage.setAxis("updates");
  asked = new Map();
  stage.remote = {
    ...stage.remote,
    wantTiles: (_, __, level, tiles) => tiles.forEach((index) => asked.set(`${level}/${index}`, [level, index])),
  };
  stage.store.ingestTile(tile([records], 6, 0, UPDATES)); // what a page that joins late has
});

const plotOf = (low: number, high: number, kind: "log" | "linear" = "log"): Plot => {
  const plot = new Plot(new VectorCanvas(1000, 200));
  plot.font = "12px sans-serif";
  plot.place(0, 0, 1000, 200);
  plot.xs.set(stage.logTime ? "log" : "linear", stage.logTime ? 1 : 0, UPDATES, 0, 1000);
  plot.ys.set(kind, low, high, 200, 0);
  return plot;
};
const updates = (): number[] => [...gradientChart.table(stage)].slice(1).map((row) => Number(row[2]));

test("logarithmic time begins with the first update: finer tiles are asked for near 0, few of them, and coarser buckets stand in until they are here", () => {
  stage.setLogTime(true);
  expect(updates()[0]).toBe(4096);
  expect([...asked.values()].some(([level]) => level === 0)).toBe(true);
  expect(asked.size).toBeLessThanOrEqual(10);
  for (const [level, index] of asked.values()) stage.store.ingestTile(tile([records], level, index, UPDATES));
  const found = updates();
  expect(found.slice(0, 16)).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
  expect([found.at(-1), found.length <= 1.5 * MOST_DRAWN]).toEqual([UPDATES, true]);
  expect([...found].sort((a, b) => a - b)).toEqual(found);
  expect(new Set(found).size).toBe(found.length);
  // As fine everywhere as the axis is: no bucket is wider than a hundredth of it.
  found.slice(16).forEach((to, i) => expect(Math.log10(to / found[i + 15]!), `to ${to}`).toBeLessThan(0.06));
});

test("parts of a window are about equally wide on a logarithmic axis and leave nothing out", () => {
  expect(logSpans(0, 100)).toEqual([
    [0, 4],
    [4, 16],
    [16, 64],
    [64, 100],
  ]);
  expect(logSpans(300, 5000)).toEqual([
    [300, 1024],
    [1024, 4096],
    [4096, 5000],
  ]);
  expect([logSpans(0, 3), logSpans(70, 80)]).toEqual([[[0, 3]], [[70, 80]]]);
});

test("a spike beyond the scale has a mark where it is cut, and its value is read there and nowhere else", () => {
  const plot = plotOf(0.1, 10);
  gradientChart.draw(plot, stage);
  expect(plot.cuts.map(({ run, from, to, value, above }) => ({ run, from, to, value, above }))).toEqual([
    { run: 0, from: 397_312, to: 401_408, value: 1e8, above: true },
  ]);
  const there = plot.cutAt(400, 0),
    elsewhere = plot.cutAt(300, 0);
  expect([there?.value, elsewhere]).toEqual([1e8, null]);
  expect(readings(stage, gradientChart, SPIKE, () => there)[0]!.text).toMatch(/ ↑ 1(\.00)?×10⁸$/);
  expect(readings(stage, gradientChart, 300_000, () => elsewhere)[0]!.text).not.toContain("↑");
  const marks = (plot.ctx as VectorCanvas).write("", "").match(/M[\d.]+ 1L[\d.]+ 7\.4L[\d.]+ 7\.4Z/g); // the arrow, at the upper edge
  expect(marks).toHaveLength(1);
});

test("where the scale reaches everything there is no mark", () => {
  const plot = plotOf(0.1, 1e9);
  gradientChart.draw(plot, stage);
  expect(plot.cuts).toEqual([]);
});

test("a mean that leaves the scale is marked below as well as above", () => {
  stage.takeManifest({ ...manifest, runs: [manifest.runs[0]!, { ...manifest.runs[0]!, index: 1, id: "b1-s2", seed: 2 }] });
  stage.store.ingestTile(tile([records], 6, 0, UPDATES, 1));
  stage.setSeeds("band");
  const plot = plotOf(3, 10, "linear");
  gradientChart.draw(plot, stage);
  expect(plot.cuts.length).toBeGreaterThan(100);
  expect(new Set(plot.cuts.map(({ above }) => above))).toEqual(new Set([false]));
});
