/** Nets that train otherwise than they evaluate: charts say so, in both languages, and say what is not defined. */
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Manifest, Spec } from "../../src/BatchViz.Stage/manifest.ts";
import type { Drawing } from "../../src/BatchViz.Stage/panels/charts/drawing.ts";
import type { Stage } from "../../src/BatchViz.Stage/stage.ts";
import { frame } from "./messages.ts";
import { column, ENGINE, runInfo } from "./samples.ts";

const EXAMPLE_COLUMNS = ["exampleNormMean", "exampleNormMin", "exampleNormMax", "gradientVariance", "noiseScale"];

const manifestOf = (spec: Spec, rest: Partial<Manifest>): Manifest => ({
  generation: 7,
  revision: 3,
  name: "n",
  title: "t",
  state: "finished",
  spec,
  error: null,
  engine: ENGINE,
  data: { name: "d", trainExamples: 100, testExamples: 50, inputs: 4, outputs: 2, task: "classification" },
  columns: ["loss", "gradientNorm", ...EXAMPLE_COLUMNS].map((name) => column(name, { ofExamples: EXAMPLE_COLUMNS.includes(name) })),
  evaluation: { examples: 100, split: "train" },
  budget: { examples: null, updates: 8, epochs: null, seconds: null },
  remainder: "keep",
  pace: "examples",
  runs: [0, 1].map((index) =>
    runInfo({ index, id: `b${8 + index}`, batchSize: 8 + index, totalUpdates: 8, state: "finished", updates: 8 }),
  ),
  plane: null,
  machine: null,
  probes: [],
  settled: false,
  recording: null,
  ...rest,
});

const normed = manifestOf({ probes: ["gradient"] } as Spec, { undefined: EXAMPLE_COLUMNS, twoModes: ["batchNorm", "dropout"] });
const paired = manifestOf({ loss: "info-nce" }, { undefined: EXAMPLE_COLUMNS, evaluation: { examples: 100, split: "train", pairs: 256 } });
const plain = manifestOf({}, {});

/** The page's modules in one language. */
async function inLanguage(language: "en" | "zh") {
  vi.resetModules();
  vi.stubGlobal("document", { documentElement: { lang: language, dataset: { language: "decided" } } });
  vi.stubGlobal("location", { search: "" });
  vi.stubGlobal("matchMedia", () => ({ matches: true }));
  vi.stubGlobal("requestAnimationFrame", () => 0);
  vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => {} });
  const [{ Stage: TheStage }, records, probes, loss, { sentenceOf }, mode] = await Promise.all([
    import("../../src/BatchViz.Stage/stage.ts"),
    import("../../src/BatchViz.Stage/panels/charts/records.ts"),
    import("../../src/BatchViz.Stage/panels/charts/probes.ts"),
    import("../../src/BatchViz.Stage/panels/charts/loss.ts"),
    import("../../src/BatchViz.Stage/panels/charts/sentence.ts"),
    import("../../src/BatchViz.Stage/mode.ts"),
  ]);
  const with_ = (manifest: Manifest): Stage => {
    const stage = new TheStage();
    stage.remote = { ...stage.remote, wantTiles: () => expect.unreachable("nothing is asked for"), loading: () => false };
    stage.begin(manifest);
    return stage;
  };
  return { ...records, ...probes, ...loss, ...mode, sentenceOf: sentenceOf as (drawing: Drawing, stage: Stage) => string, with_ };
}

beforeEach(() => void vi.unstubAllGlobals());

