/** How runs and forks are told apart, and the request for one batch. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ASK_EVERY, BatchLoader, SETTLE_AFTER, type Batch, type BatchAnswer } from "../../src/BatchViz.Stage/batch.ts";
import type { RunInfo } from "../../src/BatchViz.Stage/manifest.ts";
import { coloured, runLabels, runStyles, settings } from "../../src/BatchViz.Stage/runs.ts";
import { GROUND, PALETTE, SURFACE, type RunStyle, type Theme } from "../../src/BatchViz.Stage/style.ts";
import { seen, tree } from "../../src/BatchViz.Stage/tree.ts";
import { contrast } from "./contrast.ts";
import { runInfo } from "./samples.ts";

const run = (index: number, batchSize: number, seed = 1, fork?: RunInfo["fork"]): RunInfo =>
  runInfo({ index, id: `b${batchSize}-s${seed}-${index}`, batchSize, seed, totalUpdates: 10, fork: fork ?? null });
const leaves = (parent: RunInfo, update: number, set: Record<string, string>): RunInfo["fork"] => ({ run: parent.id, update, set });

const eight = run(0, 8),
  wide = run(1, 32);
const doubled = run(2, 32, 1, leaves(eight, 3000, { batchSize: "32" }));
const slower = run(3, 8, 1, leaves(eight, 3000, { learningRate: "0.05", "optimizer.weightDecay": "0.01" }));
const again = run(4, 64, 1, leaves(doubled, 4000, { batchSize: "64" }));
const all = [eight, wide, doubled, slower, again];

test("a fork is named after what it leaves, and stands beneath it", () => {
  expect(runLabels(all)).toEqual([
    "B = 8",
    "B = 32",
    "B = 32 · from B = 8 at 3,000",
    "B = 8 · from B = 8 at 3,000",
    "B = 64 · from B = 32 at 4,000",
  ]);
  expect(tree(all).map(({ key, level }) => [key, level])).toEqual([
    ["", 1],
    [eight.id, 2],
    [doubled.id, 3],
    [again.id, 4],
    [slower.id, 3],
    [wide.id, 2],
  ]);
  expect([settings(doubled), settings(slower)]).toEqual(["B = 32", "learning rate 0.05, weight decay 0.01"]);
});

test("seeds are named where there are several, and forks that are alike in everything else by what they set", () => {
  const other = run(1, 8, 2),
    fork = run(2, 32, 2, leaves(other, 500, { batchSize: "32" })),
    slow = run(3, 32, 2, leaves(other, 500, { batchSize: "32", learningRate: "0.01" }));
  expect(runLabels([eight, other, fork, slow])).toEqual([
    "B = 8 · seed 1",
    "B = 8 · seed 2",
    "B = 32 · from B = 8 at 500 · seed 2",
    "B = 32 · from B = 8 at 500 · seed 2 · learning rate 0.01",
  ]);
});

test("a fork has the colour of its batch size and a dash and marker of its own; seeds and lone forks look like their batch size", () => {
  const styles = runStyles(all);
  expect(styles[2]!.colour).toEqual(styles[1]!.colour);
  for (const [a, b] of [
    [1, 2],
    [0, 3],
  ] as const) {
    expect(styles[a]!.marker).not.toBe(styles[b]!.marker);
    expect(styles[a]!.dash).not.toEqual(styles[b]!.dash);
  }
  expect(runStyles([run(0, 8, 1), run(1, 8, 2)])[1]).toEqual(styles[0]);
  expect(runStyles([eight, run(1, 64, 1, leaves(eight, 5, {}))])[1]).toEqual(runStyles([run(0, 64)])[0]);
});

/** Colours by a script of its own, from the ramp; the host's thumbnails are held to them, too (RecordingPictureTests.cs). */
const COLOURS: { batchSizes: number[]; forks: number[]; colours: { batchSize: number; dark: string; light: string }[] }[] = JSON.parse(
  readFileSync(join(import.meta.dirname, "../fixtures/colours.json"), "utf8"),
);

