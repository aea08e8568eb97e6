/** Seeds of which two diverge, as the page is told of them: what the charts draw, read out and write into files. */
import { beforeEach, expect, test, vi } from "vitest";
import type { Manifest } from "../../src/BatchViz.Stage/manifest.ts";
import { writeNotes } from "../../src/BatchViz.Stage/panels/charts/curves.ts";
import { Plot } from "../../src/BatchViz.Stage/panels/charts/plot.ts";
import { readings } from "../../src/BatchViz.Stage/panels/charts/readout.ts";
import { gradientChart, throughputChart } from "../../src/BatchViz.Stage/panels/charts/records.ts";
import { lossChart } from "../../src/BatchViz.Stage/panels/charts/loss.ts";
import { VectorCanvas } from "../../src/BatchViz.Stage/panels/charts/vector.ts";
import { Stage } from "../../src/BatchViz.Stage/stage.ts";
import { frame } from "./messages.ts";
import { ENGINE, column, runInfo } from "./samples.ts";

vi.stubGlobal("matchMedia", () => ({ matches: false }));
vi.stubGlobal("requestAnimationFrame", () => 0);
vi.stubGlobal("document", { documentElement: { dataset: {} } });

const SEEDS = 8,
  UPDATES = 40,
  DIVERGES = 10;
const COLUMNS = ["loss", "gradientNorm", "seconds"];
const manifest: Manifest = {
  generation: 1,
  revision: 1,
  name: "Seeds",
  title: "",
  state: "running",
  spec: { budget: {} },
  error: null,
  engine: ENGINE,
  data: { name: "", trainExamples: 100, testExamples: 0, inputs: 2, outputs: 1, task: "classification" },
  columns: COLUMNS.map((name) => column(name)),
  evaluation: { examples: 100, split: "train" },
  budget: { examples: null, updates: UPDATES, epochs: null, seconds: null },
  remainder: "keep",
  pace: "examples",
  plane: null,
  recording: null,
  machine: null,
  probes: [],
  settled: false,
  runs: Array.from({ length: SEEDS }, (_, i) =>
    runInfo({ index: i, id: `b4-s${i + 1}`, batchSize: 4, seed: i + 1, totalUpdates: UPDATES }),
  ),
};

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
  stage.begin(manifest);
  stage.setAxis("updates");
  stage.setSeeds("band");
  for (let run = 0; run < SEEDS; run++) {
    const made = run < 2 ? DIVERGES : UPDATES; // the first seeds are those that diverge
    const value = (i: number): number => (run < 2 && i === made - 1 ? NaN : 1 + run);
    const records = Array.from({ length: made }, (_, i) => value(i)),
      seconds = records.map((_, i) => 0.1 * (i + 1));
    const entries = Array.from({ length: made / 5 + 1 }, (_, i) => [5 * i, value(5 * i - 1), NaN, NaN, 0.5 * i]);
    stage.store.ingestFrame(
      frame([records, records, seconds], 0, made, {
        run,
        top: 0,
        state: run < 2 ? "diverged" : "finished",
        evaluations: { first: 0, entries },
      }),
    );
  }
});

const lines = (chart: typeof lossChart): (string | number)[][] => [...chart.table(stage)].map((row) => [...row]);

test.each([
  ["gradient", gradientChart],
  ["loss", lossChart],
])('the band of the chart "%s" goes on with the six that are alive, and its file has how many there were', (_, chart) => {
  const [header, ...rows] = lines(chart);
  expect(header).toEqual(["series", "run", "update", "updates", "mean", "low95", "high95", "n", "seeds"]);
  const at = (update: number): (string | number)[] =>
    rows
      .find((row) => row[2] === update)!
      .slice(4, 5)
      .concat(rows.find((row) => row[2] === update)!.slice(7));
  expect([rows[0]![1], at(5), at(10), at(40)]).toEqual(["b4", [4.5, 8, 8], [5.5, 6, 8], [5.5, 6, 8]]);
  const plot = new Plot(new VectorCanvas(400, 200));
  plot.font = "12px sans-serif";
  plot.colours.ground = "#000000";
  plot.place(0, 0, 400, 200);
  plot.xs.set("linear", 0, UPDATES, 0, 400);
  plot.ys.set("linear", 0, 10, 200, 0);
  chart.draw(plot, stage);
  writeNotes(plot);
  const picture = (plot.ctx as VectorCanvas).write("", "");
  expect(picture.match(/6 of 8, 2 diverged/g)).toHaveLength(1);
  expect(picture).not.toContain("NaN");
});

test("under the cursor a band reads its mean, its interval and how many seeds are alive", () => {
  const [before] = readings(stage, lossChart, 4),
    [after] = readings(stage, lossChart, 30);
  expect([before!.name, before!.text]).toEqual(["B = 4", "4.50 ± 2.05"]);
  expect(after!.text).toBe("5.50 ± 1.96 · 6 of 8, 2 diverged");
  stage.setSeeds("lines");
  expect(
    readings(stage, lossChart, 30)
      .map(({ name, text }) => [name, text])
      .slice(0, 3),
  ).toEqual([
    ["B = 4 · seed 1", "–"],
    ["B = 4 · seed 2", "–"],
    ["B = 4 · seed 3", "3.00"],
  ]);
});

test("zoomed in beyond where seeds have diverged, the band of the others is there", () => {
  stage.setZoom([20, 30]);
  const rows = lines(gradientChart).slice(1);
  expect(rows.length).toBeGreaterThanOrEqual(10);
  expect(new Set(rows.map((row) => row[7]))).toEqual(new Set([6]));
});

test("rates of the seeds that are alive make a band, too", () => {
  const rows = lines(throughputChart).slice(1);
  expect([rows.find((row) => row[2] === 5)!.slice(7), rows.at(-1)!.slice(7)]).toEqual([
    [8, 8],
    [6, 8],
  ]);
});

test("without bands the file has every run's buckets", () => {
  stage.setSeeds("lines");
  expect(lines(gradientChart)[0]).toEqual(["series", "run", "update", "updates", "min", "max", "last"]);
  expect(
    new Set(
      lines(gradientChart)
        .slice(1)
        .map((row) => row[1]),
    ).size,
  ).toBe(SEEDS);
});
