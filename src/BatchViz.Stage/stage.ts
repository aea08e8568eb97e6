/**
 * What the page knows and shows, in one place, and the one frame scheduler. Modules read it, call its verbs, and are
 * drawn when something they care for has changed: first actions, then DOM, then canvas, at most once per screen frame.
 * When nothing changes no frame is asked for.
 */
import { RunClock, type Axis } from "./axis.ts";
import { columnIndex, COLUMN, type Manifest, type PlaneInfo, type RunInfo, type Session } from "./manifest.ts";
import type { BatchAnswer } from "./batch.ts";
import type { MomentsAnswer } from "./moments.ts";
import type { Answer, Boundary, Examples, Keyframes, Line, Points, Probes } from "./answers.ts";
import { Playhead, type Extent } from "./playhead.ts";
import { remembered, remember } from "./remember.ts";
import { beginning, coloured, runLabels, runStyles } from "./runs.ts";
import { Buckets, hasEnded, TimelineStore } from "./store.ts";
import type { RunStyle, Theme } from "./style.ts";
import type { Grid } from "./wire.ts";

/** Kinds of change, as bits. */
export const Change = {
  /** Another experiment, or its manifest has news. */
  manifest: 1,
  /** Records or evaluations arrived. */
  data: 2,
  /** Plane, grid or path points arrived. */
  landscape: 4,
  /** The playhead moved. */
  moment: 8,
  axis: 16,
  /** Selection, visibility or states of runs. */
  runs: 32,
  theme: 64,
  /** Loss scale, overlays, panes and the camera's preset. */
  view: 128,
  /** Role, connection and errors. */
  session: 256,
  size: 512,
  /** The camera or the pointer moved over the scene. */
  camera: 1024,
  /** What is known of the batch at the playhead. */
  batch: 2048,
  /** Finer buckets of what was known already, or on their way. */
  detail: 4096,
  /** The charts' window, which the scene does not have. */
  zoom: 8192,
  /** The selected range, and whether playback stays in it. */
  range: 16384,
  /** Which charts there are and how they are drawn. */
  charts: 65536,
  /** The pointer is over a moment: in a chart, on the timeline or on a path. */
  cursor: 131072,
  all: 0xfffff,
} as const;

export interface Panel {
  /** Bits of Change that it draws itself anew for. */
  readonly wants: number;
  /** Draws; true when it needs one more frame (an easing in progress, another chart to go). */
  draw(changes: number, now: number): boolean | void;
}

export type Mount = (element: HTMLElement, stage: Stage) => Panel;

/** Where a run is at the playhead. */
export interface Drawn {
  /** Updates, with a fraction between two. */
  update: number;
  x: number;
  y: number;
  /** True loss on the evaluation set, NaN while there is no path. */
  loss: number;
}

/** What the network side offers; set by main.ts, so that stage and client do not depend on each other. */
export interface Remote {
  wantTiles(run: number, column: string, level: number, tiles: readonly number[]): void;
  /** Detail of this column is on its way. */
  loading(column: string): boolean;
  /** Asks once for one batch, counted from 1; while it is recomputed the answer is how far it is. */
  batch(run: number, update: number, cancel: AbortSignal): Promise<BatchAnswer>;
  /** Gradients after so many updates of a run, projected on this plane; while they are recomputed the answer is how far that is. */
  moments(run: number, update: number, plane: number, cancel: AbortSignal): Promise<MomentsAnswer>;
  /** Losses and accuracies on the straight line between two runs' newest weights. */
  line(runA: number, runB: number, cancel: AbortSignal): Promise<Answer<Line>>;
  /** What the experiment's probes have measured along a run. */
  probes(run: number, cancel: AbortSignal): Promise<Answer<Probes>>;
  /** After which updates of a run the recording keeps its weights. */
  keyframes(run: number, cancel: AbortSignal): Promise<Answer<Keyframes>>;
  /** Examples by their indices, as they can be shown; at most 64. */
  examples(split: "train" | "test", indices: readonly number[], cancel: AbortSignal): Promise<Answer<Examples>>;
  /** What a run with two inputs says of every place in the plane of its inputs. */
  boundary(run: number, update: number, cancel: AbortSignal): Promise<Answer<Boundary>>;
  /** The examples of a data set with two inputs. */
  points(split: "train" | "test", cancel: AbortSignal): Promise<Answer<Points>>;
  stepOnce(): void;
  /** Undoes a fork, for everyone; redoes it. */
  undoFork(run: string): void;
  redoFork(run: string): void;
}

