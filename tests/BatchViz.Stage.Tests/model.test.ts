/** The pure models: axes, playhead, run styles, heights, numbers. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { AXES, RunClock } from "../../src/BatchViz.Stage/axis.ts";
import { figure, niceStep, short, ticks } from "../../src/BatchViz.Stage/format.ts";
import type { Manifest, PhaseInfo, RunInfo } from "../../src/BatchViz.Stage/contracts.ts";
import { Playhead, SECONDS_FOR_ALL } from "../../src/BatchViz.Stage/playhead.ts";
import { contours, heightOf, heightScale, sample } from "../../src/BatchViz.Stage/scene/heights.ts";
import { contrast, GROUND, runStyle, SURFACE } from "../../src/BatchViz.Stage/style.ts";
import { runInfo } from "./samples.ts";

const run = (batchSize: number, phases: RunInfo["phases"] = null): RunInfo => runInfo({ batchSize, phases, parameters: 10 });
const REMAINDERS: Manifest["remainder"][] = ["keep", "drop", "carry", "wrap", "reweight"];

/**
 * Forks, whose batch size changes on the way, and what they have used after 0, 1, 2 … updates; the program is held to the same figures
 * (ForkingTests.cs).
 */
const FORKS: {
  remainder: Manifest["remainder"];
  trainExamples: number;
  batchSize: number;
  phases: RunInfo["phases"];
  examplesAndEpochs: [examples: number, epochs: number][];
}[] = JSON.parse(readFileSync(join(import.meta.dirname, "../fixtures/forks.json"), "utf8"));

/** Examples after u updates, counted one update at a time. */
function counted(updates: number, n: number, b: number, remainder: Manifest["remainder"]): number {
  if (remainder === "drop" || remainder === "carry" || remainder === "wrap") return updates * b;
  let seen = 0;
  for (let u = 0; u < updates; u++) seen += Math.min(b, n - (seen % n));
  return seen;
}

