/** Address = state: there and back, what is refused, and undo. */
import { beforeEach, expect, test, vi } from "vitest";
import { apply, FIELDS, fingerprint, write } from "../../src/BatchViz.Stage/address.ts";
import type { Manifest } from "../../src/BatchViz.Stage/manifest.ts";
import { Stage } from "../../src/BatchViz.Stage/stage.ts";
import { Undo } from "../../src/BatchViz.Stage/undo.ts";
import { ENGINE, runInfo } from "./samples.ts";

vi.stubGlobal("matchMedia", () => ({ matches: false }));
vi.stubGlobal("requestAnimationFrame", () => 0);
vi.stubGlobal("document", { documentElement: { dataset: {} } });
const stored = new Map<string, string>();
vi.stubGlobal("localStorage", {
  getItem: (key: string) => stored.get(key) ?? null,
  setItem: (key: string, value: string) => stored.set(key, value),
});

const run = (index: number, batchSize: number): Manifest["runs"][number] => runInfo({ index, id: `b${batchSize}-s1`, batchSize });

const manifest = (name = "Moons"): Manifest => ({
  generation: 1,
  revision: 1,
  name,
  title: name,
  state: "running",
  spec: { budget: {}, name } as Manifest["spec"],
  error: null,
  engine: ENGINE,
  data: { name, trainExamples: 100, testExamples: 0, inputs: 2, outputs: 1, task: "classification" },
  columns: [],
  evaluation: { examples: 100, split: "train" },
  budget: { examples: null, updates: null, epochs: null, seconds: null },
  machine: null,
  probes: [],
  settled: false,
  recording: null,
  remainder: "keep",
  pace: "examples",
  runs: [run(0, 1), run(1, 8), run(2, 32)],
  plane: null,
});

let stage: Stage;
const fresh = (name?: string): Stage => {
  const made = new Stage();
  made.begin(manifest(name));
  return made;
};
beforeEach(() => {
  stored.clear();
  stage = fresh();
});

test("nothing that was set gives an address without a fragment", () => {
  expect(write(stage)).toBe("");
});

test("what is set goes into the address and comes back from it", () => {
  stage.setAxis("updates");
  stage.setZoom([10, 64.5]);
  stage.setRange([40.125, 20]);
  stage.setLoop(true);
  stage.setBatchOpen(false);
  stage.setCursor(33.5);
  stage.select(1);
  stage.setVisible(2, false);
  stage.setLossScale("linear");
  stage.setOverlay("stems", true);
  stage.setOverlay("axes", false);
  stage.setPanes("split");
  stage.setFollow(true);
  stage.cameraView = "orbit";
  stage.pose = { x: 0.1, y: -0.25, z: 0, distance: 1.5, phi: 0.98, theta: 2.12345 };
  stage.setCharts(["accuracy", "loss"]);
  stage.setChartScale("gradient", "linear");
  stage.setLogTime(true);
  stage.setSeeds("band");
  stage.setLineEnds(["b1-s1", "b32-s1"]);
  stage.setColour("b8-s1", "green");
  stage.setPanel("hierarchy", false);
  stage.setProjector(false);
  stage.setTheme("light");
  stage.playhead.speed = 4;
  stage.await(37.25);
  const address = write(stage);
  expect(address).toBe(
    `#v=1&e=${fingerprint(manifest())}&theme=light&axis=updates&zoom=10,64.5&range=20,40.125&loop=1&run=b8-s1&hide=b32-s1&scale=linear&panes=split&show=trails,epochs,ends,stems,gradients&follow=1&camera=0.1,-0.25,0,1.5,0.98,2.123&charts=accuracy,loss&scales=gradient:linear&logtime=1&seeds=band&line=b1-s1,b32-s1&colours=b8-s1:green&batch=folded&off=hierarchy&projector=0&speed=4&cursor=33.5&t=37.25`,
  );
  const other = fresh();
  expect(apply(other, address)).toEqual([]);
  expect(other.poseAsked).toEqual({ x: 0.1, y: -0.25, z: 0, distance: 1.5, phi: 0.98, theta: 2.123 });
  other.pose = other.poseAsked; // as the scene does
  expect(write(other)).toBe(address);
  expect([other.axis, other.zoom, other.selected, [...other.hidden], other.awaited, other.playhead.mode]).toEqual([
    "updates",
    [10, 64.5],
    1,
    [2],
    37.25,
    "paused",
  ]);
  expect([other.range, other.loop, other.batchOpen, other.cursor]).toEqual([[20, 40.125], true, false, 33.5]);
  apply(other, "#v=1&axis=updates");
  expect([other.range, other.loop, other.batchOpen, other.cursor]).toEqual([null, false, true, null]);
});