const never = (): Promise<never> => new Promise(() => {});
const NOBODY: Remote = {
  wantTiles() {},
  loading: () => false,
  batch: never,
  moments: never,
  line: never,
  probes: never,
  keyframes: never,
  examples: never,
  boundary: never,
  points: never,
  stepOnce() {},
  undoFork() {},
  redoFork() {},
};

const PLANES_KEPT = 16;

export const MOST_CHARTS = 4;
export const STANDARD_CHARTS = "loss,accuracy,gradient";
const rememberedCharts = (): string[] => (remembered("charts") || STANDARD_CHARTS).split(",").slice(0, MOST_CHARTS);

/** "frame" fits the selected run's path; "x" and "y" look along an axis of the plane. */
export type CameraView = "orbit" | "top" | "reset" | "frame" | "x" | "y";

/** Where the camera is: its target in the scene's box, the distance in units of the one that shows the whole box, and two angles. */
export interface Pose {
  x: number;
  y: number;
  z: number;
  distance: number;
  phi: number;
  theta: number;
}

/** What lies over the slice and can be left out. */
export const OVERLAYS = ["trails", "epochs", "ends", "stems", "gradients", "axes"] as const;
export type Overlay = (typeof OVERLAYS)[number];
/** A phone, upright or sideways, as in the style sheets. */
const PHONE = "(max-width: 640px), (max-width: 1000px) and (max-height: 500px)";
/** Left out until wanted: stems are many lines, and what gradients need to be understood fills a phone. */
const OPTIONAL: readonly Overlay[] = typeof matchMedia === "function" && matchMedia(PHONE).matches ? ["stems", "gradients"] : ["stems"];
export const STANDARD_OVERLAYS: readonly Overlay[] = OVERLAYS.filter((name) => !OPTIONAL.includes(name));
export const PANELS = ["header", "hierarchy", "inspector", "charts", "timeline", "legend", "view"] as const;
export type PanelName = (typeof PANELS)[number];

const withPanel = (panels: ReadonlySet<PanelName>, name: PanelName, present: boolean): Set<PanelName> =>
  new Set(PANELS.filter((panel) => (panel === name ? present : panels.has(panel))));

const rememberedPanels = (): Set<PanelName> => {
  const names = (remembered("panels") ?? "").split(",");
  return new Set(PANELS.filter((name) => names.includes(name)));
};

function rememberedTheme(): Theme | null {
  const kept = remembered("theme");
  return kept === "dark" || kept === "light" ? kept : null;
}

function rememberedProjector(): boolean | null {
  const kept = remembered("projector");
  return kept === "on" ? true : kept === "off" ? false : null;
}

export class Stage {
  manifest: Manifest | null = null;
  session: Session = { role: "viewer", signIn: false };
  /** "offline": there is no server and never was one; the page is a recording in a file. */
  connection: "connecting" | "connected" | "reconnecting" | "refused" | "offline" = "connecting";
  problem: string | null = null;
  /** Something worth knowing that is no problem. */
  note: string | null = null;
  /** Where the playhead is to stop, in the axis' unit, when that moment has come: that of a link. */
  awaited: number | null = null;
  held = false;
  watching = 0;
  sequence = 0;

  store = new TimelineStore(0, []);
  clocks: RunClock[] = [];
  drawn: Drawn[] = [];
  /** Looks and names of the runs. */
  styles: RunStyle[] = [];
  labels: string[] = [];
  grid: Grid | null = null;
  /** The newest planes by their ids: the grid that is drawn may be of one that the manifest no longer names. */
  readonly planes = new Map<number, PlaneInfo>();