describe("axes", () => {
  test.each(REMAINDERS)("examples follow from updates (%s)", (remainder) => {
    for (const [n, b] of [
      [10, 1],
      [10, 3],
      [10, 4],
      [10, 10],
      [500, 32],
      [7, 9],
    ] as const) {
      const clock = new RunClock(run(b), n, remainder);
      for (let u = 0; u < 60; u++) expect(clock.toAxis("examples", u), `N ${n}, B ${b}, u ${u}`).toBe(counted(u, n, b, remainder));
    }
  });

  test.each(REMAINDERS)("every axis leads back to the same update, fractions included (%s)", (remainder) => {
    for (const [n, b] of [
      [10, 3],
      [500, 32],
      [500, 500],
    ] as const) {
      const clock = new RunClock(run(b), n, remainder);
      clock.noteSeconds(40, 2);
      clock.noteSeconds(20, 1.5);
      for (const axis of AXES) {
        let before = -1;
        for (let u = 0; u <= 80; u += 0.25) {
          const value = clock.toAxis(axis, u);
          expect(value, `${axis} at ${u}`).toBeGreaterThan(before);
          before = value;
          expect(clock.toUpdates(axis, value), `${axis} at ${u}`).toBeCloseTo(u, 6);
        }
      }
    }
  });

  const GROWING = [
    { epoch: 0, batchSize: 3 },
    { epoch: 2, batchSize: 6 },
    { epoch: 3, batchSize: 10 },
  ];

  /** With the updates and examples before each phase, as the server counts them. */
  function growing(n: number, remainder: Manifest["remainder"]): PhaseInfo[] {
    const phases: PhaseInfo[] = [];
    for (const { epoch, batchSize } of GROWING) {
      const before = phases.at(-1) ?? { epoch: 0, update: 0, examples: 0, batchSize },
        epochs = epoch - before.epoch;
      const each = remainder === "drop" ? Math.floor(n / before.batchSize) : Math.ceil(n / before.batchSize);
      const examplesOfEach = remainder === "drop" || remainder === "wrap" ? each * before.batchSize : n;
      phases.push({ epoch, update: before.update + epochs * each, examples: before.examples + epochs * examplesOfEach, batchSize });
    }
    return phases;
  }

  test.each(REMAINDERS.filter((remainder) => remainder !== "carry"))("batches that grow are counted at their size (%s)", (remainder) => {
    const n = 10,
      clock = new RunClock(run(3, growing(n, remainder)), n, remainder);
    let updates = 0,
      examples = 0;
    for (let epoch = 0; epoch < 8; epoch++) {
      const b = GROWING.filter((phase) => phase.epoch <= epoch).at(-1)!.batchSize;
      expect(clock.toAxis("epochs", updates), `epoch ${epoch}`).toBeCloseTo(epoch, 9);
      for (let at = 0; at < n; at += b) {
        const left = n - at;
        if (left < b && remainder === "drop") break;
        examples += remainder === "wrap" ? b : Math.min(b, left);
        expect(clock.toAxis("examples", ++updates), `update ${updates}`).toBe(examples);
        expect(clock.toUpdates("examples", examples)).toBeCloseTo(updates, 9);
      }
    }
    for (const axis of ["examples", "epochs", "flops"] as const) {
      for (let u = 0; u <= updates; u += 0.25) expect(clock.toUpdates(axis, clock.toAxis(axis, u)), `${axis} at ${u}`).toBeCloseTo(u, 6);
    }
  });

  test.each(FORKS.map((fork, i) => [fork.remainder, i] as const))("a fork counts on from its parent (%s, table %i)", (_, i) => {
    const { remainder, trainExamples, batchSize, phases, examplesAndEpochs } = FORKS[i]!;
    const clock = new RunClock(run(batchSize, phases), trainExamples, remainder);
    examplesAndEpochs.forEach(([examples, epochs], u) => {
      expect(clock.toAxis("examples", u), `examples after ${u}`).toBeCloseTo(examples, 9);
      expect(clock.toAxis("epochs", u), `epochs after ${u}`).toBeCloseTo(epochs, 9);
    });
    for (const axis of ["examples", "epochs", "flops"] as const) {
      let before = -1;
      for (let u = 0; u <= 24; u += 0.25) {
        const value = clock.toAxis(axis, u);
        expect(value, `${axis} at ${u}`).toBeGreaterThan(before);
        before = value;
        expect(clock.toUpdates(axis, value), `${axis} at ${u}`).toBeCloseTo(u, 6);
      }
    }
  });

  test("an epoch is a pass over the data, whatever happens to the remainder", () => {
    expect(new RunClock(run(4), 10, "keep").toAxis("epochs", 3)).toBe(1);
    expect(new RunClock(run(4), 10, "drop").toAxis("epochs", 2)).toBe(1);
    expect(new RunClock(run(4), 10, "wrap").toAxis("epochs", 3)).toBe(1);
    expect(new RunClock(run(4), 10, "carry").toAxis("epochs", 5)).toBe(2);
    expect(new RunClock(run(4), 10, "keep").toAxis("flops", 3)).toBe(60);
  });

  test("seconds that run backwards are not believed", () => {
    const clock = new RunClock(run(4), 10, "keep");
    clock.noteSeconds(10, 1);
    clock.noteSeconds(20, 0.5);
    clock.noteSeconds(30, NaN);
    expect(clock.toAxis("seconds", 20)).toBe(2);
  });

  test("pools are what is drawn, batches what is chosen from them", () => {
    const clock = new RunClock({ ...run(4), pool: 6 }, 20, "keep");
    expect(clock.toAxis("examples", 3)).toBe(18);
    expect(clock.toAxis("epochs", 4)).toBe(1);
    expect([clock.batchSizeAt(1), clock.batchOf(1), clock.batchOf(4)]).toEqual([4, 4, 2]);
    expect([clock.isRemainder(1), clock.isRemainder(4)]).toEqual([false, true]);
  });

  test("FLOPs of runs that search are those that were recorded, not a multiple of the examples", () => {
    const clock = new RunClock(run(4), 10, "keep", true);
    clock.noteFlops(2, 500);
    clock.noteFlops(4, 900);
    expect(clock.toAxis("flops", 3)).toBe(700);
    expect(clock.toUpdates("flops", 700)).toBe(3);
    clock.forgetFlops();
    clock.noteFlops(2, 100);
    expect(clock.toAxis("flops", 2)).toBe(100);
  });
});

