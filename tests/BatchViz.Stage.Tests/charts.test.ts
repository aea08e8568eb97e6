/** What charts are made of: scales and ticks, intervals over seeds, files, and the request that asks the server. */
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Answer } from "../../src/BatchViz.Stage/answers.ts";
import { Band, bandOfEvaluations, bandOfRows, drops, saySeeds } from "../../src/BatchViz.Stage/panels/charts/bands.ts";
import { cell, csv, single } from "../../src/BatchViz.Stage/panels/charts/csv.ts";
import { drawMarker } from "../../src/BatchViz.Stage/panels/charts/curves.ts";
import { Interval, quantile } from "../../src/BatchViz.Stage/panels/charts/interval.ts";
import { Scale, ticksOf } from "../../src/BatchViz.Stage/panels/charts/scale.ts";
import { abreast, sideBySide } from "../../src/BatchViz.Stage/panels/charts/side-by-side.ts";
import { VectorCanvas } from "../../src/BatchViz.Stage/panels/charts/vector.ts";
import { PollingRequest } from "../../src/BatchViz.Stage/pollingRequest.ts";
import { Buckets, EntryStore } from "../../src/BatchViz.Stage/store.ts";

describe("scales", () => {
  test("both ends lie where they should, and the middle where the kind says", () => {
    for (const [kind, low, high, middle] of [
      ["linear", -2, 4, 1],
      ["log", 0.01, 100, 1],
      ["symlog", -50, 50, 0],
    ] as const) {
      const scale = new Scale().set(kind, low, high, 100, 20);
      expect(
        [scale.at(low), scale.at(middle), scale.at(high)].map((y) => Math.round(y * 1e6) / 1e6),
        kind,
      ).toEqual([100, 60, 20]);
    }
  });

  test("a value below zero has no place on a logarithm, and one on asinh", () => {
    expect(new Scale().set("log", 1, 10, 0, 1).at(-1)).toBeNaN();
    expect(new Scale().set("symlog", -10, 10, 0, 1).at(-1)).toBeLessThan(0.5);
  });

  test.each([
    ["linear", 0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    ["linear", -0.3, 0.35, 4, [-0.2, 0, 0.2]],
    ["log", 0.01, 100, 5, [0.01, 0.1, 1, 10, 100]],
    ["log", 1e-6, 1e6, 4, [1e-6, 1e-3, 1, 1e3, 1e6]],
    ["log", 1, 100, 6, [1, 2, 5, 10, 20, 50, 100]],
    ["log", 0.2, 0.6, 4, [0.2, 0.3, 0.4, 0.5, 0.6]],
  ] as const)("%s ticks from %d to %d", (kind, low, high, count, ticks) => {
    expect(ticksOf(kind, low, high, count)).toEqual(ticks);
  });

  test("ticks on both sides of zero are in order, mirrored and not on top of it", () => {
    const ticks = ticksOf("symlog", -1e4, 1e4, 6);
    expect(ticks).toContain(0);
    expect([...ticks].sort((a, b) => a - b)).toEqual(ticks);
    expect(
      ticks
        .map((tick) => -tick)
        .reverse()
        .map((tick) => tick + 0),
    ).toEqual(ticks);
    expect(Math.min(...ticks.filter((tick) => tick > 0))).toBeGreaterThanOrEqual(10);
    expect(ticksOf("symlog", 20, 1e4, 6)).toEqual([30, 100, 300, 1000, 3000, 1e4]);
  });
});

describe("boundaries side by side", () => {
  const region = [-1, 3, 0, 2] as const;

  test("as many as have room without becoming smaller, one at least and six at most", () => {
    expect([0.5, 2, 4.1, 4.12, 6.3, 100].map((aspect) => abreast(region, aspect))).toEqual([1, 1, 1, 2, 3, 6]);
  });

  test("a unit is as long across as upwards, and all of every region is in the frame", () => {
    for (const [count, aspect] of [
      [1, 0.5],
      [1, 9],
      [3, 9],
      [3, 2],
    ] as const) {
      const { across, up, shifts } = sideBySide(region, count, aspect),
        label = `${count} at ${aspect}`;
      expect((across[1] - across[0]) / (up[1] - up[0]), label).toBeCloseTo(aspect, 9);
      expect(across[0], label).toBeLessThanOrEqual(-1);
      expect(across[1], label).toBeGreaterThanOrEqual(3 + shifts.at(-1)!);
      expect([up[0] <= 0, up[1] >= 2], label).toEqual([true, true]);
    }
  });

  test("a place means the same value in each of them", () => {
    const { shifts, valueAt } = sideBySide(region, 3, 9);
    for (const shift of shifts) for (const x of [-1, 0.5, 3]) expect(valueAt(shift + x)).toBeCloseTo(x, 9);
    expect(valueAt(-1.5)).toBe(-1.5);
  });
});

describe("intervals over seeds", () => {
  test("quantiles of t are those of the tables, and go on beyond them", () => {
    for (const [degrees, value] of [
      [1, 12.706],
      [2, 4.303],
      [9, 2.262],
      [30, 2.042],
      [31, 2.0395],
      [60, 2.0003],
      [1e6, 1.95997],
    ] as const)
      expect(quantile(degrees), `${degrees}`).toBeCloseTo(value, 3);
  });

  test("mean ± t·s/√n, also where the values are large and alike", () => {
    const interval = new Interval();
    for (const value of [1e6 + 1, 1e6 + 2, 1e6 + 3, 1e6 + 4]) interval.add(value);
    expect(interval.mean).toBe(1e6 + 2.5);
    expect(interval.half).toBeCloseTo((3.182 * Math.sqrt(5 / 3)) / 2, 6);
    interval.clear();
    interval.add(7);
    expect([interval.mean, interval.half]).toEqual([7, NaN]);
  });

  const rowOf = (ends: readonly number[], values: readonly number[]): Buckets => {
    const row = new Buckets();
    ends.forEach((to, i) => {
      row.to[i] = to;
      row.last[i] = values[i]!;
    });
    row.count = ends.length;
    return row;
  };

  const GOES_ON = [Infinity, Infinity];

  test("of seeds that go on, buckets count only where every one has one that ends there, and a finite value", () => {
    const band = new Band();
    bandOfRows([rowOf([4, 8, 12, 16], [1, 2, 3, 4]), rowOf([4, 12, 16], [3, NaN, 8])], GOES_ON, band);
    expect([band.count, band.seeds, band.update.slice(0, 2), band.mean.slice(0, 2)]).toEqual([2, 2, [4, 16], [2, 6]]);
    expect(band.half[0]).toBeCloseTo(12.706, 2); // s = √2, n = 2
  });

  test("a seed that has ended counts until its last finite value, and the others go on without it, whichever is the first", () => {
    const diverged = rowOf([1, 2, 3, 4, 5, 6], [1, 2, 3, 9, Infinity, NaN]),
      healthy = rowOf([2, 4, 6, 8], [4, 5, 6, 7]),
      other = rowOf([2, 4, 6, 8], [6, 7, 8, 9]);
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2],
    ]) {
      const band = new Band(),
        rows = [diverged, healthy, other],
        ends = [6, 8, Infinity];
      bandOfRows(
        order.map((i) => rows[i]!),
        order.map((i) => ends[i]!),
        band,
      );
      expect(
        [band.update, band.mean, band.alive, band.seeds].map((list) => (Array.isArray(list) ? list.slice(0, band.count) : list)),
        `${order}`,
      ).toEqual([[2, 4, 6, 8], [4, 7, 7, 8], [3, 3, 2, 2], 3]);
      expect(drops(band)).toEqual([2]);
    }
  });

  test("the last seed alive has a mean and no interval; one that ended before the window counts nowhere in it", () => {
    const band = new Band();
    bandOfRows([rowOf([], []), rowOf([8, 12], [1, 2])], [4, Infinity], band);
    expect([band.count, band.mean.slice(0, 2), band.alive.slice(0, 2), band.half.slice(0, 2)]).toEqual([2, [1, 2], [1, 1], [NaN, NaN]]);
  });

  test("of a seed that has ended, what is not here yet is waited for", () => {
    const band = new Band();
    bandOfRows([rowOf([4], [1]), rowOf([4, 8, 12], [3, 4, 5])], [8, 12], band);
    expect([band.update.slice(0, band.count), band.alive.slice(0, band.count)]).toEqual([
      [4, 12],
      [2, 1],
    ]);
  });

  const listOf = (points: readonly (readonly [number, number])[]): EntryStore => {
    const list = new EntryStore();
    points.forEach(([update, value], i) => {
      list.updates[i] = update;
      list.values[4 * i + 1] = value;
    });
    list.count = points.length;
    return list;
  };

  test("evaluations are compared at the same update, and not beyond what a seed has reached that goes on", () => {
    const band = new Band();
    bandOfEvaluations(
      [
        listOf([
          [0, 1],
          [100, 2],
          [200, 3],
        ]),
        listOf([
          [0, 3],
          [50, 5],
          [150, 9],
        ]),
      ],
      1,
      GOES_ON,
      band,
    );
    expect([band.update.slice(0, band.count), band.mean.slice(0, band.count)]).toEqual([
      [0, 100],
      [2, 4.5],
    ]);
  });

  test("evaluations of a seed that has diverged count until its last finite one", () => {
    const band = new Band();
    bandOfEvaluations(
      [
        listOf([
          [0, 1],
          [100, 3],
          [170, NaN],
        ]),
        listOf([
          [0, 3],
          [100, 5],
          [200, 7],
        ]),
      ],
      1,
      [170, 200],
      band,
    );
    expect([band.update, band.mean, band.alive].map((list) => list.slice(0, band.count))).toEqual([
      [0, 100, 200],
      [2, 4, 7],
      [2, 2, 1],
    ]);
  });

  test("how many of how many are alive, and what became of the others, in words", () => {
    expect(saySeeds(6, ["diverged", "diverged"])).toBe("6 of 8, 2 diverged");
    expect(saySeeds(4, ["diverged", "stopped", "running", "failed"])).toBe("4 of 8, 1 diverged, 1 failed, 1 stopped, 1 not there yet");
  });
});