  readonly playhead = new Playhead();
  axis: Axis = "examples";
  /** Visible window of the charts in the axis' unit; null for the whole budget. */
  zoom: readonly [number, number] | null = null;
  /** What was selected on the timeline, in the axis' unit. */
  range: readonly [number, number] | null = null;
  /** Playback begins again at the end of the range. */
  loop = false;
  /** Dragging on the timeline selects a range instead of moving the playhead. */
  rangeTool = false;
  /** Counts how often a batch was asked for: it is brought into sight. */
  batchAsked = 0;
  /** "This batch" is unfolded. */
  batchOpen = remembered("batch") !== "folded";
  /** The moment that the pointer is over in a chart, on the timeline or on a path, in the axis' unit. */
  cursor: number | null = null;
  /** The charts from left to right, by their names in panels/charts/registry.ts. */
  charts: readonly string[] = rememberedCharts();
  /** Those that there are, told by the panel that draws them. */
  chartNames: readonly string[] = STANDARD_CHARTS.split(",");
  /** Vertical scales that differ from the charts' own; the loss has `lossScale`, which the scene shares. */
  chartScales: Readonly<Record<string, "linear" | "log">> = {};
  logTime = false;
  /** Seeds of one batch size are drawn as their mean and its interval. */
  seeds: "lines" | "band" = "lines";
  /** The two runs, by id, between whose ends the line is drawn; null: the smallest and the largest batch size. */
  lineEnds: readonly [string, string] | null = null;
  selected = -1;
  readonly hidden = new Set<number>();
  /** Forks that were undone: hidden, unless somebody wants to see them all the same. */
  readonly forkUndone = new Set<number>();
  /** Colours that were chosen for runs, by the run's id: names of PALETTE in style.ts. */
  colours: Readonly<Record<string, string>> = {};
  /** Branches of the tree that are closed, by their keys in tree.ts. */
  collapsed: ReadonlySet<string> = new Set();
  /** Panels that are not shown. */
  panels: ReadonlySet<PanelName> = rememberedPanels();
  /** Type and lines for the last row; null: where the window is as wide as a projector's. */
  projector: boolean | null = rememberedProjector();

  theme: Theme = "dark";
  /** What the visitor, or the link that brought them, has chosen; null: as the system prefers. */
  chosenTheme: Theme | null = rememberedTheme();
  lossScale: "linear" | "log" = remembered("loss-scale") === "linear" ? "linear" : "log";
  readonly overlays = new Set<Overlay>(
    OVERLAYS.filter((name) => (remembered(`overlay-${name}`) ?? (STANDARD_OVERLAYS.includes(name) ? "on" : "off")) === "on"),
  );
  /** One picture with all runs, or a pane for each batch size. */
  panes: "overlay" | "split" = "overlay";
  cameraView: CameraView = "reset";
  /** Counts what the camera was asked for: the same preset twice is asked twice. */
  cameraAsked = 0;
  /** The camera's target stays at the selected run's head. */
  follow = false;
  /** Where the camera is, written by the scene; null as long as there is none. */
  pose: Pose | null = null;
  /** Where it shall go. */
  poseAsked: Pose | null = null;
  remote: Remote = NOBODY;

  readonly reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
  readonly wide = matchMedia("(min-width: 1800px)");
  private readonly drawing: Panel[] = [];
  private pending = 0;
  private scheduled = false;
  private before = 0;
  private readonly extentNow: Extent = { total: 0, head: 0, finished: false };
  private readonly measuredRow = new Buckets();

  addPanel(panel: Panel): void {
    this.drawing.push(panel);
    this.changed(Change.all);
  }

  /** Something changed: draw with the next screen frame. */
  changed(what: number): void {
    this.pending |= what;
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(this.frame);
  }

  /** No frame is due: what is on the screen is what is known. */
  get settled(): boolean {
    return !this.scheduled;
  }