describe("playhead", () => {
  const extent = { total: 900, head: 300, finished: false };

  test("plays the whole budget in ninety seconds at 1×", () => {
    const playhead = new Playhead();
    playhead.tick(1, extent);
    expect(playhead.position).toBeCloseTo(900 / SECONDS_FOR_ALL);
    playhead.speed = 4;
    playhead.tick(1, extent);
    expect(playhead.position).toBeCloseTo(50);
  });

  test("waits at the head, goes on when there is more, and stops at the end", () => {
    const playhead = new Playhead();
    playhead.tick(60, extent);
    expect([playhead.position, playhead.mode, playhead.isLive(extent)]).toEqual([300, "playing", true]);
    playhead.tick(1, { ...extent, head: 600 });
    expect(playhead.position).toBe(310);
    playhead.tick(90, { total: 900, head: 900, finished: true });
    expect([playhead.position, playhead.mode]).toEqual([900, "paused"]);
    playhead.play({ total: 900, head: 900, finished: true });
    expect([playhead.position, playhead.mode]).toEqual([0, "playing"]);
  });

  test("paused it stays, whatever the head does", () => {
    const playhead = new Playhead();
    playhead.hold(120, extent);
    expect(playhead.tick(10, { ...extent, head: 900 })).toBe(false);
    expect(playhead.position).toBe(120);
  });

  test("live follows the head and arrives there", () => {
    const playhead = new Playhead();
    playhead.goLive();
    for (let i = 0; i < 120; i++) playhead.tick(1 / 60, extent);
    expect(playhead.position).toBe(300);
    playhead.tick(1 / 60, { ...extent, head: 305 }, false);
    expect(playhead.position).toBe(305);
    playhead.seek(200, extent);
    expect(playhead.mode).toBe("paused");
  });

  test("goes nowhere where there is nothing", () => {
    const playhead = new Playhead();
    playhead.seek(500, extent);
    expect(playhead.position).toBe(300);
    playhead.seek(-5, extent);
    expect(playhead.position).toBe(0);
    playhead.faster(1);
    playhead.faster(9);
    expect(playhead.speed).toBe(16);
    playhead.faster(-9);
    expect(playhead.speed).toBe(0.25);
  });
});

describe("run styles", () => {
  const sizes = [1, 2, 4, 8, 16, 32, 64, 100, 128, 256, 512, 1024, 4096, 60000, 1e6];

  test.each(["dark", "light"] as const)("stand out three to one from the ground and from the surface (%s)", (theme) => {
    for (const size of sizes) {
      const colour = runStyle(size).colour[theme];
      for (const behind of [GROUND[theme], ...SURFACE[theme]])
        expect(contrast(colour, behind), `B = ${size}, ${colour} on ${behind}`).toBeGreaterThanOrEqual(3);
    }
  });

  test("differ in dash and marker between the default batch sizes", () => {
    for (const sizes of [
      [1, 8, 32, 128, 512],
      [1, 8, 32, 128, 500],
    ]) {
      const looks = sizes.map((size) => runStyle(size));
      expect(new Set(looks.map((look) => look.marker)).size).toBe(5);
      expect(new Set(looks.map((look) => look.dash.join())).size).toBe(5);
      expect(new Set(looks.map((look) => look.colour.dark)).size).toBe(5);
    }
  });
});