describe("files", () => {
  test("what a spreadsheet would take for a formula is text, and numbers are exact", () => {
    expect(['=HYPERLINK("x")', "+1", "-1", "@a", "\t=1", 'a "b", c', "two\nlines"].map(cell)).toEqual([
      '"\'=HYPERLINK(""x"")"',
      "'+1",
      "'-1",
      "'@a",
      "'\t=1",
      '"a ""b"", c"',
      '"two\nlines"',
    ]);
    expect([-1.5, 1e-9, NaN, -Infinity].map(cell)).toEqual(["-1.5", "1e-9", "NaN", "-Infinity"]);
    expect(
      csv([
        ["run", "min"],
        ["b8-s1", 0.25],
      ]),
    ).toBe("run,min\r\nb8-s1,0.25\r\n");
  });

  test("a float32 is written as short as it can be read back", () => {
    for (const value of [0.1, 1 / 3, 16777217, 1e-40, -2.5].map(Math.fround)) expect(Math.fround(single(value))).toBe(value);
    expect([single(Math.fround(0.1)), single(NaN)]).toEqual([0.1, NaN]);
  });

  test("calls of a canvas become a drawing that is well formed, whatever the names are", () => {
    const canvas = new VectorCanvas(200, 100);
    canvas.save();
    canvas.beginPath();
    canvas.rect(10, 10, 50, 50);
    canvas.clip();
    canvas.strokeStyle = "#ff0000";
    canvas.lineWidth = 2;
    canvas.globalAlpha = 0.5;
    canvas.setLineDash([4, 2]);
    canvas.beginPath();
    canvas.moveTo(0, 1 / 3);
    canvas.lineTo(NaN, 20);
    canvas.stroke();
    canvas.restore();
    canvas.beginPath();
    canvas.stroke(); // nothing was drawn
    canvas.font = '600 12px "Inter", sans-serif';
    canvas.textAlign = "right";
    canvas.fillText('<b> & "c"\u0007', 5, 6);
    drawMarker(canvas, "circle", 50, 50, 3);
    const text = canvas.write("A <title>", "two & three");
    expect(text).toContain('<clipPath id="c1"><path d="M10 10h50v50h-50Z"/></clipPath>');
    expect(text).toContain(
      '<path d="M0 0.33L0 20" fill="none" stroke="#ff0000" stroke-width="2" stroke-linejoin="miter" stroke-dasharray="4 2" opacity="0.5" clip-path="url(#c1)"/>',
    );
    expect(text).toContain('font-size="12" font-weight="600" text-anchor="end" fill="#000">&lt;b&gt; &amp; &quot;c&quot;</text>');
    expect(text).toContain("<title>A &lt;title&gt;</title><desc>two &amp; three</desc>");
    expect(text).toContain('a3 3 0 1 0 6 0a3 3 0 1 0 -6 0Z" fill="#000"/>');
    expect(text.match(/<path/g)).toHaveLength(3);
    expect(text).not.toMatch(/NaN|<image/);
  });
});

