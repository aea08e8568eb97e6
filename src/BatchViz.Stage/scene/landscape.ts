/** The picture itself: slice, paths, frame. Puts data into the scene's box and eases from one state of it to the next. */
import { BufferAttribute, BufferGeometry, Color, LineBasicMaterial, LineSegments, Scene } from "three";
import { Change, type Stage } from "../stage.ts";
import type { Grid } from "../wire.ts";
import { hasEnded } from "../store.ts";
import { contours, heightOf, heightScale, levelOf, type HeightScale } from "./heights.ts";
import { Path } from "./path.ts";
import { BOX, Surface } from "./surface.ts";

const MORPH = 250;

/** From the plane's coordinates to the scene's box. */
export const worldX = ({ region: [x0, x1] }: Pick<Grid, "region">, x: number): number => ((x - x0) / (x1 - x0) - 0.5) * BOX.width;
export const worldZ = ({ region: [, , y0, y1] }: Pick<Grid, "region">, y: number): number => (0.5 - (y - y0) / (y1 - y0)) * BOX.depth;

const FRAME_INK = { dark: "#323c48", light: "#c5cdd6" } as const;

export class Landscape {
  readonly scene = new Scene();
  readonly surface = new Surface();
  paths: Path[] = [];
  scale: HeightScale | null = null;
  grid: Grid | null = null;
  private generation = -1;
  private morphStart = -1;
  private signature = "";
  private width = 1;
  private height = 1;
  private readonly frame = new LineSegments(new BufferGeometry(), new LineBasicMaterial());

  constructor(private readonly stage: Stage) {
    const w = BOX.width / 2,
      d = BOX.depth / 2,
      h = BOX.height;
    this.frame.geometry.setAttribute(
      "position",
      new BufferAttribute(
        new Float32Array([
          -w,
          0,
          d,
          w,
          0,
          d,
          w,
          0,
          d,
          w,
          0,
          -d,
          w,
          0,
          -d,
          -w,
          0,
          -d,
          -w,
          0,
          -d,
          -w,
          0,
          d,
          -w,
          0,
          -d,
          -w,
          h,
          -d, // the last two: the height axis, moved by setCorner
        ]),
        3,
      ),
    );
    this.scene.add(this.frame, this.surface.mesh);
    this.frame.visible = false;
  }

  /** Where the height axis stands, as signs of x and z. */
  setCorner([sx, sz]: readonly [number, number]): void {
    const position = this.frame.geometry.getAttribute("position") as BufferAttribute;
    const x = (sx * BOX.width) / 2,
      z = (sz * BOX.depth) / 2;
    if (position.getX(8) === x && position.getZ(8) === z) return;
    position.setXYZ(8, x, 0, z).setXYZ(9, x, BOX.height, z);
    position.needsUpdate = true;
  }

  setTheme(): void {
    const { theme } = this.stage;
    this.surface.setTheme(theme);
    (this.frame.material as LineBasicMaterial).color = new Color(FRAME_INK[theme]);
    for (const path of this.paths) path.setTheme(theme);
  }

  setResolution(width: number, height: number): void {
    this.width = width;
    this.height = height;
    for (const path of this.paths) path.setResolution(width, height);
  }

  /** Takes over grid and paths as the stage has them now; eases there unless only the paths have grown. */
  update(now: number, changes: number): void {
    const { stage } = this;
    const { manifest, grid } = stage;
    if (manifest === null) return;
    if (manifest.generation !== this.generation) this.begin(manifest.generation);
    for (let run = 0; run < this.paths.length; run++) this.noteState(run);
    if ((changes & ~Change.data) === 0) return;
    for (const run of manifest.runs.slice(this.paths.length)) this.add(new Path(stage.styles[run.index]!, !!run.fork));
    if (grid === null || (stage.store.plane !== 0 && grid.plane !== stage.store.plane && this.grid !== null)) return;
    this.grid = grid;
    this.scale = heightScale(grid, this.pathLosses(), this.start(), stage.lossScale === "log");
    const { low, high, log } = this.scale;
    const signature = `${grid.grid}/${grid.resolution}/${grid.region.join()}/${low.toPrecision(3)}/${high.toPrecision(3)}/${log}`;
    const whole = signature !== this.signature;
    if (whole) {
      this.signature = signature;
      const target = new Float32Array(grid.values.length);
      for (let k = 0; k < target.length; k++) target[k] = levelOf(this.scale, grid.values[k]!);
      this.surface.setTarget(target, grid.resolution);
      const { offset, frequency } = contours(this.scale);
      this.surface.setContours(offset, frequency);
      this.frame.visible = true;
      this.morphStart = stage.reducedMotion.matches || this.morphStart === -1 ? now - MORPH : now;
    }
    this.paths.forEach((path, run) => {
      const { points } = stage.store.runs[run]!;
      path.setTarget(points.count, points.updates, (i, out, at) =>
        this.place(points.value(i, 0), points.value(i, 1), points.value(i, 2), out, at),
      );
    });
    if (!whole && this.morphStart < 0) for (const path of this.paths) path.morph(1);
  }

