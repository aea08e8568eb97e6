/**
 * The gradients at the playhead: the next batch's, that of all examples, and the noise around it. They are vectors of the plane, not
 * places on the slice: they lie level, at the height of the run's true loss.
 */
import { Group } from "three";
import { LineMaterial } from "three/examples/jsm/lines/LineMaterial.js";
import { LineSegments2 } from "three/examples/jsm/lines/LineSegments2.js";
import { LineSegmentsGeometry } from "three/examples/jsm/lines/LineSegmentsGeometry.js";
import { MomentsLoader, type Moments } from "../moments.ts";
import { Change, type Stage } from "../stage.ts";
import { arrow, barbs, commonScale, ellipse, type Line } from "./arrows.ts";
import { heightOf } from "./heights.ts";
import { worldX, worldZ, type Landscape } from "./landscape.ts";
import { BOX } from "./surface.ts";

/** Runs whose gradients are shown at once: each is recomputed. */
const MOST_RUNS = 3;
const BARB = 0.05;
const KINDS = ["noise", "full", "batch"] as const;
const WIDTHS = { noise: 1.6, full: 2.8, batch: 2.8 } as const;
/** The text's colour: all examples have no batch size. */
export const FULL_INK = { dark: "#e8ebef", light: "#171c22" } as const;

interface Slot {
  group: Group;
  lines: Record<(typeof KINDS)[number], LineSegments2>;
}

export class Gradients {
  readonly root = new Group();
  /** The runs that are asked about, by index. */
  runs: number[] = [];
  /** Plane units for one unit of gradient. */
  scale = 1;
  readonly loader: MomentsLoader;
  private readonly slots: Slot[] = [];
  private drawn = "";
  private ids = new Map<Moments, number>();

  constructor(
    private readonly stage: Stage,
    private readonly landscape: Landscape,
  ) {
    this.loader = new MomentsLoader(
      (run, update, plane, cancel) => stage.remote.moments(run, update, plane, cancel),
      () => stage.changed(Change.camera),
    );
    for (let i = 0; i < MOST_RUNS; i++) this.slots.push(this.slot());
  }

  /** What is known of a run's gradients where the playhead stands. */
  momentsOf(run: number): Moments | null {
    const view = this.loader.view(run);
    return view?.kind === "shown" ? view.moments : null;
  }

  draw(lineScale: number): void {
    const { stage, landscape } = this,
      { grid } = landscape;
    const wanted = stage.overlays.has("gradients") && grid !== null && stage.grid?.plane === stage.store.plane && stage.standsStill;
    if (!wanted) {
      this.loader.leave();
      stage.gradientsPending = this.root.visible = false;
      this.runs.length = 0;
      return;
    }
    this.runs = chosen(stage);
    this.loader.look(
      stage.manifest!.generation,
      grid.plane,
      this.runs,
      this.runs.map((run) => stage.updateAt(run)),
    );
    const shown = this.runs.map((run) => this.momentsOf(run));
    stage.gradientsPending = this.runs.some((run) => this.loader.pending(run));
    const signature = `${landscape.version}/${stage.theme}/${lineScale}/${this.runs.map((run, i) => `${run}:${this.idOf(shown[i]!)}:${this.heightOf(run).toFixed(3)}`).join()}`;
    if (signature === this.drawn) {
      this.root.visible = true;
      return;
    }
    if (landscape.version === "") return; // laid down where the slice comes to rest
    this.drawn = signature;
    this.root.visible = true;
    this.scale = commonScale(
      shown.filter((m) => m !== null),
      grid.region,
    );
    this.slots.forEach(({ group, lines }, i) => {
      const moments = shown[i] ?? null;
      group.visible = moments !== null;
      if (moments === null) return;
      const run = this.runs[i]!,
        colour = stage.styles[run]!.colour[stage.theme],
        height = this.heightOf(run);
      this.lay(
        lines.batch,
        moments.batch ? arrow(moments.point, moments.batch, this.scale) : [],
        height,
        true,
        colour,
        WIDTHS.batch * lineScale,
      );
      this.lay(lines.full, arrow(moments.point, moments.full, this.scale), height, true, FULL_INK[stage.theme], WIDTHS.full * lineScale);
      this.lay(lines.noise, ellipse(moments, this.scale), height, false, colour, WIDTHS.noise * lineScale);
    });
  }

  /** Shows only those of these runs: a pane has its own. */
  only(runs: readonly number[]): void {
    this.slots.forEach(({ group }, i) => {
      const run = this.runs[i];
      group.visible = run !== undefined && runs.includes(run) && this.momentsOf(run) !== null;
    });
  }

  setResolution(width: number, height: number): void {
    for (const { lines } of this.slots) for (const kind of KINDS) lines[kind].material.resolution.set(width, height);
  }

  private idOf(moments: Moments | null): number {
    if (moments === null) return 0;
    if (!this.ids.has(moments)) {
      if (this.ids.size > 100) this.ids = new Map();
      this.ids.set(moments, performance.now());
    }
    return this.ids.get(moments)!;
  }

  private slot(): Slot {
    const group = new Group();
    const lines = Object.fromEntries(
      KINDS.map((kind, order) => {
        const line = new LineSegments2(
          new LineSegmentsGeometry(),
          new LineMaterial({ depthTest: false, depthWrite: false, transparent: true }),
        );
        line.frustumCulled = false;
        line.renderOrder = 6 + order;
        group.add(line);
        return [kind, line];
      }),
    ) as Slot["lines"];
    this.root.add(group);
    return { group, lines };
  }

  /** World height of a run's head; the floor where its loss is no number. */
  private heightOf(run: number): number {
    const { scale } = this.landscape,
      { loss } = this.stage.drawn[run]!;
    return scale === null || !Number.isFinite(loss) ? 0 : heightOf(scale, loss) * BOX.height;
  }

  private lay(object: LineSegments2, line: Line, height: number, pointed: boolean, colour: string, width: number): void {
    object.visible = line.length > 2;
    if (!object.visible) return;
    const grid = this.landscape.grid!;
    const at: (readonly [number, number, number])[] = [];
    for (let i = 0; i < line.length; i += 2) at.push([worldX(grid, line[i]!), height, worldZ(grid, line[i + 1]!)]);
    const positions: number[] = [];
    for (let i = 1; i < at.length; i++) positions.push(...at[i - 1]!, ...at[i]!);
    if (pointed) {
      const from = at[0]!,
        tip = at[at.length - 1]!;
      const [ax, az, bx, bz] = barbs(from[0], from[2], tip[0], tip[2], BARB);
      positions.push(ax, height, az, ...tip, bx, height, bz, ...tip);
    }
    object.geometry.dispose();
    object.geometry = new LineSegmentsGeometry().setPositions(positions);
    object.material.color.set(colour);
    object.material.linewidth = width;
  }
}

/** The selected run, else all that are shown if they are few, else the one whose updates are stepped through. */
function chosen(stage: Stage): number[] {
  const runs = stage.manifest!.runs.filter((run) => !stage.hidden.has(run.index)).map((run) => run.index);
  if (stage.selected >= 0) return [stage.selected];
  if (runs.length <= MOST_RUNS) return runs;
  return stage.stepRun ? [stage.stepRun.index] : [];
}
