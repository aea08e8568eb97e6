/**
 * One run's path: a fat line through its path points at their true loss, up to the playhead, with a marker at its head, marks
 * where epochs end, and a ring where the run does. Buffers are as large as a path can become (512 points) and are written in place.
 */
import {
  BoxGeometry,
  BufferAttribute,
  BufferGeometry,
  ConeGeometry,
  CylinderGeometry,
  Group,
  InstancedInterleavedBuffer,
  InterleavedBufferAttribute,
  LineBasicMaterial,
  LineSegments,
  Mesh,
  MeshBasicMaterial,
  OctahedronGeometry,
  RingGeometry,
  SphereGeometry,
  type Camera,
  type Vector3,
} from "three";
import { LineSegments2 } from "three/examples/jsm/lines/LineSegments2.js";
import { LineSegmentsGeometry } from "three/examples/jsm/lines/LineSegmentsGeometry.js";
import { mergeGeometries } from "three/examples/jsm/utils/BufferGeometryUtils.js";
import { GROUND, type Marker, type RunStyle, type Theme } from "../style.ts";
import { Dots } from "./dots.ts";
import { FadingLine } from "./line.ts";
import { BOX } from "./surface.ts";

export const MOST_POINTS = 640;
const STEMS = 64,
  EPOCHS = 48;
/** Half the box, and a little more. */
const EDGE = 0.52;
/** Pixels of dash to units of the scene's box. */
const DASH_UNIT = 0.0042;

const SHAPES: Readonly<Record<Marker, BufferGeometry>> = {
  circle: new SphereGeometry(1, 20, 14),
  square: new BoxGeometry(1.6, 1.6, 1.6),
  diamond: new OctahedronGeometry(1.35),
  triangle: new ConeGeometry(1.15, 2, 4),
  pentagon: new CylinderGeometry(1.15, 1.15, 1.2, 5),
  cross: mergeGeometries([new BoxGeometry(2.6, 0.9, 0.9), new BoxGeometry(0.9, 2.6, 0.9), new BoxGeometry(0.9, 0.9, 2.6)]),
};

/** Both face the viewer. */
const RING = new RingGeometry(0.85, 1.25, 32),
  END = new RingGeometry(1.75, 2.1, 40);
/** The page's red, which means divergence. */
const RED: Readonly<Record<Theme, string>> = { dark: "#ff6b6b", light: "#c62828" };

export class Path {
  readonly group = new Group();
  /** World positions as drawn now, xyz each, and the updates they belong to. */
  readonly shown = new Float32Array(3 * MOST_POINTS);
  updates = new Uint32Array(0);
  count = 0;
  /** There is something to show of it. */
  drawn = false;
  readonly head: Mesh;
  private readonly from = new Float32Array(3 * MOST_POINTS);
  private readonly target = new Float32Array(3 * MOST_POINTS);
  /** Of every segment both ends, each with its distance along the line. */
  private readonly segments = new InstancedInterleavedBuffer(new Float32Array(8 * MOST_POINTS), 8, 1);
  /** What of it is new, in one object that is used again and again. */
  private readonly fresh = { start: 0, count: 0 };
  /** Segments that lie before each point; fewer than points where one of them is not finite. */
  private readonly before = new Uint16Array(MOST_POINTS + 1);
  /** Up to this point the segments lie as they will stay. */
  private laid = 0;
  private readonly geometry = new LineSegmentsGeometry();
  private readonly front: FadingLine;
  /** What is behind the surface shines through, fainter: a path never vanishes from the picture. */
  private readonly behind: FadingLine;
  private readonly rim: Mesh;
  private readonly stems = new LineSegments(new BufferGeometry(), new LineBasicMaterial({ transparent: true, opacity: 0.6 }));
  private readonly stemPositions = new BufferAttribute(new Float32Array(6 * STEMS), 3);
  private readonly tops = new Dots(STEMS);
  private readonly lines: readonly LineSegments2[];
  /** Where a fork leaves its parent; runs that begin at the beginning need none. */
  private readonly leaves: Mesh | null;
  /** Where the run ended. */
  readonly end = new Mesh(END, new MeshBasicMaterial({ depthTest: false, transparent: true }));
  private ending: "none" | "end" | "diverged" = "none";
  private readonly epochs = new Dots(EPOCHS);
  /** Updates at which an epoch is marked. */
  private readonly epochUpdates = new Float64Array(EPOCHS);
  private epochCount = 0;
  private epochsMoved = true;
  /** A moment that is pointed at elsewhere: hollow, where the epochs' marks are filled. */
  readonly cursor = new Dots(1);
  private theme: Theme = "dark";