describe("a polling request", () => {
  afterEach(() => vi.useRealTimers());

  test("asks when the viewer has settled, again while it is under way, and keeps the last answer until the next", async () => {
    vi.useFakeTimers();
    const answers: Answer<{ name: string }>[] = [
      { progress: 0.5, updates: 9, seconds: null },
      { name: "first" },
      { error: "There is none." },
    ];
    const asked: string[] = [];
    const request = new PollingRequest<{ name: string }>(() => {});
    const want = (key: string): void => request.want(key, async () => (asked.push(key), answers.shift()!));
    want("a");
    await vi.advanceTimersByTimeAsync(300);
    want("b"); // moved on before it was asked
    await vi.advanceTimersByTimeAsync(340);
    expect(asked).toEqual([]);
    await vi.advanceTimersByTimeAsync(20);
    expect([request.progress, request.value]).toEqual([0.5, null]);
    await vi.advanceTimersByTimeAsync(300);
    expect([request.value, request.of, request.progress]).toEqual([{ name: "first" }, "b", null]);
    want("b");
    want("c");
    await vi.advanceTimersByTimeAsync(400);
    expect([asked, request.error, request.value, request.of]).toEqual([["b", "b", "c"], "There is none.", { name: "first" }, "b"]);
  });

  test("what was left is not taken any more", async () => {
    vi.useFakeTimers();
    let give: (answer: { name: string }) => void = () => {},
      changes = 0;
    const request = new PollingRequest<{ name: string }>(() => changes++);
    request.want("a", () => new Promise((resolve) => (give = resolve)), 0);
    await vi.advanceTimersByTimeAsync(1);
    request.leave();
    give({ name: "late" });
    await vi.advanceTimersByTimeAsync(5000);
    expect([request.value, changes]).toEqual([null, 0]);
  });
});