  private readonly frame = (now: number): void => {
    this.scheduled = false;
    const dt = Math.min(0.1, this.before > 0 ? (now - this.before) / 1000 : 0);
    this.arrive();
    const changes = this.pending | (this.advance(dt, this.pending) ? Change.moment : 0);
    this.pending = 0;
    if (changes & (Change.data | Change.axis | Change.manifest)) this.noteMeasured();
    if (changes & (Change.manifest | Change.data | Change.moment | Change.axis | Change.landscape)) this.locate();
    let more = 0;
    for (const panel of this.drawing) {
      if ((changes & panel.wants) === 0 && !this.unfinished.has(panel)) continue;
      if (panel.draw(changes, now) === true) {
        this.unfinished.add(panel);
        more = 1;
      } else this.unfinished.delete(panel);
    }
    const moving = this.isMoving();
    this.before = more || moving || this.scheduled ? now : 0;
    if ((more || moving) && !this.scheduled) {
      this.scheduled = true;
      requestAnimationFrame(this.frame);
    }
  };

  private readonly unfinished = new Set<Panel>();

  private advance(dt: number, changes: number): boolean {
    if (this.manifest === null) return false;
    const extent = this.extent();
    return this.playhead.tick(dt, extent, !this.reducedMotion.matches, this.loop ? this.range : null) || (changes & Change.axis) !== 0;
  }

  /** The playhead will move with the next frame without any news. */
  private isMoving(): boolean {
    if (this.manifest === null || this.playhead.mode === "paused") return false;
    const { head } = this.extent();
    const loops = this.loop && this.range !== null && this.playhead.mode === "playing" && head > this.range[0];
    return loops || this.playhead.position < head;
  }

  /** The playhead stays where it is until somebody moves it, so that what takes a while is worth asking for. */
  get standsStill(): boolean {
    if (this.playhead.mode === "paused") return true;
    const { head, finished } = this.extent();
    return (this.held || finished) && this.playhead.position >= head;
  }

  /** A new experiment begins, and with it a new page: the playhead at 0, playing. */
  begin(manifest: Manifest): void {
    const live = manifest.columns.flatMap((column, index) => (column.live ? [index] : []));
    this.store = new TimelineStore(0, live);
    this.clocks = [];
    this.drawn = [];
    this.grid = null;
    this.planes.clear();
    this.manifest = manifest;
    this.axis = this.standardAxis;
    this.awaited = null;
    this.held = false; // its frames say so
    this.zoom = null;
    this.range = null;
    this.cursor = null;
    this.lineEnds = null;
    this.selected = -1;
    this.hidden.clear();
    this.forkUndone.clear();
    this.colours = {};
    this.collapsed = new Set();
    this.playhead.position = 0;
    this.playhead.mode = "playing";
    this.takeManifest(manifest);
  }

  /** News of the experiment; it may have more runs than before (forks), and whatever is shown of the others stays. */
  takeManifest(manifest: Manifest): void {
    this.manifest = manifest;
    this.store.grow(manifest.runs.length);
    for (const run of manifest.runs.slice(this.clocks.length)) {
      this.clocks.push(new RunClock(run, manifest.data.trainExamples, manifest.remainder, columnIndex(manifest, COLUMN.flops) >= 0));
      this.drawn.push({ update: 0, x: NaN, y: NaN, loss: NaN });
    }
    this.styles = coloured(runStyles(manifest.runs), manifest.runs, this.colours);
    this.labels = runLabels(manifest.runs);
    const { plane } = manifest;
    if (plane !== null) {
      if (this.planes.size === PLANES_KEPT && !this.planes.has(plane.id)) this.planes.delete(this.planes.keys().next().value!);
      this.planes.set(plane.id, plane);
    }
    for (const run of manifest.runs) if ((run.forkUndone ?? false) !== this.forkUndone.has(run.index)) this.noteForkUndone(run);
    for (const run of manifest.runs) this.store.noteRun(run.index, run.state, run.updates ?? 0);
    this.changed(Change.manifest | Change.runs | Change.landscape);
  }