  constructor(
    private readonly style: RunStyle,
    isFork: boolean,
  ) {
    const [on, off] = style.dash;
    const look = on === undefined ? {} : { dashed: true, dashSize: on * DASH_UNIT, gapSize: (off ?? on) * DASH_UNIT };
    this.front = new FadingLine({ linewidth: 2.5, ...look });
    this.behind = new FadingLine({ linewidth: 2, transparent: true, opacity: 0.6, depthTest: false, depthWrite: false, ...look });
    const attributes = [
      ["instanceStart", 3, 0],
      ["instanceEnd", 3, 4],
      ["instanceDistanceStart", 1, 3],
      ["instanceDistanceEnd", 1, 7],
      ["alongStart", 1, 3],
      ["alongEnd", 1, 7],
    ] as const;
    for (const [name, size, offset] of attributes)
      this.geometry.setAttribute(name, new InterleavedBufferAttribute(this.segments, size, offset));
    this.head = new Mesh(SHAPES[style.marker], new MeshBasicMaterial({ depthTest: false, transparent: true }));
    this.rim = new Mesh(SHAPES[style.marker], new MeshBasicMaterial({ depthTest: false, transparent: true }));
    this.leaves = isFork ? new Mesh(RING, new MeshBasicMaterial({ depthTest: false, transparent: true })) : null;
    this.lines = [new LineSegments2(this.geometry, this.behind), new LineSegments2(this.geometry, this.front)];
    for (const [order, object] of [
      ...this.lines,
      this.stems,
      ...(this.leaves ? [this.leaves] : []),
      this.end,
      this.rim,
      this.head,
    ].entries()) {
      object.frustumCulled = false;
      object.renderOrder = order + (order < 2 ? 1 : 4);
      this.group.add(object);
    }
    this.group.add(this.epochs.root, this.tops.root, this.cursor.root);
    this.stems.geometry.setAttribute("position", this.stemPositions);
    this.end.visible = false;
  }

  setTheme(theme: Theme): void {
    for (const material of [
      this.front,
      this.behind,
      this.stems.material as LineBasicMaterial,
      this.head.material as MeshBasicMaterial,
      ...this.ring,
    ]) {
      material.color.set(this.style.colour[theme]);
    }
    (this.rim.material as MeshBasicMaterial).color.set(GROUND[theme]);
    this.theme = theme;
    const colour = this.style.colour[theme];
    for (const line of [this.front, this.behind]) line.setTheme(theme);
    this.epochs.setColours(GROUND[theme], colour);
    this.tops.setColours(colour, colour);
    this.cursor.setColours(colour, GROUND[theme]);
    this.colourEnd();
  }

  private colourEnd(): void {
    (this.end.material as MeshBasicMaterial).color.set(this.ending === "diverged" ? RED[this.theme] : this.style.colour[this.theme]);
  }

  /** How it ended, if it has. */
  setEnding(ending: "none" | "end" | "diverged"): void {
    if (ending === this.ending) return;
    this.ending = ending;
    this.colourEnd();
  }

  /** What is drawn of it: its line, the marks of its epochs, the ring at its end. */
  show(trails: boolean, fades: boolean, epochs: boolean, end: boolean): void {
    for (const line of this.lines) line.visible = trails;
    this.front.fades = this.behind.fades = fades;
    this.epochs.root.visible = epochs && trails;
    this.end.visible = end && this.ending !== "none" && this.endIndex >= 0;
  }

  /** Epochs end at these updates; of many, every second, fifth, tenth … is marked. */
  setEpochs(total: number, updateOf: (epoch: number) => number): void {
    const whole = Math.floor(total + 1e-6);
    let every = 1;
    for (const step of [2, 5, 10, 20, 50, 100, 200, 500, 1000]) if (whole / every > EPOCHS - 1) every = step;
    let k = 0;
    for (let epoch = every; epoch <= whole && k < EPOCHS; epoch += every) this.epochUpdates[k++] = updateOf(epoch);
    if (k !== this.epochCount) this.epochsMoved = true;
    this.epochCount = k;
  }

  setWidth(pixels: number, pixelRatio: number): void {
    this.epochs.setSize((pixels + 5) * pixelRatio);
    this.tops.setSize((pixels + 1.5) * pixelRatio);
    this.cursor.setSize((pixels + 10) * pixelRatio);
    this.front.linewidth = pixels;
    this.behind.linewidth = 0.8 * pixels;
  }