test.each(COLOURS.map((experiment) => [`${experiment.batchSizes}, forks ${experiment.forks}`, experiment] as const))(
  "colours of B = %s are those of the fixture, three to one on page and surface",
  (_, { batchSizes, forks, colours }) => {
    const runs = [...batchSizes].reverse().map((size, i) => run(i, size)); // in whatever order they are listed
    const all = [...runs, ...forks.map((size, i) => run(runs.length + i, size, 1, leaves(runs[0]!, 5, { batchSize: String(size) })))];
    const styles = runStyles(all);
    for (const { batchSize, dark, light } of colours) {
      const { colour } = styles[all.findIndex((run) => run.batchSize === batchSize)]!;
      expect(colour, `B = ${batchSize}`).toEqual({ dark, light });
      for (const theme of ["dark", "light"] as const)
        for (const ground of [GROUND[theme], ...SURFACE[theme]])
          expect(contrast(colour[theme], ground), `B = ${batchSize} on ${ground}`).toBeGreaterThanOrEqual(3);
    }
  },
);

const differ = (styles: readonly RunStyle[], of: (style: RunStyle) => string): number => new Set(styles.map(of)).size;

test.each([[[8, 9, 10]], [[4, 8, 9, 10]], [[1, 2, 3]], [[500, 512]], [[16, 17, 18, 19, 20, 21]]])(
  "B = %s are told apart in colour, dash and marker",
  (sizes) => {
    const styles = runStyles(sizes.map((size, i) => run(i, size)));
    const found = [
      differ(styles, ({ colour }) => colour.dark),
      differ(styles, ({ colour }) => colour.light),
      differ(styles, ({ dash }) => dash.join()),
      differ(styles, ({ marker }) => marker),
    ];
    expect(found).toEqual([sizes.length, sizes.length, sizes.length, sizes.length]);
  },
);

test("more batch sizes than there are dashes: neighbours differ", () => {
  const styles = runStyles(Array.from({ length: 30 }, (_, i) => run(i, i + 1)));
  for (let i = 1; i < styles.length; i++) {
    expect(styles[i]!.marker, `B = ${i + 1}`).not.toBe(styles[i - 1]!.marker);
    expect(styles[i]!.colour.dark).not.toBe(styles[i - 1]!.colour.dark);
  }
});

test("a fork of a batch size close to others finds its place between them, and they stay as they are", () => {
  const before = runStyles([run(0, 8), run(1, 16)]),
    after = runStyles([run(0, 8), run(1, 16), run(2, 9, 1, leaves(eight, 5, { batchSize: "9" }))]);
  expect(after.slice(0, 2)).toEqual(before);
  expect([differ(after, ({ colour }) => colour.dark), differ(after, ({ marker }) => marker)]).toEqual([3, 3]);
});

const batch: Batch = {
  run: "b8-s1",
  update: 777,
  batchSize: 8,
  remainder: false,
  epoch: 1,
  full: { norm: 0.02, cosine: 0.4, degrees: 66, examples: 100 },
  record: { loss: 0.02 },
  recorded: true,
  deviation: 0,
  difference: null,
  updatesReplayed: 124,
  examples: [],
};
let asked: [number, number, AbortSignal][], reply: (asked: number) => BatchAnswer | Promise<BatchAnswer>, loader: BatchLoader;

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  loader = new BatchLoader(
    async (run, update, cancel) => {
      asked.push([run, update, cancel]);
      return reply(asked.length);
    },
    () => {},
  );
});
afterEach(() => void vi.useRealTimers());