  /** A fork that is undone goes out of sight, and comes back when that is redone. */
  private noteForkUndone({ index, forkUndone }: RunInfo): void {
    if (forkUndone) {
      this.forkUndone.add(index);
      this.hidden.add(index);
    } else {
      this.forkUndone.delete(index);
      this.hidden.delete(index);
    }
  }

  /** How far runs have come and may come, on the current axis. One object, refilled. */
  extent(axis = this.axis): Extent {
    const out = this.extentNow;
    out.total = out.head = 0;
    out.finished = true;
    const runs = this.manifest?.runs ?? [];
    for (const { index, totalUpdates } of runs) {
      const forkUndone = this.forkUndone.has(index);
      if (forkUndone && this.hidden.has(index)) continue;
      const timeline = this.store.runs[index]!,
        clock = this.clocks[index]!;
      const made = timeline.head;
      out.head = Math.max(out.head, clock.toAxis(axis, made));
      out.total = Math.max(out.total, clock.toAxis(axis, Math.max(forkUndone ? 0 : (totalUpdates ?? 0), made)));
      if ((!forkUndone && !hasEnded(timeline.state)) || made < timeline.made) out.finished = false;
    }
    if (out.finished) out.total = out.head;
    else if (axis === "seconds") out.total = Math.max(this.manifest?.budget.seconds ?? 0, roundedUp(out.total));
    if (!(out.total > 0)) out.total = 1;
    return out;
  }

  /** The charts' visible window. */
  get from(): number {
    return this.zoom?.[0] ?? 0;
  }

  get to(): number {
    return this.zoom?.[1] ?? this.extent().total;
  }

  /** The run whose single updates the step buttons make: the selected one, else the first that is shown. */
  get stepRun(): RunInfo | undefined {
    const runs = this.manifest?.runs ?? [];
    return runs[this.selected] ?? runs.find((run) => !this.hidden.has(run.index)) ?? runs[0];
  }

  /** The update of this run that the playhead has reached. */
  updateAt(run: number): number {
    return Math.floor((this.drawn[run]?.update ?? 0) + 1e-6);
  }

  /** The update after which a run is itself and no other: that of its fork. */
  beginning(run: number): number {
    return beginning(this.manifest!.runs[run]!);
  }

  step(by: 1 | -1): void {
    const run = this.stepRun;
    if (run === undefined) return;
    const extent = this.extent();
    const clock = this.clocks[run.index]!;
    const here = clock.toUpdates(this.axis, this.playhead.position);
    const atHead = this.playhead.mode === "live" || this.playhead.position >= extent.head;
    if (by > 0 && this.held && atHead && this.session.role === "owner") {
      this.remote.stepOnce();
      this.playhead.goLive();
    } else {
      const next = by > 0 ? Math.floor(here + 1 + 1e-6) : Math.ceil(here - 1 - 1e-6);
      this.playhead.hold(clock.toAxis(this.axis, Math.max(0, next)), extent);
      this.reveal();
    }
    this.changed(Change.moment);
  }

  /** To where the next epoch of the run that the steps belong to begins, or the one before. */
  stepEpoch(by: 1 | -1): void {
    const run = this.stepRun;
    if (run === undefined) return;
    const clock = this.clocks[run.index]!;
    const here = clock.toAxis("epochs", clock.toUpdates(this.axis, this.playhead.position));
    const next = by > 0 ? Math.floor(here + 1 + 1e-6) : Math.ceil(here - 1 - 1e-6);
    this.playhead.hold(clock.toAxis(this.axis, clock.toUpdates("epochs", Math.max(0, next))), this.extent());
    this.reveal();
    this.changed(Change.moment);
  }

  /** Stands at a run's update, with its batch beside. */
  openBatch(run: number, update: number): void {
    this.playhead.hold(this.clocks[run]!.toAxis(this.axis, update), this.extent());
    this.setBatchOpen(true);
    this.batchAsked++;
    this.changed(Change.moment);
  }

  setBatchOpen(open: boolean): void {
    this.batchOpen = open;
    remember("batch", open ? "open" : "folded");
    this.changed(Change.batch);
  }