  setResolution(width: number, height: number): void {
    this.front.resolution.set(width, height);
    this.behind.resolution.set(width, height);
  }

  /** New positions for all points. The morph begins where each moment of the run is drawn now. */
  setTarget(count: number, updates: Uint32Array, place: (index: number, out: Float32Array, at: number) => void): void {
    count = Math.min(count, MOST_POINTS);
    for (let i = 0; i < count; i++) {
      place(i, this.target, 3 * i);
      if (this.count === 0 || !this.positionAt(updates[i]!, this.from, 3 * i) || updates[i]! > this.updates[this.count - 1]!) {
        for (let k = 0; k < 3; k++) this.from[3 * i + k] = this.target[3 * i + k]!;
      }
    }
    this.updates = updates.slice(0, count);
    this.count = count;
  }

  morph(t: number): void {
    for (let i = 0; i < 3 * this.count; i++) this.shown[i] = this.from[i]! + (this.target[i]! - this.from[i]!) * t;
    this.epochsMoved = true;
    this.laid = 0;
  }

  /** World position at a moment, between two points on the straight line. False when there is none. */
  positionAt(update: number, out: Float32Array, at: number): boolean {
    const i = this.indexAt(update);
    if (i < 0) return false;
    const j = Math.min(i + 1, this.count - 1);
    const u0 = this.updates[i]!,
      u1 = this.updates[j]!;
    const t = u1 > u0 ? Math.min(1, (update - u0) / (u1 - u0)) : 0;
    for (let k = 0; k < 3; k++) out[at + k] = this.shown[3 * i + k]! + (this.shown[3 * j + k]! - this.shown[3 * i + k]!) * t;
    return true;
  }

  /** Marks a moment, also one beyond the playhead; not one that the path does not have yet, nor NaN. */
  drawCursor(update: number): void {
    const { array } = this.cursor;
    const known = update <= (this.updates[this.count - 1] ?? -1) && this.positionAt(update, array, 0) && Number.isFinite(array[1]!);
    if (!known) array.fill(NaN);
    this.cursor.show(known ? 1 : 0, known);
  }

  /** Last point at or before this update, −1 when there is none. */
  indexAt(update: number): number {
    let low = 0,
      high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.updates[middle]! <= update) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Lays the line up to this update. Points without a finite loss leave a gap. */
  draw(update: number): void {
    const last = this.indexAt(update);
    this.drawn = last >= 0;
    if (last < 0) return;
    const line = this.segments.array as Float32Array,
      { shown, before } = this;
    this.positionAt(update, tip, 0);
    // While the playhead moves on, only what is new is written: most of a path lies still.
    const first = Math.min(this.laid, last);
    let segments = before[first]!,
      length = segments > 0 ? line[8 * segments - 1]! : 0;
    for (let i = first; i <= last; i++) {
      before[i] = segments;
      const end = i < last ? 3 * (i + 1) : -1;
      const x = end < 0 ? tip[0]! : shown[end]!,
        y = end < 0 ? tip[1]! : shown[end + 1]!,
        z = end < 0 ? tip[2]! : shown[end + 2]!;
      const dx = x - shown[3 * i]!,
        dy = y - shown[3 * i + 1]!,
        dz = z - shown[3 * i + 2]!;
      const piece = Math.sqrt(dx * dx + dy * dy + dz * dz);
      if (!(piece >= 0)) continue;
      const k = 8 * segments++;
      line[k] = shown[3 * i]!;
      line[k + 1] = shown[3 * i + 1]!;
      line[k + 2] = shown[3 * i + 2]!;
      line[k + 3] = length;
      line[k + 4] = x;
      line[k + 5] = y;
      line[k + 6] = z;
      line[k + 7] = length += piece;
    }
    this.laid = last;
    this.geometry.instanceCount = segments;
    this.front.whole = this.behind.whole = length;
    this.upload(8 * before[first]!, 8 * segments);
    const placed = Number.isFinite(tip[1]!);
    this.head.visible = this.rim.visible = placed;
    if (placed) this.head.position.set(tip[0]!, tip[1]!, tip[2]!);
    this.rim.position.copy(this.head.position);
    this.leaves?.position.set(shown[0]!, shown[1]!, shown[2]!);
    this.drawEpochs(update);
    const end = this.endIndex;
    if (end >= 0) {
      this.end.position.set(shown[3 * end]!, shown[3 * end + 1]!, shown[3 * end + 2]!);
      // Where the run will end is no secret, but it is fainter until it is there.
      (this.end.material as MeshBasicMaterial).opacity = update >= this.updates[end]! ? 1 : 0.4;
    }
  }

