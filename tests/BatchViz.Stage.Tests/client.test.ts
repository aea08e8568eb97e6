/** The page's client and stage in Node: no network, no screen. The hub and fetch answer what a test tells them to. */
import { beforeEach, expect, test, vi } from "vitest";
import type { Client } from "../../src/BatchViz.Stage/client.ts";
import type { Manifest, PlaneInfo, RunInfo } from "../../src/BatchViz.Stage/manifest.ts";
import type { Landscape } from "../../src/BatchViz.Stage/scene/landscape.ts";
import type { Stage } from "../../src/BatchViz.Stage/stage.ts";
import { Buckets } from "../../src/BatchViz.Stage/store.ts";
import { frame, frameBytes, listBytes, type FrameOptions } from "./messages.ts";
import { column, ENGINE, planeInfo, runInfo } from "./samples.ts";

let send: (frame: Uint8Array) => void = () => {};
vi.mock("../../src/BatchViz.Stage/hub.ts", () => ({
  hubConnection: () => ({
    start: async () => {},
    stop: async () => {},
    onclose() {},
    stream: () => ({ subscribe: (observer: { next: (frame: Uint8Array) => void }) => (send = observer.next) }),
  }),
}));

const plane = (id: number): PlaneInfo => planeInfo({ id, title: `plane ${id}`, xLabel: `x${id}`, yLabel: `y${id}` });
const runOf = (index: number, more: Partial<RunInfo> = {}): RunInfo => runInfo({ index, id: `r${index}`, totalUpdates: 100_000, ...more });
const manifestOf = (generation: number, more: Partial<Manifest> = {}): Manifest => ({
  generation,
  revision: 1,
  name: "n",
  title: "t",
  state: "held",
  spec: {},
  error: null,
  engine: ENGINE,
  data: { name: "d", trainExamples: 100, testExamples: 0, inputs: 1, outputs: 1, task: "regression" },
  columns: [column("seconds", { label: "s", unit: "s", deterministic: false })],
  evaluation: { examples: 10, split: "train" },
  budget: { examples: null, updates: 100_000, epochs: null, seconds: null },
  remainder: "keep",
  pace: "examples",
  runs: [runOf(0)],
  plane: null,
  machine: null,
  probes: [],
  settled: false,
  recording: null,
  ...more,
});

let client: Client, stage: Stage, screen: ((now: number) => void)[], answers: Map<string, () => unknown>;
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
const heads = (at: number, options: FrameOptions): void => send(frameBytes([[]], at, at, options));

beforeEach(async () => {
  screen = [];
  answers = new Map<string, () => unknown>([["/api/session", () => ({ role: "viewer", signIn: false })]]);
  vi.stubGlobal("matchMedia", () => ({ matches: true }));
  vi.stubGlobal("requestAnimationFrame", (draw: (now: number) => void) => screen.push(draw));
  vi.stubGlobal("fetch", async (address: string) => {
    const answer = await answers.get(address)?.();
    if (answer === undefined) return new Promise(() => {}); // still on its way
    if (answer instanceof Response) return answer;
    return answer instanceof Uint8Array ? new Response(new Uint8Array(answer)) : Response.json(answer);
  });
  const [{ Client: TheClient }, { Stage: TheStage }] = await Promise.all([
    import("../../src/BatchViz.Stage/client.ts"),
    import("../../src/BatchViz.Stage/stage.ts"),
  ]);
  stage = new TheStage();
  client = new TheClient(stage);
});

test("the heads frame that comes before the manifest is not lost", async () => {
  let give: (manifest: Manifest) => void = () => {};
  answers.set("/api/experiments/current", () => new Promise((resolve) => (give = resolve)));
  void client.start();
  await settle();
  heads(40, { generation: 7, sequence: 12, plane: 3 });
  heads(30, { generation: 7, sequence: 11, plane: 3 }); // an older one, overtaken
  give(manifestOf(7));
  await settle();
  expect([stage.store.runs[0]!.made, stage.store.plane, stage.sequence]).toEqual([40, 3, 12]);
});

test("a frame of another generation than the manifest's is not taken", async () => {
  let give: (manifest: Manifest) => void = () => {};
  answers.set("/api/experiments/current", () => new Promise((resolve) => (give = resolve)));
  void client.start();
  await settle();
  heads(40, { generation: 6, sequence: 12 });
  give(manifestOf(7));
  await settle();
  expect([stage.store.runs[0]!.made, stage.sequence]).toEqual([0, 0]);
});

