/**
 * Orbiting camera: pointer, touch, wheel and keys; presets, a run that is followed and other people's poses are reached by
 * easing, never by a jump. One camera serves all panes, which share one shape.
 */
import { PerspectiveCamera, Spherical, Vector3 } from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
import { tr } from "../language.ts";
import { press, type Keys } from "../panels/keys.ts";
import type { CameraView, Pose } from "../stage.ts";
import { BOX } from "./surface.ts";

const EASE = 250;
/** Milliseconds after which a followed head is nearer by a factor of e. */
const LAG = 160;
/** A little above the middle of the box: the title lies over the upper edge of the picture. */
const CENTRE = new Vector3(0, 0.26 * BOX.height, 0);
const FLAT = 0.49 * Math.PI;

/** What the camera tells. */
export interface Listener {
  moved(): void;
  /** The viewer has taken it. */
  taken(): void;
  /** They have moved its target. */
  panned(): void;
  still(): boolean;
}

/** Radians, pixels and share of the distance of one press. */
const TURN = 0.08,
  FAR = 24,
  NEARER = 1 / 1.1;

interface Turned {
  /** To the right and upwards, −1 to 1. */
  turn(x: number, y: number): void;
  pan(x: number, y: number): void;
  dolly(by: 1 | -1): void;
}

const WAYS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};
const ARROWS = Object.keys(WAYS),
  SHIFTED = ARROWS.map((key) => `Shift+${key}`);

/** What keys do to the camera while the scene has the focus. */
export const CAMERA_KEYS: Keys<Turned> = [
  { keys: ARROWS, words: tr("turn", "旋转"), act: (camera, key) => camera.turn(...WAYS[key]!) },
  { keys: SHIFTED, shown: ["Shift+←↑→↓"], words: tr("move", "平移"), act: (camera, key) => camera.pan(...WAYS[key.slice(6)]!) },
  { keys: ["+", "-"], also: ["="], words: tr("closer, farther", "拉近、拉远"), act: (camera, key) => camera.dolly(key === "-" ? -1 : 1) },
];

export class SceneCamera {
  readonly camera = new PerspectiveCamera(30, 1, 0.02, 60);
  readonly pose: Pose = { x: 0, y: 0, z: 0, distance: 1, phi: 0, theta: 0 };
  private readonly controls: OrbitControls;
  private readonly now = new Spherical();
  private readonly from = new Spherical();
  private readonly goal = new Spherical();
  private readonly fromTarget = new Vector3();
  private readonly goalTarget = new Vector3();
  private readonly grabbed = new Vector3();
  private readonly step = new Vector3();
  private startedAt = -1;
  private followedAt = -1;
  private held = false;
  private aspect = 1;

  constructor(
    canvas: HTMLElement,
    private readonly listener: Listener,
  ) {
    this.controls = new OrbitControls(this.camera, canvas);
    this.controls.enableDamping = false;
    this.controls.minDistance = 0.25;
    this.controls.maxDistance = 14;
    this.controls.maxPolarAngle = Math.PI * 0.495;
    this.controls.target.copy(CENTRE);
    this.camera.position.setFromSpherical(this.preset("reset", this.now, this.goalTarget)).add(CENTRE);
    this.controls.update();
    this.controls.addEventListener("change", () => listener.moved());
    this.controls.addEventListener("start", () => {
      this.held = true;
      this.grabbed.copy(this.controls.target);
      this.take();
    });
    this.controls.addEventListener("end", () => {
      this.held = false;
      if (this.grabbed.distanceTo(this.controls.target) > 1e-3) listener.panned();
    });
    canvas.addEventListener("keydown", (event) => this.press(event));
  }

  /** Of the panes. What is seen stays as large, whatever the shape. */
  setAspect(aspect: number): void {
    const before = this.home();
    this.aspect = aspect;
    this.camera.aspect = aspect;
    this.camera.updateProjectionMatrix();
    this.controls.dollyIn(1); // keeps the controls' own idea of the zoom
    const factor = this.home() / before;
    if (Math.abs(factor - 1) < 1e-6) return;
    this.camera.position.sub(this.controls.target).multiplyScalar(factor).add(this.controls.target);
    this.controls.update();
  }

  /** Eases to a preset; "frame" fits what `bounds` encloses and keeps the direction. */
  look(view: CameraView, now: number, bounds: { centre: Vector3; radius: number } | null): void {
    this.begin(now);
    if (view === "frame" && bounds !== null) {
      this.goal.copy(this.from);
      const half = (this.camera.fov * Math.PI) / 360;
      this.goal.radius = Math.max(this.controls.minDistance, (1.15 * bounds.radius) / Math.sin(half) / Math.min(1, this.aspect));
      this.goalTarget.copy(bounds.centre);
    } else this.preset(view === "frame" ? "reset" : view, this.goal, this.goalTarget);
    this.shortWay();
  }