  /** Who steps sees where to: the window moves along. */
  private reveal(): void {
    if (this.zoom === null) return;
    const [from, to] = this.zoom,
      { position } = this.playhead;
    if (position >= from && position <= to) return;
    const start = Math.max(0, position - (to - from) / 2);
    this.setZoom([start, start + to - from]);
  }

  /** What the budget holds equal is what the runs are compared by first. */
  get standardAxis(): Axis {
    const budget = this.manifest?.spec.budget ?? {};
    return budget.updates ? "updates" : budget.seconds ? "seconds" : "examples";
  }

  /** Stands still at a moment, as soon as it is there. */
  await(position: number): void {
    this.playhead.pause();
    this.awaited = position;
    this.changed(Change.moment | Change.session);
  }

  private arrive(): void {
    if (this.awaited === null || this.manifest === null) return;
    const extent = this.extent();
    if (this.playhead.mode === "paused" && extent.head < this.awaited && !extent.finished) return;
    if (this.playhead.mode === "paused") this.playhead.hold(this.awaited, extent);
    this.awaited = null; // whoever plays has something else in mind
    this.pending |= Change.moment | Change.session;
  }

  act(verb: (playhead: Playhead, extent: Extent) => void): void {
    verb(this.playhead, this.extent());
    this.changed(Change.moment);
  }

  /** One axis for all panels. The moment stays: where the reference run is now, it is afterwards. */
  setAxis(axis: Axis): void {
    const run = this.stepRun;
    const clock = run && this.clocks[run.index];
    const updates = clock?.toUpdates(this.axis, this.playhead.position) ?? 0;
    const atEnd = this.playhead.position >= this.extent().head;
    if (this.range !== null && clock) {
      const [from, to] = this.range.map((value) => clock.toAxis(axis, clock.toUpdates(this.axis, value))) as [number, number];
      this.range = to > from ? [from, to] : null;
    }
    this.axis = axis;
    this.zoom = null;
    this.cursor = null;
    this.noteMeasured();
    this.playhead.position = atEnd ? this.extent().head : Math.min(clock?.toAxis(axis, updates) ?? 0, this.extent().head);
    this.changed(Change.axis | Change.moment);
  }

  setZoom(zoom: readonly [number, number] | null): void {
    this.zoom = zoom;
    this.changed(Change.zoom);
  }

  /** Selects from one moment to another, in whatever order they come; null: nothing. */
  setRange(range: readonly [number, number] | null): void {
    this.range = range === null ? null : [Math.min(...range), Math.max(...range)];
    this.changed(Change.range);
  }

  setLoop(on: boolean): void {
    this.loop = on;
    this.changed(Change.range);
  }

  setRangeTool(on: boolean): void {
    this.rangeTool = on;
    this.changed(Change.range);
  }

  /** The range begins, or ends, at the playhead; what was selected of the other side stays where it makes sense. */
  markRange(end: "from" | "to"): void {
    const { position } = this.playhead,
      { total } = this.extent();
    const range: [number, number] = end === "from" ? [position, this.range?.[1] ?? total] : [this.range?.[0] ?? 0, position];
    if (range[1] <= range[0]) range[end === "from" ? 1 : 0] = end === "from" ? total : 0;
    this.setRange(range[1] > range[0] ? range : null);
  }

  zoomToRange(): void {
    if (this.range !== null && this.range[1] > this.range[0]) this.setZoom(this.range);
  }

  setCursor(at: number | null): void {
    if (at === this.cursor) return;
    this.cursor = at;
    this.changed(Change.cursor);
  }

  setCharts(charts: readonly string[]): void {
    this.charts = charts.slice(0, MOST_CHARTS);
    remember("charts", this.charts.join());
    this.changed(Change.charts | Change.size);
  }

  setChartScale(chart: string, scale: "linear" | "log"): void {
    if (chart === "loss") return this.setLossScale(scale);
    this.chartScales = { ...this.chartScales, [chart]: scale };
    this.changed(Change.charts);
  }

  setChartScales(scales: Readonly<Record<string, "linear" | "log">>): void {
    this.chartScales = scales;
    this.changed(Change.charts);
  }