describe("heights", () => {
  const grid = (values: number[]) => ({
    resolution: Math.sqrt(values.length),
    generation: 1,
    plane: 1,
    grid: 1,
    region: [0, 1, 0, 1] as [number, number, number, number],
    values: Float32Array.from(values),
  });

  test("few extreme points are clipped and do not flatten the rest", () => {
    const scale = heightScale(grid([...Array.from({ length: 96 }, (_, i) => i / 96), 1e6, 1e6, NaN, Infinity]), [0.2, 0.9], 0.9, false);
    expect([scale.clipped, scale.hatched]).toEqual([true, true]);
    expect(scale.high).toBeLessThan(2);
    expect([heightOf(scale, 1e6), heightOf(scale, NaN)]).toEqual([1, NaN]);
  });

  test("every decent loss of a path fits, a diverged one does not count", () => {
    const values = Array.from({ length: 100 }, (_, i) => i / 50);
    expect(heightScale(grid(values), [0.1, 3], 3, false).high).toBeGreaterThan(3);
    expect(heightScale(grid(values), [0.1, 3, 1e9], 3, false).high).toBeLessThan(10);
  });

  test("a path that leaves through the top is said to, and only the slice is hatched", () => {
    const values = Array.from({ length: 100 }, (_, i) => i / 50);
    for (const log of [false, true]) {
      const whole = heightScale(grid(values), [0.1, 3], 3, log),
        diverged = heightScale(grid(values), [0.1, 3, 1e9], 3, log);
      expect([whole.clipped, whole.hatched, diverged.clipped, diverged.hatched]).toEqual([false, false, true, false]);
    }
    const below = heightScale(grid(values.map((value) => value - 5)), [-4.5, -3.5], -3.5, false);
    expect([below.clipped, below.hatched]).toEqual([false, false]);
  });

  test("a slice below zero has no logarithm and is drawn linearly", () => {
    const scale = heightScale(grid(Array.from({ length: 100 }, (_, i) => i - 50)), [0, -3], 0, true);
    expect([scale.log, scale.low]).toEqual([false, -50]);
  });

  test("contours lie at whole multiples of the step", () => {
    for (const log of [false, true]) {
      const scale = heightScale(grid(Array.from({ length: 100 }, (_, i) => 0.05 + i / 20)), [0.1], 4, log);
      const { offset, frequency } = contours(scale);
      const value = log ? scale.step ** -1 : 3 * scale.step;
      const lines = offset + frequency * heightOf(scale, value);
      expect(lines).toBeCloseTo(log ? -1 : 3, 6);
      expect(frequency).toBeGreaterThan(4);
      expect(frequency).toBeLessThan(30);
    }
  });

  test("sampling is bilinear, and a hole stays a hole", () => {
    expect(sample([0, 1, 2, 3], 2, 0.5, 0.5)).toBe(1.5);
    expect(sample([0, NaN, 2, 3], 2, 0.5, 0.5)).toBeNaN();
  });
});

test("numbers read as people write them", () => {
  expect(["0.0312", "1,235", "−0.500", "NaN", "−∞", "1.20×10⁻⁵", "0"].map((text) => text.replace("1.20", "1.2"))).toEqual([
    figure(0.03123),
    figure(1234.6),
    figure(-0.5),
    figure(NaN),
    figure(-Infinity),
    figure(1.2e-5),
    figure(0),
  ]);
  expect([short(1500), short(300000), short(2e6), short(0.25), short(3.2e13)]).toEqual(["1.5k", "300k", "2M", "0.25", "3.2×10¹³"]);
  expect([niceStep(10, 10), niceStep(0.7, 14), niceStep(33, 10)]).toEqual([1, 0.05, 2]);
});

test("ticks are short, and as long as it takes to tell neighbours apart", () => {
  expect(ticks([0, 100_000, 200_000])).toEqual(["0", "100k", "200k"]);
  expect(ticks([19_120, 19_140, 19_160])).toEqual(["19,120", "19,140", "19,160"]);
  expect(ticks([12.3451, 12.3452])).toEqual(["12.3451", "12.3452"]);
});
