/** Orbiting camera: pointer, touch, wheel and keys; presets are reached by easing, never by a jump. */
import { PerspectiveCamera, Spherical, Vector3 } from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
import type { CameraView } from "../stage.ts";
import { BOX } from "./surface.ts";

const EASE = 250;
/** A little above the middle of the box: the title lies over the upper edge of the picture. */
const CENTRE = new Vector3(0, 0.26 * BOX.height, 0);

export class SceneCamera {
  readonly camera = new PerspectiveCamera(30, 1, 0.05, 50);
  private readonly controls: OrbitControls;
  private readonly now = new Spherical();
  private readonly from = new Spherical();
  private readonly goal = new Spherical();
  private readonly fromTarget = new Vector3();
  private startedAt = -1;
  private aspect = 1;

  /** `moved` is called for every change, `taken` when the viewer has taken the camera. */
  constructor(canvas: HTMLElement, moved: () => void, private readonly taken: () => void, private readonly still: () => boolean) {
    this.controls = new OrbitControls(this.camera, canvas);
    this.controls.enableDamping = false;
    this.controls.minDistance = 0.4;
    this.controls.maxDistance = 14;
    this.controls.maxPolarAngle = Math.PI * 0.495;
    this.controls.target.copy(CENTRE);
    this.camera.position.setFromSpherical(this.preset("reset", this.now)).add(CENTRE);
    this.controls.update();
    this.controls.addEventListener("change", moved);
    this.controls.addEventListener("start", () => this.take());
    canvas.addEventListener("keydown", (event) => this.press(event));
  }

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

  look(view: CameraView, now: number): void {
    this.from.setFromVector3(this.camera.position.clone().sub(this.controls.target));
    this.fromTarget.copy(this.controls.target);
    this.preset(view, this.goal);
    // The short way round.
    while (this.goal.theta - this.from.theta > Math.PI) this.from.theta += 2 * Math.PI;
    while (this.from.theta - this.goal.theta > Math.PI) this.from.theta -= 2 * Math.PI;
    this.startedAt = this.still() ? now - EASE : now;
  }

  /** Moves an easing on; true while it goes on. */
  ease(now: number): boolean {
    if (this.startedAt < 0) return false;
    const t = Math.min(1, Math.max(0, (now - this.startedAt) / EASE));
    const s = t * t * (3 - 2 * t);
    this.now.set(mix(this.from.radius, this.goal.radius, s), mix(this.from.phi, this.goal.phi, s), mix(this.from.theta, this.goal.theta, s));
    this.controls.target.lerpVectors(this.fromTarget, CENTRE, s);
    this.camera.position.setFromSpherical(this.now).add(this.controls.target);
    this.controls.update();
    if (t >= 1) this.startedAt = -1;
    return t < 1;
  }

  /** An easing ends where the viewer takes over. */
  private take(): void {
    this.startedAt = -1;
    this.taken();
  }

  private preset(view: CameraView, out: Spherical): Spherical {
    if (view === "top") return out.set(1.12 * this.home(), 0.001, 0);
    return out.set(this.home(), 0.98, 0.55);
  }

  /** A distance from which the whole box is seen, whatever the shape of the window. */
  private home(): number {
    return 5.3 * Math.max(1, 1.4 / this.aspect);
  }

  private press(event: KeyboardEvent): void {
    const turn = 0.08;
    switch (event.key) {
      case "ArrowLeft": this.controls.rotateLeft(turn); break;
      case "ArrowRight": this.controls.rotateLeft(-turn); break;
      case "ArrowUp": this.controls.rotateUp(turn); break;
      case "ArrowDown": this.controls.rotateUp(-turn); break;
      case "+": case "=": this.controls.dollyIn(1.1); break;
      case "-": this.controls.dollyOut(1.1); break;
      default: return;
    }
    event.preventDefault();
    event.stopPropagation();
    this.take();
  }
}

const mix = (a: number, b: number, t: number): number => a + (b - a) * t;
