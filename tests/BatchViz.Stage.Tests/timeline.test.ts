/** The timeline's pure parts: the window, what is marked, keyframes as they come, playing a range, and stepping through epochs. */
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Answer, Keyframes } from "../../src/BatchViz.Stage/answers.ts";
import { RunClock } from "../../src/BatchViz.Stage/axis.ts";
import type { Manifest, RunInfo } from "../../src/BatchViz.Stage/manifest.ts";
import { scales, targetOf } from "../../src/BatchViz.Stage/panels/examples.ts";
import { KeyframeList } from "../../src/BatchViz.Stage/panels/timeline/keyframes.ts";
import { epochsBetween, markersOf, nearest } from "../../src/BatchViz.Stage/panels/timeline/markers.ts";
import { panned, resized, zoomed } from "../../src/BatchViz.Stage/panels/timeline/window.ts";
import { Playhead } from "../../src/BatchViz.Stage/playhead.ts";
import { Stage } from "../../src/BatchViz.Stage/stage.ts";
import { ENGINE, runInfo } from "./samples.ts";

vi.stubGlobal("matchMedia", () => ({ matches: false }));
vi.stubGlobal("requestAnimationFrame", () => 0);

const run = (index: number, batchSize: number, more: Partial<RunInfo> = {}): RunInfo =>
  runInfo({ index, id: `r${index}`, batchSize, ...more });

const manifest = (runs: RunInfo[], spec: Manifest["spec"] = {}, remainder: Manifest["remainder"] = "keep"): Manifest => ({
  generation: 1,
  revision: 1,
  name: "Moons",
  title: "",
  state: "running",
  spec,
  error: null,
  engine: ENGINE,
  data: { name: "Moons", trainExamples: 100, testExamples: 0, inputs: 2, outputs: 1, task: "classification" },
  columns: [],
  evaluation: { examples: 100, split: "train" },
  budget: { examples: null, updates: null, epochs: null, seconds: null },
  machine: null,
  probes: [],
  settled: false,
  recording: null,
  remainder,
  pace: "examples",
  runs,
  plane: null,
});

describe("the window", () => {
  test("what is under the pointer stays under it, as long as there is room", () => {
    const [from, to] = zoomed([0, 100], 100, 40, 0.5, 1)!;
    expect([from, to]).toEqual([20, 70]);
    expect((40 - from) / (to - from)).toBeCloseTo(0.4, 12);
    expect(zoomed([0, 50], 100, 0, 1.5, 1)).toEqual([0, 75]);
  });

  test("all of it is no window, and none is narrower than the least", () => {
    expect(zoomed([10, 90], 100, 50, 2, 1)).toBeNull();
    expect(zoomed([40, 44], 100, 42, 0.01, 2)).toEqual([41, 43]);
    expect(zoomed([0, 1], 1, 0.5, 0.1, 8)).toBeNull();
  });

  test("it is moved and resized within the budget", () => {
    expect(panned([10, 30], 100, -50)).toEqual([0, 20]);
    expect(panned([10, 30], 100, 500)).toEqual([80, 100]);
    expect(resized([10, 30], 100, "from", 40, 5)).toEqual([25, 30]);
    expect(resized([10, 30], 100, "to", 140, 5)).toEqual([10, 100]);
    expect(resized([0, 30], 100, "to", 100, 5)).toBeNull();
  });
});

describe("short batches", () => {
  test("where the remainder is kept, the last batch of each epoch is what is left", () => {
    const clock = new RunClock(run(0, 32), 100, "keep");
    expect([1, 2, 3, 4, 5, 8].map((update) => [clock.batchOf(update), clock.isRemainder(update), clock.epochOf(update)])).toEqual([
      [32, false, 1],
      [32, false, 1],
      [32, false, 1],
      [4, true, 1],
      [32, false, 2],
      [4, true, 2],
    ]);
  });

  test("nothing is left where batches fit, are dropped, carried or filled", () => {
    for (const [size, remainder] of [
      [25, "keep"],
      [32, "drop"],
      [32, "carry"],
      [32, "wrap"],
    ] as const) {
      const clock = new RunClock(run(0, size), 100, remainder);
      for (let update = 1; update < 20; update++) expect(clock.isRemainder(update), `${size} ${remainder} ${update}`).toBe(false);
    }
  });
});