test("a frame that names a newer manifest while one is being fetched has it fetched again", async () => {
  const give: ((manifest: Manifest) => void)[] = [];
  answers.set("/api/experiments/current", () => new Promise<Manifest>((resolve) => give.push(resolve)));
  void client.start();
  await settle();
  give[0]!(manifestOf(7, { revision: 0 }));
  await settle();
  heads(0, { generation: 7, sequence: 2 }); // revision 1
  heads(0, { generation: 7, sequence: 3 });
  await settle();
  give[1]!(manifestOf(7, { revision: 0 })); // written before that
  await vi.waitFor(() => expect(give.length).toBe(3), 4000);
  give[2]!(manifestOf(7));
  await settle();
  expect([stage.manifest!.revision, give.length]).toEqual([1, 3]);
});

test("a frame that was overtaken changes nothing, and the heads frame of a new connection may repeat a number", async () => {
  let loads = 0;
  answers.set("/api/experiments/current", () => (loads++, manifestOf(7)));
  void client.start();
  await settle();
  heads(50, { generation: 7, sequence: 5, plane: 2 });
  heads(40, { generation: 7, sequence: 4, plane: 1 });
  await settle();
  expect([loads, stage.store.plane, stage.sequence, stage.store.runs[0]!.made]).toEqual([1, 2, 5, 50]);
  heads(60, { generation: 7, sequence: 5, plane: 2 });
  expect(stage.store.runs[0]!.made).toBe(60);
});

test("what an overtaken answer lacked is asked for again", async () => {
  const entry = (update: number): number[] => [update, 1, NaN, NaN, 0];
  let list = [0, 1],
    asked = 0,
    release = (): void => {};
  answers.set("/api/experiments/current", () => manifestOf(7));
  answers.set("/api/experiments/7/evaluations/0", async () => {
    const answer = listBytes("BVE1", list.map(entry), 0, 7);
    if (asked++ === 0) await new Promise<void>((resolve) => (release = resolve));
    return answer;
  });
  void client.start();
  await vi.waitFor(() => expect(asked).toBe(1));
  list = [0, 1, 2, 3];
  heads(0, { generation: 7, sequence: 2, evaluations: { first: 3, entries: [entry(3)] } });
  release();
  await vi.waitFor(() => expect(stage.store.runs[0]!.evaluations.count).toBe(4), 4000);
  await vi.waitFor(() => expect(client.busy).toBe(false));
});

test("measured seconds are as many as a row of them, however many frames have come", () => {
  stage.begin(manifestOf(7));
  stage.axis = "seconds";
  const seconds = Array.from({ length: 6000 }, (_, i) => (i + 1) / 100);
  for (let at = 0, now = 0; at < seconds.length; at += 7) {
    stage.store.ingestFrame(frame([seconds.slice(0, at + 7)], at, Math.min(seconds.length, at + 7)));
    stage.changed(2);
    for (const draw of screen.splice(0)) draw((now += 16));
  }
  expect(stage.clocks[0]!.measured).toBeLessThan(400);
  expect(stage.clocks[0]!.toAxis("seconds", 6000)).toBeCloseTo(60, 3);
});

test("the caption names the plane that is drawn", async () => {
  vi.stubGlobal("document", { createElement: () => ({ append() {}, appendChild: (node: unknown) => node, setAttribute() {} }) });
  const { caption } = await import("../../src/BatchViz.Stage/scene/words.ts");
  const grid = {
    resolution: 9,
    generation: 7,
    plane: 1,
    grid: 1,
    region: [0, 1, 0, 1] as [number, number, number, number],
    values: new Float32Array(81),
  };
  const landscape = { grid, scale: { log: true, low: 1, high: 2, step: 1.1, clipped: true, hatched: false } } as Landscape;
  stage.begin(manifestOf(7, { plane: plane(1) }));
  stage.grid = grid;
  stage.store.setPlane(1);
  expect(caption(stage, landscape)).toMatch(/^Plane 1 .*losses above 2\S* are drawn at the top$/);
  stage.takeManifest(manifestOf(7, { revision: 2, plane: plane(2) }));
  stage.store.setPlane(2);
  expect(caption(stage, landscape)).toMatch(/^Plane 1 .*a new plane is being computed$/);
  stage.grid = landscape.grid = { ...grid, plane: 2, grid: 2 };
  expect(caption(stage, landscape)).toMatch(/^Plane 2 /);
  stage.begin(manifestOf(8, { plane: plane(3) }));
  expect(stage.planes.size).toBe(1);
});