test("what a link does not say has its default, whatever was set before", () => {
  stage.setOverlay("stems", true);
  stage.select(0);
  stage.setCamera("top");
  apply(stage, "#v=1&axis=epochs");
  expect([stage.axis, stage.overlays.has("stems"), stage.selected, stage.cameraView]).toEqual(["epochs", false, -1, "reset"]);
});

test.each([
  ["axis=parsecs", "axis=parsecs"],
  ["zoom=5,1", "zoom=5,1"],
  ["zoom=1", "zoom=1"],
  ["zoom=a,b", "zoom=a,b"],
  ["range=5,5", "range=5,5"],
  ["range=-1,5", "range=-1,5"],
  ["loop=again", "loop=again"],
  ["batch=half", "batch=half"],
  ["cursor=-1", "cursor=-1"],
  ["cursor=1,2", "cursor=1,2"],
  ["run=b7-s1", "run=b7-s1"],
  ["hide=b1-s1,b9-s9", "hide=b1-s1,b9-s9"],
  ["t=-3", "t=-3"],
  ["t=NaN", "t=NaN"],
  ["t=1e999", "t=1e999"],
  ["speed=3", "speed=3"],
  ["theme=pink", "theme=pink"],
  ["follow=yes", "follow=yes"],
  ["charts=loss,luck", "charts=loss,luck"],
  ["charts=loss,loss,loss,loss,loss", "charts=loss,loss,loss,loss,loss"],
  ["scales=loss:cubic", "scales=loss:cubic"],
  ["line=b1-s1", "line=b1-s1"],
  ["colours=b1-s1:pink", "colours=b1-s1:pink"],
  ["off=walls", "off=walls"],
  ["projector=2", "projector=2"],
  ["show=stems,doors", "show=stems,doors"],
  ["camera=behind", "camera=behind"],
  ["camera=0,0,0,0,0,0", "camera=0,0,0,0,0,0"],
  ["camera=0,0,0,1,1", "camera=0,0,0,1,1"],
  ["constructor=1", "constructor"],
])("%s is refused in one sentence and changes nothing", (text, named) => {
  const before = write(stage),
    mode = stage.playhead.mode;
  const told = apply(stage, `#v=1&${text}`);
  expect(told).toHaveLength(1);
  expect(told[0]).toContain(named);
  expect([write(stage), stage.playhead.mode]).toEqual([before, mode]);
});

test("a link of another version or another experiment says so; general settings are taken from the latter", () => {
  expect(apply(stage, "#v=9&axis=updates")[0]).toContain("version 9");
  expect(stage.axis).toBe("examples");
  const other = fresh("MNIST");
  other.select(1);
  other.setAxis("flops");
  other.await(5);
  const told = apply(stage, write(other));
  expect(told).toHaveLength(1);
  expect([stage.axis, stage.selected, stage.awaited]).toEqual(["flops", -1, null]);
});

test("every field refuses nonsense and takes its own text", () => {
  for (const [key, field] of Object.entries(FIELDS)) {
    expect(field.set(stage, "\u0000nonsense"), key).toBe(false);
    expect(field.set(stage, field.get(stage)), key).toBe(true);
  }
});

test("choices are taken back and made again; what belongs together in time is one step", () => {
  const undo = new Undo(stage);
  stage.select(1);
  undo.note(0);
  stage.setZoom([0, 50]);
  undo.note(1000);
  stage.setZoom([0, 40]);
  undo.note(1100); // still dragging
  stage.playhead.speed = 8; // not a choice about the picture
  stage.setCursor(3);
  expect(undo.note(2000)).toBe(false);
  undo.undo();
  expect([stage.zoom, stage.selected]).toEqual([null, 1]);
  undo.undo();
  expect(stage.selected).toBe(-1);
  expect(undo.undo()).toBe(false);
  undo.redo();
  undo.redo();
  expect([stage.zoom, stage.selected, undo.canRedo]).toEqual([[0, 40], 1, false]);
  undo.undo();
  stage.setOverlay("stems", true);
  undo.note(5000);
  expect(undo.canRedo).toBe(false); // another way was taken
  stage.setAxis("epochs");
  undo.undo(); // before anything had noticed
  expect([stage.axis, stage.overlays.has("stems")]).toEqual(["examples", true]);
});