  setLogTime(on: boolean): void {
    this.logTime = on;
    this.changed(Change.charts);
  }

  setSeeds(seeds: "lines" | "band"): void {
    this.seeds = seeds;
    this.changed(Change.charts);
  }

  setLineEnds(ends: readonly [string, string] | null): void {
    this.lineEnds = ends;
    this.changed(Change.charts);
  }

  select(run: number): void {
    this.selected = run === this.selected ? -1 : run;
    this.changed(Change.runs);
  }

  setVisible(run: number, visible: boolean): void {
    if (visible) this.hidden.delete(run);
    else this.hidden.add(run);
    this.changed(Change.runs);
  }

  /** Shows these runs and no others; where they are alone already, all of them. */
  isolate(runs: readonly number[]): void {
    const others = [...this.manifest!.runs.keys()].filter((run) => !runs.includes(run));
    const alone = others.every((run) => this.hidden.has(run)) && runs.every((run) => !this.hidden.has(run));
    this.hidden.clear();
    if (!alone) for (const run of others) this.hidden.add(run);
    this.changed(Change.runs);
  }

  /** The colour of a run by its name in PALETTE; null: as its batch size. */
  setColour(id: string, name: string | null): void {
    const { [id]: _, ...others } = this.colours;
    this.setColours(name === null ? others : { ...others, [id]: name });
  }

  setColours(colours: Readonly<Record<string, string>>): void {
    this.colours = colours;
    const runs = this.manifest?.runs ?? [];
    this.styles = coloured(runStyles(runs), runs, colours);
    this.changed(Change.manifest | Change.runs | Change.theme);
  }

  setCollapsed(key: string, collapsed: boolean): void {
    const keys = new Set(this.collapsed);
    if (collapsed) keys.add(key);
    else keys.delete(key);
    this.collapsed = keys;
    this.changed(Change.runs);
  }

  setPanel(name: PanelName, shown: boolean): void {
    this.showPanels(withPanel(this.panels, name, !shown));
    remember("panels", [...withPanel(rememberedPanels(), name, !shown)].join()); // others may be hidden by a link, for this visit
  }

  /** Which panels are not shown. */
  setPanels(hidden: ReadonlySet<PanelName>): void {
    this.showPanels(hidden);
    remember("panels", [...hidden].join());
  }

  private showPanels(hidden: ReadonlySet<PanelName>): void {
    this.panels = hidden;
    this.changed(Change.size | Change.view);
  }

  /** What is chosen holds on every screen; null: as wide as a projector's. */
  setProjector(on: boolean | null): void {
    this.projector = on;
    remember("projector", on === null ? "" : on ? "on" : "off");
    this.changed(Change.size | Change.view | Change.theme);
  }

  get isProjecting(): boolean {
    return this.projector ?? this.wide.matches;
  }

  /** What the system prefers, where the viewer has chosen nothing. */
  get systemTheme(): Theme {
    return matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  }

  setTheme(theme: Theme): void {
    this.chosenTheme = theme;
    remember("theme", theme);
    this.useTheme();
  }

  /** Puts the theme in force on the page: again when the system's preference changes. */
  useTheme(): void {
    this.theme = this.chosenTheme ?? this.systemTheme;
    document.documentElement.dataset["theme"] = this.theme;
    this.changed(Change.theme);
  }

  setLossScale(scale: "linear" | "log"): void {
    this.lossScale = scale;
    remember("loss-scale", scale);
    this.changed(Change.view);
  }

  setOverlay(name: Overlay, on: boolean): void {
    if (on) this.overlays.add(name);
    else this.overlays.delete(name);
    remember(`overlay-${name}`, on ? "on" : "off");
    this.changed(Change.view);
  }

  setPanes(panes: "overlay" | "split"): void {
    this.panes = panes;
    this.changed(Change.view | Change.size);
  }

  setCamera(view: CameraView): void {
    this.cameraView = view;
    this.poseAsked = null;
    this.cameraAsked++;
    this.changed(Change.view);
  }