test("a batch is asked for when the viewer has stayed on it, and again until it is there", async () => {
  reply = (n) => (n < 3 ? { progress: 0.4 * n, updates: 90_000, seconds: null } : batch);
  for (let update = 700; update <= 777; update++) {
    // scrubbing
    loader.look(7, 0, update);
    await vi.advanceTimersByTimeAsync(20);
  }
  expect([asked.length, loader.view.kind]).toEqual([0, "waiting"]);
  await vi.advanceTimersByTimeAsync(SETTLE_AFTER);
  expect([asked.map(([run, update]) => [run, update]), loader.view]).toEqual([
    [[0, 777]],
    { kind: "progress", progress: 0.4, updates: 90_000 },
  ]);
  loader.look(7, 0, 777); // the same, drawn again
  await vi.advanceTimersByTimeAsync(2 * ASK_EVERY);
  expect([asked.length, loader.view]).toEqual([3, { kind: "shown", batch }]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked.length).toBe(3);
});

test("moving on cancels what is under way, and its answer is not shown", async () => {
  let give: (answer: BatchAnswer) => void = () => {};
  reply = () => new Promise((resolve) => (give = resolve));
  loader.look(7, 0, 5);
  await vi.advanceTimersByTimeAsync(SETTLE_AFTER);
  loader.leave();
  give(batch);
  await vi.advanceTimersByTimeAsync(60_000);
  expect([asked.length, asked[0]![2].aborted, loader.view.kind]).toEqual([1, true, "nothing"]);
});

test("a refusal is final, a lost connection is not", async () => {
  reply = () => ({ error: "b8-s1 has made 40 updates." });
  loader.look(7, 0, 50);
  await vi.advanceTimersByTimeAsync(60_000);
  expect([asked.length, loader.view]).toEqual([1, { kind: "refused", error: "b8-s1 has made 40 updates." }]);
  reply = (n) => (n === 2 ? Promise.reject(new Error()) : batch);
  loader.look(7, 0, 40);
  await vi.advanceTimersByTimeAsync(SETTLE_AFTER);
  expect(loader.view.kind).toBe("refused");
  await vi.advanceTimersByTimeAsync(10_000);
  expect([asked.length, loader.view.kind]).toEqual([3, "shown"]);
});

test("several seeds stand beneath their batch size, forks beneath what they leave; what is closed takes its branch along", () => {
  const other = run(2, 8, 2),
    fork = run(3, 32, 2, leaves(other, 500, { batchSize: "32" }));
  const nodes = tree([eight, wide, other, fork]);
  expect(nodes.map(({ key, level, place, siblings, children }) => [key, level, place, siblings, children])).toEqual([
    ["", 1, 1, 1, 2],
    ["b8", 2, 1, 2, 2],
    [eight.id, 3, 1, 2, 0],
    [other.id, 3, 2, 2, 1],
    [fork.id, 4, 1, 1, 0],
    [wide.id, 2, 2, 2, 0],
  ]);
  expect(nodes.map(({ runs }) => runs)).toEqual([[0, 1, 2, 3], [0, 2, 3], [0], [2, 3], [3], [1]]);
  expect(seen(nodes, new Set(["b8"])).map(({ key }) => key)).toEqual(["", "b8", wide.id]);
  expect(seen(nodes, new Set([other.id])).map(({ key }) => key)).toEqual(["", "b8", eight.id, other.id, wide.id]);
  expect(seen(nodes, new Set([""]))).toHaveLength(1);
});

test("a chosen colour is its run's alone, keeps dash and marker, and stands out from page and surface in both themes", () => {
  const styles = runStyles([eight, wide]),
    chosen = coloured(styles, [eight, wide], { [wide.id]: "sky", gone: "rose", [eight.id]: "no colour" });
  expect(chosen[0]).toEqual(styles[0]);
  expect(chosen[1]).toEqual({ ...styles[1], colour: PALETTE["sky"] });
  const low = Object.entries(PALETTE).flatMap(([name, colour]) =>
    (["dark", "light"] as Theme[]).flatMap((theme) =>
      [GROUND[theme], ...SURFACE[theme]].filter((ground) => contrast(colour[theme], ground) < 3).map((ground) => `${name} on ${ground}`),
    ),
  );
  expect(low).toEqual([]);
});