test("what somebody else carries out is taken back in its turn, among the choices", () => {
  const undo = new Undo(stage),
    done: string[] = [];
  stage.select(1);
  undo.did({ undo: () => done.push("back"), redo: () => done.push("again") });
  stage.setAxis("epochs");
  undo.undo();
  expect([stage.axis, done]).toEqual(["examples", []]);
  undo.undo();
  expect([stage.selected, done]).toEqual([1, ["back"]]);
  undo.undo();
  undo.redo();
  undo.redo();
  expect([stage.selected, done, undo.canRedo]).toEqual([1, ["back", "again"], true]);
});

test("a fork that is undone goes out of sight and out of the extent, is no choice of the viewer's, and comes back", () => {
  const fork = { ...run(3, 64), id: "b32-s1-u50", totalUpdates: 400, fork: { run: "b32-s1", update: 50, set: { batchSize: "64" } } };
  const made = (forkUndone: boolean): Manifest => ({ ...manifest(), revision: 2, runs: [...manifest().runs, { ...fork, forkUndone }] });
  stage.takeManifest(made(false));
  stage.setAxis("updates");
  stage.select(3);
  expect(stage.extent().total).toBe(400);
  const undo = new Undo(stage);
  stage.takeManifest(made(true));
  expect([[...stage.hidden], stage.extent().total, write(stage).includes("hide"), undo.note(0)]).toEqual([[3], 100, false, false]);
  apply(stage, "#v=1&hide=b1-s1");
  expect([...stage.hidden]).toEqual([3, 0]);
  stage.setVisible(3, true); // to look at what it had made
  stage.takeManifest(made(true));
  expect([...stage.hidden]).toEqual([0]);
  stage.takeManifest(made(false));
  expect([[...stage.hidden], stage.extent("updates").total]).toEqual([[0], 400]);
});

test("what came by a link holds for this visit only, until the visitor changes it: no stored preference is overwritten", () => {
  stage.setTheme("dark");
  stage.setLossScale("log");
  stage.setOverlay("stems", true);
  stage.setOverlay("axes", false);
  stage.setCharts(["noise"]);
  stage.setBatchOpen(false);
  stage.setPanels(new Set(["legend"]));
  stage.setProjector(true);
  const chosen = [...stored];
  expect(chosen.map(([key]) => key).sort()).toEqual(
    ["batch", "charts", "loss-scale", "overlay-axes", "overlay-stems", "panels", "projector", "theme"].map((key) => `batchviz.${key}`),
  );
  const visit = fresh();
  expect(apply(visit, "#v=1&theme=light&scale=linear&show=trails&charts=accuracy&batch=open&off=header,timeline&projector=0")).toEqual([]);
  expect([...stored]).toEqual(chosen);
  expect([visit.theme, visit.lossScale, [...visit.overlays], visit.charts, visit.batchOpen, [...visit.panels], visit.projector]).toEqual([
    "light",
    "linear",
    ["trails"],
    ["accuracy"],
    true,
    ["header", "timeline"],
    false,
  ]);
  visit.useTheme(); // the system's preference has changed
  expect(visit.theme).toBe("light");
  const later = fresh();
  later.useTheme();
  expect([
    later.theme,
    later.lossScale,
    later.overlays.has("stems"),
    later.overlays.has("axes"),
    later.charts,
    later.batchOpen,
    [...later.panels],
    later.projector,
  ]).toEqual(["dark", "log", true, false, ["noise"], false, ["legend"], true]);
  // What the visitor changes is theirs, and no more than that.
  visit.setTheme("light");
  visit.setPanel("header", true);
  visit.setPanel("inspector", false);
  visit.setOverlay("epochs", true);
  expect(Object.fromEntries(stored)).toEqual({
    ...Object.fromEntries(chosen),
    "batchviz.theme": "light",
    "batchviz.panels": "inspector,legend",
    "batchviz.overlay-epochs": "on",
  });
});
