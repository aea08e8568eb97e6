/** The scene's pure parts: where panes lie, where gradients point, and who is asked for them when. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ASK_EVERY, MomentsLoader, SETTLE_AFTER, type Moments, type MomentsAnswer } from "../../src/BatchViz.Stage/moments.ts";
import type { RunInfo } from "../../src/BatchViz.Stage/manifest.ts";
import { arrow, barbs, commonScale, ellipse } from "../../src/BatchViz.Stage/scene/arrows.ts";
import { heightOf, levelOf, type HeightScale } from "../../src/BatchViz.Stage/scene/heights.ts";
import { byBatchSize, columnsFor, layOut, paneAt } from "../../src/BatchViz.Stage/scene/panes.ts";
import { runInfo } from "./samples.ts";

const run = (index: number, batchSize: number): RunInfo => runInfo({ index, id: `b${batchSize}-${index}`, batchSize });

const moments = (change: Partial<Moments> = {}): Moments => ({
  run: "b8-s1",
  update: 7,
  plane: 1,
  point: { x: 2, y: -1, offPlane: 0.5 },
  nextBatchSize: 8,
  batch: { x: 0.3, y: -0.1, norm: 2 },
  full: { x: 0.2, y: 0.1, norm: 0.5, examples: 1000 },
  cosine: 0.4,
  covariance: [4, 1.2, 1],
  covarianceExamples: 256,
  ...change,
});

describe("panes", () => {
  const INSETS = { top: 40, bottom: 30 };

  test("seeds and forks of one batch size share a pane, smallest first", () => {
    expect(byBatchSize([run(0, 32), run(1, 1), run(2, 32), run(3, 8)])).toEqual([
      { batchSize: 1, runs: [1] },
      { batchSize: 8, runs: [3] },
      { batchSize: 32, runs: [0, 2] },
    ]);
  });

  test("columns follow the shape of the scene", () => {
    expect(columnsFor(5, 1000, 520)).toBe(3);
    expect(columnsFor(5, 390, 900)).toBe(1);
    expect(columnsFor(4, 1000, 700)).toBe(2);
    expect(columnsFor(2, 1600, 500)).toBe(2);
    expect(columnsFor(1, 1000, 500)).toBe(1);
  });

  test.each([
    [1, 5],
    [3, 2],
    [8, 8],
  ])("%i × %i: panes are equal, do not overlap and stay between title and caption", (_, count) => {
    const runs = Array.from({ length: count }, (_, i) => run(i, 2 ** i));
    for (const [width, height] of [
      [980, 600],
      [390, 700],
      [1501, 411],
    ] as const) {
      const panes = layOut(runs, true, width, height, INSETS);
      expect(panes.map((pane) => pane.batchSize)).toEqual(runs.map((r) => r.batchSize));
      for (const pane of panes) {
        expect(pane.x).toBeGreaterThanOrEqual(0);
        expect(pane.x + pane.width).toBeLessThanOrEqual(width);
        expect(pane.y).toBeGreaterThanOrEqual(INSETS.top);
        expect(pane.y + pane.height).toBeLessThanOrEqual(height - INSETS.bottom);
        expect(Math.abs(pane.width - panes[0]!.width)).toBeLessThanOrEqual(2);
        expect(Math.abs(pane.height - panes[0]!.height)).toBeLessThanOrEqual(2);
        const corners = [
          [0, 0],
          [pane.width - 1, 0],
          [0, pane.height - 1],
          [pane.width - 1, pane.height - 1],
          [pane.width / 2, pane.height / 2],
        ] as const;
        for (const [x, y] of corners) expect(paneAt(panes, pane.x + x, pane.y + y)).toBe(pane);
      }
    }
  });

  test("one pane for everything where nothing is split, or there is one batch size only", () => {
    const whole = { batchSize: 0, x: 0, y: 0, width: 800, height: 500 };
    expect(layOut([run(0, 1), run(1, 8)], false, 800, 500, INSETS)).toEqual([{ ...whole, runs: [0, 1] }]);
    expect(layOut([run(0, 8), run(1, 8)], true, 800, 500, INSETS)).toEqual([{ ...whole, runs: [0, 1] }]);
    expect(layOut([], true, 800, 500, INSETS)).toEqual([{ ...whole, runs: [] }]);
  });
});

describe("gradients on the plane", () => {
  test("an arrow begins at the point and goes against the gradient, by the stated scale", () => {
    const line = arrow({ x: 2, y: -1 }, { x: 0.3, y: -0.1, norm: 2 }, 5);
    expect(line.slice(0, 2)).toEqual([2, -1]);
    expect(line.at(-2)).toBeCloseTo(2 - 5 * 0.3, 12);
    expect(line.at(-1)).toBeCloseTo(-1 + 5 * 0.1, 12);
  });

  test("the ellipse is one standard deviation of a batch's gradient around the full one", () => {
    const m = moments(),
      scale = 3,
      line = ellipse(m, scale);
    const factor = (1000 - 8) / 999 / 8,
      [xx, xy, yy] = [4 * factor, 1.2 * factor, 1 * factor];
    const determinant = xx * yy - xy * xy;
    for (let i = 0; i < line.length; i += 2) {
      const dx = (line[i]! - (2 - scale * 0.2)) / scale,
        dy = (line[i + 1]! - (-1 - scale * 0.1)) / scale;
      const mahalanobis = (yy * dx * dx - 2 * xy * dx * dy + xx * dy * dy) / determinant;
      expect(mahalanobis).toBeCloseTo(1, 9);
    }
    // It reaches as far as the covariance says, on both axes.
    const xs = line.filter((_, i) => i % 2 === 0);
    expect((Math.max(...xs) - Math.min(...xs)) / 2 / scale).toBeCloseTo(Math.sqrt(xx), 2);
  });

  test("a batch of all examples has no noise, and no batch none to draw", () => {
    const line = ellipse(moments({ nextBatchSize: 1000 }), 3);
    for (let i = 0; i < line.length; i += 2) {
      expect(line[i]).toBeCloseTo(2 - 0.6, 12);
      expect(line[i + 1]).toBeCloseTo(-1 - 0.3, 12);
    }
    expect(ellipse(moments({ covariance: null }), 3)).toEqual([]);
  });

  test("a degenerate covariance gives a line, not NaN", () => {
    for (const covariance of [
      [0, 0, 4],
      [4, 4, 4],
      [0, 0, 0],
    ] as [number, number, number][]) {
      expect(ellipse(moments({ covariance }), 1).every(Number.isFinite)).toBe(true);
    }
  });

  test("one scale for all: 1, 2 or 5 times a power of ten, seen and inside the picture", () => {
    const region = [-10, 10, -5, 5] as const;
    for (const size of [1e-6, 0.03, 1, 700]) {
      const some = [
        moments({ batch: { x: size, y: 0, norm: size }, full: { x: 0, y: size / 7, norm: size, examples: 1000 }, covariance: null }),
      ];
      const scale = commonScale(some, region);
      expect([1, 2, 5]).toContain(Math.round(scale / 10 ** Math.floor(Math.log10(scale) + 1e-9)));
      const share = (scale * size) / 20;
      expect(share).toBeGreaterThan(0.06);
      expect(share).toBeLessThanOrEqual(0.2 + 1e-9);
    }
    expect(commonScale([], region)).toBe(1);
    // The noise counts, too.
    expect(commonScale([moments({ covariance: [4e4, 0, 4e4], nextBatchSize: 1 })], region)).toBeLessThan(commonScale([moments()], region));
  });

  test("an arrow's head lies behind its tip, on both sides", () => {
    const [ax, az, bx, bz] = barbs(0, 0, 1, 0, 0.1);
    expect(ax).toBeCloseTo(0.9, 12);
    expect(bx).toBeCloseTo(0.9, 12);
    expect(az).toBeCloseTo(-bz, 12);
    expect(barbs(1, 1, 1, 1, 0.1)).toEqual([1, 1, 1, 1]);
  });
});

describe("heights", () => {
  const scale: HeightScale = { log: true, low: 0.01, high: 1, step: 2, clipped: true, hatched: true };

  test("what is cut off keeps a level above 1, so that its edge is where the scale ends", () => {
    expect(levelOf(scale, 1)).toBeCloseTo(1, 12);
    expect(levelOf(scale, 2)).toBeGreaterThan(1.1);
    expect(levelOf(scale, 1e30)).toBe(2);
    expect(levelOf(scale, Infinity)).toBeNaN();
    for (const loss of [0.001, 0.01, 0.5, 1, 3, NaN]) expect(heightOf(scale, loss)).toBe(Math.min(1, levelOf(scale, loss)));
  });
});

describe("asking for gradients", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const loader = (
    answers: (MomentsAnswer | Error)[],
  ): { loader: MomentsLoader; asked: string[]; signals: AbortSignal[]; changes: () => number } => {
    const asked: string[] = [],
      signals: AbortSignal[] = [];
    let changes = 0;
    return {
      asked,
      signals,
      changes: () => changes,
      loader: new MomentsLoader(
        async (r, update, plane, cancel) => {
          asked.push(`${r}/${update}/${plane}`);
          signals.push(cancel);
          const answer = answers.shift() ?? moments({ update });
          if (answer instanceof Error) throw answer;
          return answer;
        },
        () => changes++,
      ),
    };
  };

  test("nobody is asked before the playhead has settled, and only about where it stands then", async () => {
    const { loader: l, asked } = loader([]);
    for (let update = 1; update <= 20; update++) {
      l.look(1, 2, [0], [update]);
      await vi.advanceTimersByTimeAsync(SETTLE_AFTER / 4);
    }
    expect(asked).toEqual([]);
    await vi.advanceTimersByTimeAsync(SETTLE_AFTER);
    expect(asked).toEqual(["0/20/2"]);
    expect(l.view(0)).toMatchObject({ kind: "shown" });
    expect(l.view(1)).toBeNull();
  });

  test("while it is recomputed it is asked again, and the progress is said", async () => {
    const { loader: l, asked, changes } = loader([{ progress: 0.4, updates: 900, seconds: null }]);
    l.look(1, 2, [0], [7]);
    await vi.advanceTimersByTimeAsync(SETTLE_AFTER);
    expect(l.view(0)).toEqual({ kind: "progress", progress: 0.4 });
    await vi.advanceTimersByTimeAsync(ASK_EVERY);
    expect(l.view(0)).toMatchObject({ kind: "shown", moments: { update: 7 } });
    expect(asked).toHaveLength(2);
    expect(changes()).toBe(2);
  });

  test("whoever leaves takes the question back; whoever comes back has the answer at once", async () => {
    const { loader: l, asked, signals } = loader([]);
    l.look(1, 2, [0, 3], [7, 9]);
    await vi.advanceTimersByTimeAsync(SETTLE_AFTER);
    expect(asked).toEqual(["0/7/2", "3/9/2"]);
    l.leave();
    expect(signals.every((signal) => signal.aborted)).toBe(true);
    expect(l.view(0)).toBeNull();
    l.look(1, 2, [0, 3], [7, 9]);
    expect(l.view(0)).toMatchObject({ kind: "shown" });
    expect(l.view(3)).toMatchObject({ kind: "shown", moments: { update: 9 } });
    await vi.advanceTimersByTimeAsync(10 * SETTLE_AFTER);
    expect(asked).toHaveLength(2);
    l.look(1, 3, [0], [7]); // on another plane they are others
    await vi.advanceTimersByTimeAsync(SETTLE_AFTER);
    expect(asked.at(-1)).toBe("0/7/3");
  });

  test("a refusal is a sentence; a server that is away is asked again later", async () => {
    const { loader: l, asked } = loader([{ error: "The update is beyond the budget." }, new Error("network")]);
    l.look(1, 2, [0], [7]);
    await vi.advanceTimersByTimeAsync(SETTLE_AFTER);
    expect(l.view(0)).toEqual({ kind: "refused", error: "The update is beyond the budget." });
    l.look(1, 2, [0], [8]);
    await vi.advanceTimersByTimeAsync(SETTLE_AFTER);
    expect(l.view(0)).toEqual({ kind: "waiting" });
    await vi.advanceTimersByTimeAsync(5000);
    expect(l.view(0)).toMatchObject({ kind: "shown", moments: { update: 8 } });
    expect(asked).toHaveLength(3);
  });
});