  /** How far a run has come, and whether that is its end. */
  private noteState(run: number): void {
    const clock = this.stage.clocks[run]!,
      timeline = this.stage.store.runs[run]!,
      path = this.paths[run]!;
    path.setEpochs(clock.toAxis("epochs", timeline.made), (epoch) => clock.toUpdates("epochs", epoch));
    path.setEnding(timeline.state === "diverged" ? "diverged" : hasEnded(timeline.state) ? "end" : "none");
  }

  /** Another one whenever what stands in the box is drawn elsewhere; empty on the way there. */
  get version(): string {
    return this.morphStart >= 0 ? "" : this.signature;
  }

  /** Moves the morph on and lays the paths up to the playhead; true while the morph goes on. */
  draw(now: number, moved: boolean): boolean {
    const { stage } = this,
      { overlays } = stage;
    const t = this.morphStart < 0 ? 1 : Math.min(1, (now - this.morphStart) / MORPH);
    const easing = this.morphStart >= 0;
    if (easing) {
      const s = t * t * (3 - 2 * t);
      this.surface.morph(s);
      for (const path of this.paths) path.morph(s);
      if (t >= 1) this.morphStart = -2;
    }
    if (easing || moved) {
      this.paths.forEach((path, run) => {
        if (stage.hidden.has(run)) {
          path.drawn = false;
          return;
        }
        path.draw(stage.drawn[run]!.update);
        path.drawCursor(this.cursorOf(run));
        path.show(true, overlays.has("trails"), overlays.has("epochs"), overlays.has("ends"));
        path.drawStems(overlays.has("stems"), stage.drawn[run]!.update, this.surfaceAt);
      });
    }
    return easing && t < 1;
  }

  /** The run's update at the moment that is pointed at; NaN where there is none, or it was still another run's. */
  private cursorOf(run: number): number {
    const { cursor, clocks, axis } = this.stage;
    const update = cursor === null ? NaN : clocks[run]!.toUpdates(axis, cursor);
    return update >= this.stage.beginning(run) ? update : NaN;
  }

  /** World height of the slice as drawn, NaN outside of it and in holes. */
  readonly surfaceAt = (x: number, z: number): number => {
    const u = x / BOX.width + 0.5,
      v = 0.5 - z / BOX.depth;
    if (u < 0 || u > 1 || v < 0 || v > 1) return NaN;
    return Math.min(1, this.surface.levelAt(u, v)) * BOX.height;
  };

  private add(path: Path): void {
    path.setTheme(this.stage.theme);
    path.setResolution(this.width, this.height);
    this.paths.push(path);
    this.scene.add(path.group);
    this.noteState(this.paths.length - 1);
  }

  private place(x: number, y: number, loss: number, out: Float32Array, at: number): void {
    out[at] = worldX(this.grid!, x);
    out[at + 1] = heightOf(this.scale!, loss) * BOX.height;
    out[at + 2] = worldZ(this.grid!, y);
  }

  private pathLosses(): number[] {
    const losses: number[] = [];
    for (const { points } of this.stage.store.runs) {
      for (let i = 0; i < points.count; i++) losses.push(points.value(i, 2));
    }
    return losses.sort((a, b) => a - b);
  }

  /** The largest loss that a run began with. */
  private start(): number {
    let start = -Infinity;
    for (const { points } of this.stage.store.runs) {
      if (points.count > 0 && points.value(0, 2) < Infinity) start = Math.max(start, points.value(0, 2));
    }
    return start;
  }

  private begin(generation: number): void {
    this.generation = generation;
    for (const path of this.paths) {
      this.scene.remove(path.group);
      path.dispose();
    }
    this.paths = [];
    this.surface.forget();
    this.frame.visible = false;
    this.grid = null;
    this.signature = "";
    this.morphStart = -1;
    this.setTheme();
  }
}
