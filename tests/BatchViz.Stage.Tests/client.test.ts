/** The page's client and stage in Node: no network, no screen. The hub and fetch answer what a test tells them to. */
import { beforeEach, expect, test, vi } from "vitest";
import type { Client } from "../../src/BatchViz.Stage/client.ts";
import type { Manifest, PlaneInfo } from "../../src/BatchViz.Stage/manifest.ts";
import type { Landscape } from "../../src/BatchViz.Stage/scene/landscape.ts";
import type { Stage } from "../../src/BatchViz.Stage/stage.ts";
import { frame, frameBytes, listBytes, type FrameOptions } from "./messages.ts";

let send: (text: string) => void = () => {};
vi.mock("@microsoft/signalr", () => {
  const hub = {
    start: async () => {}, stop: async () => {}, onclose() {},
    stream: () => ({ subscribe: (observer: { next: (text: string) => void }) => (send = observer.next) }),
  };
  class HubConnectionBuilder {
    withUrl() { return this; }
    configureLogging() { return this; }
    build() { return hub; }
  }
  return { HubConnectionBuilder, LogLevel: { None: 6 } };
});

const plane = (id: number): PlaneInfo => ({
  id, kind: "pca", title: `plane ${id}`, explained: null, explainedByRandomWalk: null, xLabel: `x${id}`, yLabel: `y${id}`, exact: false, grid: 0, resolution: 0, region: [0, 1, 0, 1],
});
const manifestOf = (generation: number, more: Partial<Manifest> = {}): Manifest => ({
  generation, revision: 1, name: "n", title: "t", state: "held", spec: {}, error: null, engine: { name: "cpu", description: "", bitExact: true },
  data: { name: "d", trainExamples: 100, testExamples: 0, inputs: 1, outputs: 1, task: "regression" },
  columns: [{ name: "seconds", label: "s", unit: "s", live: true, deterministic: false }],
  evaluation: { examples: 10, split: "train" }, budget: { examples: null, updates: 100_000, epochs: null, seconds: null }, remainder: "keep", pace: "examples",
  runs: [{ index: 0, id: "r", batchSize: 1, seed: 1, learningRate: 0.1, totalUpdates: 100_000, parameters: 1, flopsPerExample: 6, state: "running", message: null, updates: 0 }],
  plane: null, ...more,
});

let client: Client, stage: Stage, screen: ((now: number) => void)[], answers: Map<string, () => unknown>;
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
const heads = (at: number, options: FrameOptions): void => send(Buffer.from(frameBytes([[]], at, at, options)).toString("base64"));

beforeEach(async () => {
  screen = [];
  answers = new Map<string, () => unknown>([["/api/session", () => ({ role: "viewer", signIn: false })]]);
  vi.stubGlobal("matchMedia", () => ({ matches: true }));
  vi.stubGlobal("requestAnimationFrame", (draw: (now: number) => void) => screen.push(draw));
  vi.stubGlobal("fetch", async (address: string) => {
    const answer = await answers.get(address)?.();
    if (answer === undefined) return new Promise(() => {}); // still on its way
    return answer instanceof Uint8Array ? new Response(new Uint8Array(answer)) : Response.json(answer);
  });
  const [{ Client: TheClient }, { Stage: TheStage }] = await Promise.all([import("../../src/BatchViz.Stage/client.ts"), import("../../src/BatchViz.Stage/stage.ts")]);
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
  let list = [0, 1], asked = 0, release = (): void => {};
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
  const grid = { resolution: 9, generation: 7, plane: 1, grid: 1, region: [0, 1, 0, 1] as [number, number, number, number], values: new Float32Array(81) };
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