  /** Eases to where another camera was. */
  go({ x, y, z, distance, phi, theta }: Pose, now: number): void {
    this.begin(now);
    this.goal.set(distance * this.home(), phi, theta);
    this.goalTarget.set(x, y, z);
    this.shortWay();
  }

  private begin(now: number): void {
    this.from.setFromVector3(this.camera.position.clone().sub(this.controls.target));
    this.fromTarget.copy(this.controls.target);
    this.startedAt = this.listener.still() ? now - EASE : now;
  }

  private shortWay(): void {
    while (this.goal.theta - this.from.theta > Math.PI) this.from.theta += 2 * Math.PI;
    while (this.from.theta - this.goal.theta > Math.PI) this.from.theta -= 2 * Math.PI;
  }

  /** Moves an easing on; true while it goes on. */
  ease(now: number): boolean {
    if (this.startedAt < 0) return false;
    const t = Math.min(1, Math.max(0, (now - this.startedAt) / EASE));
    const s = t * t * (3 - 2 * t);
    this.now.set(
      mix(this.from.radius, this.goal.radius, s),
      mix(this.from.phi, this.goal.phi, s),
      mix(this.from.theta, this.goal.theta, s),
    );
    this.controls.target.lerpVectors(this.fromTarget, this.goalTarget, s);
    this.camera.position.setFromSpherical(this.now).add(this.controls.target);
    this.controls.update();
    if (t >= 1) this.startedAt = -1;
    return t < 1;
  }

  /** Draws the target towards a head; null where nobody is followed. True while it is not there yet. */
  follow(head: Vector3 | null, now: number): boolean {
    const since = this.followedAt < 0 ? 16 : Math.min(100, now - this.followedAt);
    this.followedAt = -1;
    if (head === null || this.held || this.startedAt >= 0 || !Number.isFinite(head.y)) return false;
    this.step
      .copy(head)
      .sub(this.controls.target)
      .multiplyScalar(this.listener.still() ? 1 : 1 - Math.exp(-since / LAG));
    if (this.step.length() < 2e-4) return false;
    this.followedAt = now;
    this.controls.target.add(this.step);
    this.camera.position.add(this.step);
    this.controls.update();
    return true;
  }

  /** Writes down where it is. */
  note(): Pose {
    const {
      pose,
      now,
      controls: { target },
    } = this;
    now.setFromVector3(this.step.copy(this.camera.position).sub(target));
    pose.x = target.x;
    pose.y = target.y;
    pose.z = target.z;
    pose.distance = now.radius / this.home();
    pose.phi = now.phi;
    pose.theta = now.theta;
    return pose;
  }

  /** Length that a pixel covers at the target. */
  lengthPerPixel(height: number): number {
    return (2 * Math.tan((this.camera.fov * Math.PI) / 360) * this.camera.position.distanceTo(this.controls.target)) / height;
  }

  /** An easing ends where the viewer takes over. */
  private take(): void {
    this.startedAt = -1;
    this.listener.taken();
  }

  private preset(view: CameraView, out: Spherical, target: Vector3): Spherical {
    target.copy(CENTRE);
    if (view === "top") return out.set(1.12 * this.home(), 0.001, 0);
    if (view === "x") return out.set(this.home(), FLAT, Math.PI / 2);
    if (view === "y") return out.set(this.home(), FLAT, 0);
    return out.set(this.home(), 0.98, 0.55);
  }

  /** A distance from which the whole box is seen, whatever the shape of the window. */
  private home(): number {
    return 5.3 * Math.max(1, 1.4 / this.aspect);
  }

  private readonly keys: Turned = {
    turn: (x, y) => {
      this.controls.rotateLeft(-TURN * x);
      this.controls.rotateUp(TURN * y);
    },
    pan: (x, y) => {
      this.controls.pan(-FAR * x, FAR * y);
      this.listener.panned();
    },
    dolly: (by) => (by > 0 ? this.controls.dollyIn(NEARER) : this.controls.dollyOut(NEARER)),
  };

  private press(event: KeyboardEvent): void {
    if (!press(CAMERA_KEYS, event, this.keys)) return;
    event.preventDefault();
    event.stopPropagation();
    this.take();
  }
}

const mix = (a: number, b: number, t: number): number => a + (b - a) * t;