  /** Notes that this part of the segments is new. What has not been drawn yet stays noted. */
  private upload(from: number, to: number): void {
    const { fresh, segments } = this;
    if (to <= from) return;
    if (segments.updateRanges.length > 0) {
      const end = Math.max(to, fresh.start + fresh.count);
      fresh.start = Math.min(from, fresh.start);
      fresh.count = end - fresh.start;
    } else {
      fresh.start = from;
      fresh.count = to - from;
      segments.updateRanges.push(fresh);
    }
    segments.needsUpdate = true;
  }

  /** The point where the run ended; of one that diverged the last that is still in the picture. */
  get endIndex(): number {
    let end = this.count - 1;
    if (this.ending !== "diverged") return end;
    const { shown } = this;
    while (
      end >= 0 &&
      !(
        Math.abs(shown[3 * end]!) < BOX.width * EDGE &&
        Math.abs(shown[3 * end + 2]!) < BOX.depth * EDGE &&
        Number.isFinite(shown[3 * end + 1]!)
      )
    )
      end--;
    return end;
  }

  private drawEpochs(update: number): void {
    const { array } = this.epochs;
    const moved = this.epochsMoved;
    if (moved) {
      for (let k = 0; k < this.epochCount; k++)
        if (!this.positionAt(this.epochUpdates[k]!, array, 3 * k)) array.fill(NaN, 3 * k, 3 * k + 3);
    }
    this.epochsMoved = false;
    let shown = 0;
    while (shown < this.epochCount && this.epochUpdates[shown]! <= update) shown++;
    this.epochs.show(shown, moved);
  }

  /** The markers keep their size on the screen. */
  scaleMarkers(camera: Camera, pixelsPerUnit: number, pixels: number): void {
    const size = (at: Mesh): number => (pixels / pixelsPerUnit) * camera.position.distanceTo(at.position as Vector3);
    this.head.scale.setScalar(size(this.head));
    this.rim.scale.setScalar(size(this.head) * 1.3);
    this.leaves?.scale.setScalar(size(this.leaves));
    this.leaves?.lookAt(camera.position);
    this.end.scale.setScalar(size(this.end));
    this.end.lookAt(camera.position);
  }

  private get ring(): MeshBasicMaterial[] {
    return this.leaves === null ? [] : [this.leaves.material as MeshBasicMaterial];
  }

  /** Lines from the points at their true loss to the slice beneath or above. */
  drawStems(on: boolean, update: number, heightAt: (x: number, z: number) => number): void {
    this.stems.visible = this.tops.root.visible = on;
    if (!on) return;
    const last = this.indexAt(update);
    const every = Math.max(1, Math.ceil((last + 1) / (STEMS - 1)));
    const { array } = this.stemPositions;
    let k = 0;
    for (let i = 0; i <= last; i += every)
      k = this.addStem(k, array as Float32Array, this.shown[3 * i]!, this.shown[3 * i + 1]!, this.shown[3 * i + 2]!, heightAt);
    if (this.head.visible)
      k = this.addStem(k, array as Float32Array, this.head.position.x, this.head.position.y, this.head.position.z, heightAt);
    this.stems.geometry.setDrawRange(0, 2 * k);
    this.stemPositions.needsUpdate = true;
    this.tops.show(k, true);
  }

  private addStem(k: number, out: Float32Array, x: number, y: number, z: number, heightAt: (x: number, z: number) => number): number {
    const foot = heightAt(x, z),
      { array } = this.tops;
    if (!Number.isFinite(foot) || !Number.isFinite(y) || k >= STEMS) return k;
    array[3 * k] = out[6 * k] = out[6 * k + 3] = x;
    array[3 * k + 1] = out[6 * k + 1] = y;
    out[6 * k + 4] = foot;
    array[3 * k + 2] = out[6 * k + 2] = out[6 * k + 5] = z;
    return k + 1;
  }

  dispose(): void {
    this.geometry.dispose();
    this.stems.geometry.dispose();
    this.epochs.dispose();
    this.cursor.dispose();
    this.tops.dispose();
    for (const material of [
      this.end.material as MeshBasicMaterial,
      this.front,
      this.behind,
      this.stems.material as LineBasicMaterial,
      this.head.material as MeshBasicMaterial,
      this.rim.material as MeshBasicMaterial,
      ...this.ring,
    ])
      material.dispose();
  }
}

const tip = new Float32Array(3);