describe("markers", () => {
  const of = (
    info: RunInfo,
    spec: Manifest["spec"] = {},
    others: RunInfo[] = [],
    state: "running" | "diverged" = "running",
    made = 100,
  ) => {
    const all = manifest([info, ...others], spec);
    return markersOf(info, all, new RunClock(info, 100, "keep"), { state, made }, ["B = 25", "B = 50", "third"]).map(
      ({ kind, update, words }) => [kind, update, words],
    );
  };

  test("a step schedule changes the rate where its epochs end, and not at the end", () => {
    expect(of(run(0, 25, { totalUpdates: 24 }), { schedule: { kind: "step", factor: 0.5, everyEpochs: 2 } }, [], "running", 4)).toEqual([
      ["rate", 8, "Learning rate ×0.5"],
      ["rate", 16, "Learning rate ×0.5"],
    ]);
  });

  test("a warm-up ends in the middle of an epoch: with the first update after it", () => {
    expect(of(run(0, 25, { totalUpdates: 24 }), { schedule: { kind: "cosine", warmup: { epochs: 1.1 } } }, [], "running", 4)).toEqual([
      ["rate", 5, "The learning rate's warm-up ends"],
    ]);
  });

  test("a batch that grows, a run that diverges, a fork on both of its runs", () => {
    const grows = run(0, 25, {
      phases: [
        { epoch: 0, update: 0, examples: 0, batchSize: 25 },
        { epoch: 2, update: 8, examples: 200, batchSize: 50 },
      ],
    });
    expect(of(grows, {}, [], "diverged", 30)).toEqual([
      ["batch", 8, "Batch size 25 → 50"],
      ["diverged", 30, "Diverged at update 30"],
    ]);
    const child = run(1, 50, { fork: { run: "r0", update: 6, set: { batchSize: "50" } } });
    expect(of(run(0, 25), {}, [child])).toEqual([["fork", 6, "Fork: B = 50"]]);
    const all = manifest([run(0, 25), child]);
    expect(
      markersOf(child, all, new RunClock(child, 100, "keep"), { state: "running", made: 9 }, ["B = 25", "B = 50"]).map(
        ({ words }) => words,
      ),
    ).toEqual(["Leaves B = 25: B = 50"]);
  });

  test("a fork that ends the schedule has no changes after it", () => {
    const fork = run(0, 25, { totalUpdates: 40, fork: { run: "gone", update: 10, set: { "schedule.kind": "constant" } } });
    expect(of(fork, { schedule: { kind: "step", factor: 0.1, everyEpochs: 2 } }).filter(([kind]) => kind === "rate")).toEqual([
      ["rate", 8, "Learning rate ×0.1"],
    ]);
  });

  test("epochs are thinned to round numbers", () => {
    const clock = new RunClock(run(0, 25), 100, "keep");
    expect(epochsBetween(clock, 0, 20, 10)).toEqual([1, 2, 3, 4, 5]);
    expect(epochsBetween(clock, 0, 400, 10)).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
    expect(epochsBetween(clock, 9, 11, 10)).toEqual([]);
    expect(epochsBetween(clock, 9, 12, 10)).toEqual([3]);
  });

  test("the nearest is found, with what lies on top of it", () => {
    const markers = [4, 9, 9, 20].map((update) => ({ kind: "fork", run: 0, update, words: "" }) as const);
    expect(nearest(markers, ({ update }) => update, 10, 3).map(({ update }) => update)).toEqual([9, 9]);
    expect(nearest(markers, ({ update }) => update, 14, 3)).toEqual([]);
  });
});