const fork = (updates: number): RunInfo =>
  runOf(1, {
    batchSize: 32,
    updates,
    fork: { run: "r0", update: 3000, set: { batchSize: "32" } },
    phases: [
      { epoch: 0, update: 0, examples: 0, batchSize: 1 },
      { epoch: 30, update: 3000, examples: 3000, batchSize: 32 },
    ],
  });

test("a fork that joins grows the page, and what is shown stays as it was", async () => {
  let manifest = manifestOf(7, { runs: [runOf(0, { updates: 5000 })] });
  answers.set("/api/experiments/current", () => manifest);
  void client.start();
  await settle();
  heads(5000, { generation: 7, sequence: 2, plane: 3 });
  stage.store.runs[0]!.cover(0, 5000);
  stage.act((playhead, extent) => playhead.hold(2500, extent));
  stage.setZoom([2000, 4000]);
  stage.select(0);
  const { store } = stage,
    clock = stage.clocks[0];
  manifest = manifestOf(7, { revision: 2, runs: [runOf(0, { updates: 5000 }), fork(3010)] });
  heads(5000, { generation: 7, sequence: 3, plane: 3, revision: 2 });
  await settle();
  expect([stage.manifest!.runs.length, stage.store === store, stage.clocks[0] === clock]).toEqual([2, true, true]);
  expect([stage.playhead.position, stage.playhead.mode, stage.zoom, stage.selected]).toEqual([2500, "paused", [2000, 4000], 0]);
  expect([stage.store.runs.length, stage.clocks.length, stage.drawn.length, stage.store.runs[1]!.made]).toEqual([2, 2, 2, 3010]);
  expect([stage.clocks[1]!.toAxis("examples", 3010), stage.beginning(1)]).toEqual([3000 + 2 * 100 + 2 * 32, 3000]); // four batches an epoch of 100 examples
  expect([stage.store.runs[1]!.evaluationsMissing, stage.store.runs[1]!.pointsMissing, stage.store.runs[0]!.pointsMissing]).toEqual([
    true,
    true,
    false,
  ]);
  expect(stage.styles[1]).not.toEqual(stage.styles[0]);
});

test("frames of a run that no manifest has named yet wait for it, and bring no older plane back", async () => {
  const give: ((manifest: Manifest) => void)[] = [];
  answers.set("/api/experiments/current", () => new Promise<Manifest>((resolve) => give.push(resolve)));
  void client.start();
  await settle();
  give[0]!(manifestOf(7));
  await settle();
  const points = { first: 0, entries: [[3000, 1, 2, 0.5, 0]] };
  const evaluations = { first: 0, entries: [[3000, 0.5, NaN, NaN, 0]] };
  const seconds = Array.from({ length: 3200 }, (_, i) => i / 100);
  const told = (from: number, to: number, options: FrameOptions): void =>
    send(frameBytes([seconds.slice(0, to)], from, to, { run: 1, generation: 7, revision: 2, ...options }));
  told(3000, 3100, { sequence: 2, plane: 3, points, evaluations });
  told(3100, 3200, { sequence: 3, plane: 4 });
  heads(70, { generation: 7, sequence: 4, plane: 4, revision: 2 });
  await settle();
  expect([stage.store.runs.length, stage.store.runs[0]!.made, give.length]).toEqual([1, 70, 2]);
  give[1]!(manifestOf(7, { revision: 2, runs: [runOf(0), fork(3005)] }));
  await settle();
  const run = stage.store.runs[1]!;
  expect([run.made, run.spans, run.evaluations.count, run.points.count, stage.store.plane, stage.sequence]).toEqual([
    3200,
    [3000, 3200],
    1,
    0,
    4,
    4,
  ]);
});