  /** Something worth knowing; null takes it back. */
  say(note: string | null): void {
    if (note === this.note) return;
    this.note = note;
    this.changed(Change.session);
  }

  /** Sends the camera to where another one was. */
  setPose(pose: Pose): void {
    this.cameraView = "orbit";
    this.poseAsked = pose;
    this.cameraAsked++;
    this.changed(Change.view);
  }

  setFollow(on: boolean): void {
    this.follow = on;
    this.changed(Change.view);
  }

  /** Gradients at the playhead are still on their way; set by the scene. */
  gradientsPending = false;

  /** Where a run's head, or the cursor's mark on its path, is drawn, in the page's pixels; set by the scene, where there is one. */
  onScreen: ((run: number, what: "head" | "cursor") => { x: number; y: number } | null) | null = null;

  /** Draws the scene once more and hands the picture over as a file; set by the scene, where there is one. */
  takePicture: (() => void) | null = null;

  report(problem: string | null): void {
    if (problem === this.problem) return;
    this.problem = problem;
    this.changed(Change.session);
  }

  /** Finds where every run is at the playhead; between two path points on the straight line between them. */
  private locate(): void {
    for (let run = 0; run < this.drawn.length; run++) {
      const drawn = this.drawn[run]!,
        timeline = this.store.runs[run]!;
      drawn.update = Math.min(timeline.head, this.clocks[run]!.toUpdates(this.axis, this.playhead.position));
      const points = timeline.points;
      const i = points.indexAt(drawn.update);
      if (i < 0) {
        drawn.x = drawn.y = drawn.loss = NaN;
        continue;
      }
      const j = Math.min(i + 1, points.count - 1);
      const u0 = points.updates[i]!,
        u1 = points.updates[j]!;
      const t = u1 > u0 ? (drawn.update - u0) / (u1 - u0) : 0;
      drawn.x = between(points.value(i, 0), points.value(j, 0), t);
      drawn.y = between(points.value(i, 1), points.value(j, 1), t);
      drawn.loss = between(points.value(i, 2), points.value(j, 2), t);
    }
  }

  /**
   * Seconds, and the FLOPs of searches, are measured, so their axes grow with what was recorded: from evaluations, and from history when
   * asked for. Each time anew, for a row of buckets ends elsewhere with every frame, and its ends would pile up.
   */
  private noteMeasured(): void {
    if (this.manifest === null) return;
    const column = columnIndex(this.manifest, COLUMN.seconds),
      flops = columnIndex(this.manifest, COLUMN.flops);
    for (let run = 0; run < this.clocks.length; run++) {
      const { evaluations, made } = this.store.runs[run]!,
        clock = this.clocks[run]!;
      clock.forgetSeconds();
      for (let i = 0; i < evaluations.count; i++) clock.noteSeconds(evaluations.updates[i]!, evaluations.value(i, 3));
      if (flops >= 0) {
        clock.forgetFlops();
        this.store.query(run, flops, 0, made, 256, this.measuredRow);
        for (let i = 0; i < this.measuredRow.count; i++) clock.noteFlops(this.measuredRow.to[i]!, this.measuredRow.last[i]!);
        this.remote.wantTiles(run, COLUMN.flops, this.measuredRow.level, this.measuredRow.missing);
      }
      if (this.axis !== "seconds" || column < 0) continue;
      this.store.query(run, column, 0, made, 256, this.measuredRow);
      for (let i = 0; i < this.measuredRow.count; i++) clock.noteSeconds(this.measuredRow.to[i]!, this.measuredRow.last[i]!);
      this.remote.wantTiles(run, COLUMN.seconds, this.measuredRow.level, this.measuredRow.missing);
    }
  }
}

const between = (a: number, b: number, t: number): number => (t <= 0 ? a : t >= 1 ? b : a + (b - a) * t);

/** Up to two digits, so that an estimate does not make axes tremble. */
function roundedUp(value: number): number {
  if (!(value > 0)) return 0;
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Math.ceil(value / unit) * unit;
}