describe("keyframes", () => {
  test("are asked for when the run has grown, every five seconds and one at a time; another run's do not get in the way", async () => {
    const asked: number[] = [],
      answers: ((answer: Answer<Keyframes>) => void)[] = [];
    const list = new KeyframeList(
      (run) => {
        asked.push(run);
        return new Promise((resolve) => answers.push(resolve));
      },
      () => {},
    );
    const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
    list.look(1, 0, 10, 0);
    list.look(1, 0, 20, 9000);
    expect(asked).toEqual([0]);
    answers[0]!({ updates: [0, 8] });
    await settle();
    expect(list.updates).toEqual([0, 8]);
    list.look(1, 0, 20, 4000);
    list.look(1, 0, 10, 9000);
    expect(asked).toEqual([0]);
    list.look(1, 0, 20, 9000);
    list.look(1, 3, 20, 9001);
    expect([asked, list.updates]).toEqual([[0, 0], []]);
    answers[1]!({ updates: [0, 8, 16] });
    await settle();
    expect(list.updates).toEqual([]);
    list.look(1, 3, 20, 9002);
    answers[2]!({ error: "not here" });
    await settle();
    expect([asked, list.updates]).toEqual([[0, 0, 3], []]);
  });
});

describe("playing a range", () => {
  const extent = { total: 90, head: 50, finished: true };
  const playing = (position: number): Playhead => Object.assign(new Playhead(), { position, mode: "playing" as const });

  test("begins again at its end, and what is outside of it comes in", () => {
    const playhead = playing(28.5);
    playhead.tick(1, extent, true, [20, 30]);
    expect(playhead.position).toBe(29.5);
    playhead.tick(1, extent, true, [20, 30]);
    expect(playhead.position).toBe(30);
    playhead.tick(1, extent, true, [20, 30]);
    expect([playhead.position, playhead.mode]).toEqual([20, "playing"]);
    const before = playing(3);
    before.tick(0.1, extent, true, [20, 30]);
    expect(before.position).toBe(20);
  });

  test("ends at what has been made, and does nothing before anything of it has", () => {
    const playhead = playing(50);
    playhead.tick(1, extent, true, [40, 80]);
    expect(playhead.position).toBe(40);
    const early = playing(10);
    early.tick(1, extent, true, [60, 80]);
    expect(early.position).toBe(11);
  });
});

describe("the stage", () => {
  let stage: Stage;
  beforeEach(() => {
    vi.stubGlobal("document", { documentElement: { dataset: {} } });
    stage = new Stage();
    stage.begin(manifest([run(0, 32), run(1, 50)]));
    for (const timeline of stage.store.runs) Object.assign(timeline, { made: 100, state: "finished" });
    vi.spyOn(stage, "extent").mockImplementation(() => ({ total: 2500, head: 2500, finished: true }));
  });

  test("steps by whole epochs of the selected run, and the window comes along", () => {
    stage.setAxis("updates");
    stage.playhead.hold(5, stage.extent());
    stage.setZoom([4, 8]);
    stage.stepEpoch(1);
    expect(stage.playhead.position).toBe(8);
    stage.stepEpoch(1);
    expect([stage.playhead.position, stage.zoom]).toEqual([12, [10, 14]]);
    stage.stepEpoch(-1);
    stage.stepEpoch(-1);
    stage.stepEpoch(-1);
    expect([stage.playhead.position, stage.playhead.mode]).toEqual([0, "paused"]);
  });

  test("selects a range in either direction, and takes it along to another axis", () => {
    stage.setRange([400, 100]);
    expect(stage.range).toEqual([100, 400]);
    stage.setAxis("epochs");
    expect(stage.range).toEqual([1, 4]);
    stage.setRange(null);
    stage.playhead.hold(2, stage.extent());
    stage.markRange("from");
    stage.playhead.hold(3, stage.extent());
    stage.markRange("to");
    expect(stage.range).toEqual([2, 3]);
    stage.zoomToRange();
    expect(stage.zoom).toEqual([2, 3]);
  });
});

test("points keep their proportions", () => {
  const [x, y] = scales([0, 10], [0, 1], 218, 118);
  expect([x(0), x(10), y(0) - y(1)]).toEqual([9, 209, 20]);
  expect(targetOf({ index: 1, target: [0.5, null], pixels: null, values: null })).toBe("0.500, –");
});