test("a frame may begin before the end of the last one, at an aligned place", async () => {
  answers.set("/api/experiments/current", () => manifestOf(7));
  void client.start();
  await settle();
  const seconds = Array.from({ length: 1000 }, (_, i) => i / 10),
    out = new Buckets();
  send(frameBytes([seconds.slice(0, 300)], 0, 300, { generation: 7, sequence: 2, top: 0 }));
  send(frameBytes([seconds], 256, 1000, { generation: 7, sequence: 3, top: 4 }));
  const run = stage.store.runs[0]!;
  expect([run.made, run.head, stage.store.gap(0)]).toEqual([1000, 1000, []]);
  expect([stage.store.at(0, 0, 257, out), out.last[0]]).toEqual([true, Math.fround(25.6)]);
  expect([stage.store.at(0, 0, 700, out), out.from[0], out.to[0]]).toEqual([true, 512, 768]);
});

test("detail comes for both drawn columns at once, and what cannot be had is asked for less and less often", async () => {
  const columns = ["loss", "gradientNorm", "seconds"].map((name) => column(name, { deterministic: name !== "seconds" }));
  answers.set("/api/experiments/current", () => manifestOf(7, { columns }));
  const address = "/api/experiments/7/tiles/0/loss+gradientNorm/0/3";
  let asked = 0,
    status = 204;
  answers.set(address, () => (asked++, new Response(null, { status })));
  void client.start();
  await settle();
  vi.useFakeTimers({ toFake: ["setTimeout", "performance"] });
  try {
    const want = (): void => {
      client.wantTiles(0, "loss", 0, [3]);
      client.wantTiles(0, "gradientNorm", 0, [3]);
    };
    want();
    expect([client.loading("loss"), client.loading("gradientNorm"), client.loading("seconds")]).toEqual([true, true, false]);
    const times: number[] = [];
    for (let second = 0, before = 0; second < 40; second += 0.25) {
      // a chart that is redrawn without end
      await vi.advanceTimersByTimeAsync(250);
      want();
      if (asked > before) times.push(second);
      before = asked;
    }
    expect(times.map(Math.round)).toEqual([0, 1, 3, 7, 15, 31]);
    expect(client.loading("loss")).toBe(false);
    status = 404;
    await vi.advanceTimersByTimeAsync(60_000);
    want();
    await vi.advanceTimersByTimeAsync(1);
    const last = asked;
    await vi.advanceTimersByTimeAsync(600_000);
    want();
    expect(asked).toBe(last);
  } finally {
    vi.useRealTimers();
  }
});

test("who zooms elsewhere does not wait for what was wanted before", async () => {
  answers.set("/api/experiments/current", () => manifestOf(7));
  void client.start();
  await settle();
  const given: AbortSignal[] = [];
  vi.stubGlobal(
    "fetch",
    (address: string, { signal }: { signal?: AbortSignal }) =>
      new Promise((_, reject) => {
        if (!signal) return;
        given.push(signal);
        signal.addEventListener("abort", () => reject(new Error(address)));
      }),
  );
  stage.zoom = [0, 10];
  client.wantTiles(0, "seconds", 0, [0, 1, 2, 3, 4, 5]);
  expect(given.map((signal) => signal.aborted)).toEqual([false, false, false, false]);
  stage.zoom = [50, 60];
  client.wantTiles(0, "seconds", 0, [9]);
  await settle();
  expect(given.map((signal) => signal.aborted)).toEqual([true, true, true, true, false]);
});

test("a run that has diverged is not asked for what its last weights would have shown", async () => {
  const asked: string[] = [];
  answers.set("/api/experiments/current", () => manifestOf(7, { runs: [runOf(0, { state: "diverged", updates: 12 })] }));
  await client.start();
  expect([stage.store.runs[0]!.state, stage.store.runs[0]!.made]).toEqual(["diverged", 12]);
  vi.stubGlobal("fetch", async (address: string) => (asked.push(address), Response.json({ progress: 0, updates: 1 })));
  const { signal } = new AbortController();
  const refusal = { error: "B = 1 diverged at update 12: there are no weights after it." };
  expect([await client.moments(0, 12, 3, signal), await client.boundary(0, 12, signal)]).toEqual([refusal, refusal]);
  expect(asked).toEqual([]);
  await Promise.all([client.moments(0, 11, 3, signal), client.boundary(0, 11, signal), client.batch(0, 12, signal)]);
  expect(asked).toEqual(["/api/experiments/7/moments/0/11/3", "/api/experiments/7/boundary/0/11?n=65", "/api/experiments/7/batches/0/12"]);
});