describe.each([
  [
    "en",
    "Not defined in train mode: ",
    "not defined in train mode",
    "Not defined: a contrastive loss",
    "in train mode, min to max",
    "100 training examples, in evaluation mode",
    "256 pairs at a time",
  ],
  [
    "zh",
    "训练模式下无定义：",
    "训练模式下无定义",
    "无定义：对比损失",
    "（训练模式），最小至最大",
    "100 个训练样本（评估模式）",
    "（每次 256 对）",
  ],
] as const)("in %s", (language, why, note, contrastive, train, evaluation, pairs) => {
  test("the noise scale is not asked for and says why", async () => {
    const { noiseChart, noiseProbeChart, sentenceOf, with_ } = await inLanguage(language);
    const stage = with_(normed);
    expect(noiseChart.columns!(stage)).toEqual([]);
    expect(noiseChart.range(stage, "symlog", 2)).toBeNull();
    expect(noiseChart.empty(stage).startsWith(why)).toBe(true);
    expect(noiseChart.note(stage)).toBe(note);
    expect(sentenceOf(noiseChart, stage)).toBe(noiseChart.empty(stage));
    expect(noiseProbeChart.empty(stage)).toContain('"noise-scale"'); // it can be asked for

    const towers = with_(paired);
    for (const chart of [noiseChart, noiseProbeChart]) {
      expect(chart.empty(towers).startsWith(contrastive)).toBe(true);
      expect(sentenceOf(chart, towers)).toBe(chart.empty(towers));
    }
  });

  test("curves say in which mode they are", async () => {
    const { lossChart, accuracyChart, cosineChart, noiseChart, with_ } = await inLanguage(language);
    const stage = with_(normed),
      towers = with_(paired),
      other = with_(plain);
    expect(lossChart.note(stage)).toContain(train);
    expect(lossChart.note(stage)).toContain(evaluation);
    for (const chart of [accuracyChart, cosineChart]) expect(chart.note(stage)).toContain(evaluation.split(/ examples|样本/).at(-1));
    for (const chart of [lossChart, accuracyChart, cosineChart]) expect(chart.note(towers)).toContain(pairs);
    for (const chart of [lossChart, accuracyChart, cosineChart, noiseChart])
      expect(chart.note(other)).not.toMatch(/mode|模式|pairs|对）|defin|定义/);
  });
});

describe("what one example alone leaves", () => {
  /** Eight updates of each run: batch losses and gradient norms, and an evaluation loss after the first and the last. */
  const feed = (
    stage: Stage,
    run: number,
    losses: number[],
    norms: number[],
    evaluations: [number, number],
    state: "finished" | "diverged" = "finished",
  ): boolean =>
    stage.store.ingestFrame(
      frame([losses, norms], 0, losses.length, {
        run,
        state,
        top: 0,
        evaluations: { first: 0, entries: evaluations.map((value, i) => [i === 0 ? 0 : losses.length, value, value, 0.5, 0]) },
      }),
    );
  const same = (value: number): number[] => Array.from({ length: 8 }, () => value);

  test("a pair that has nothing to be told from: a level loss is drawn, and zeros say why a logarithm hides them", async () => {
    const { lossChart, gradientChart, with_ } = await inLanguage("en");
    const stage = with_(paired);
    for (const run of [0, 1]) feed(stage, run, same(0), same(0), [4.5, 4.5]);
    for (const kind of ["log", "linear"] as const) {
      const [low, high] = lossChart.range(stage, kind, 2)!;
      expect(low).toBeLessThan(4.5);
      expect(high).toBeGreaterThan(4.5);
    }
    expect(gradientChart.range(stage, "log", 2)).toBeNull();
    expect(gradientChart.empty(stage)).toMatch(/^All values are 0/);
    expect(gradientChart.range(stage, "linear", 2)![1]).toBeGreaterThan(0);
  });

  test("a run that leaves the numbers does not flatten the gradients of those that stay", async () => {
    const { gradientChart, with_ } = await inLanguage("en");
    const stage = with_(plain);
    feed(stage, 0, same(1), [1, 1, 1, 1, 1, 2, 3, 4], [1, 1]);
    feed(stage, 1, same(1), [1, 1e3, 1e6, 1e9, 1e12, 1e15, 1e18, 1e20], [1, 1], "diverged");
    const [low, high] = gradientChart.range(stage, "log", 2)!;
    expect([low <= 1, high < 100]).toEqual([true, true]);
  });

  test("no number is shown as one", async () => {
    const en = await inLanguage("en");
    expect([
      en.noNumber(plain, "noiseScale", true),
      en.noNumber(plain, "gradientVariance", false),
      en.noNumber(plain, "loss", true),
    ]).toEqual([
      ["not defined", "for one example"],
      ["not defined", ""],
      ["not finite", ""],
    ]);
    expect([en.ofOne(paired), en.ofOne(normed), en.ofOne(plain)].map((sentence) => sentence.split(/[ :]/).slice(0, 3).join(" "))).toEqual([
      "One pair alone",
      "One example alone",
      "",
    ]);
    const zh = await inLanguage("zh");
    for (const sentence of [
      zh.ofOne(paired),
      zh.ofOne(normed),
      zh.noNumber(plain, "loss", true)[0],
      zh.noNumber(plain, "noiseScale", true).join(""),
    ])
      expect(sentence).toMatch(/^[^a-zA-Z]*[\u4e00-\u9fff]/);
  });
});
