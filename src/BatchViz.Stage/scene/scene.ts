/** The scene's panel: renderer, camera, landscape and words, drawn only when one of them has changed. */
import { WebGLRenderer } from "three";
import { Change, type Mount, type Panel, type Stage } from "../stage.ts";
import { el, setText } from "../panels/dom.ts";
import { SceneCamera } from "./camera.ts";
import { Landscape } from "./landscape.ts";
import { pick } from "./pick.ts";
import { AxisLabels, caption, describe } from "./words.ts";

export const mountScene: Mount = (element, stage) => {
  const canvas = el("canvas", { tabindex: 0, role: "img", "aria-label": "Loss landscape with the runs' paths. Arrow keys turn it, plus and minus zoom." });
  const words = el("p", { class: "caption quiet" });
  const tooltip = el("div", { class: "tooltip figures", hidden: true });
  const labels = new AxisLabels();
  let renderer: WebGLRenderer;
  try {
    renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true });
  } catch {
    element.append(el("p", { class: "no-webgl" }, "This browser offers no WebGL 2, so the landscape cannot be drawn; charts, timeline and figures work without it."));
    return { wants: 0, draw() {} };
  }
  element.append(canvas, labels.root, words, tooltip);
  return new ScenePanel(stage, element, canvas, renderer, labels, words, tooltip);
};

class ScenePanel implements Panel {
  readonly wants = Change.manifest | Change.landscape | Change.moment | Change.runs | Change.theme | Change.view | Change.size | Change.camera | Change.data;
  private readonly landscape: Landscape;
  private readonly camera: SceneCamera;
  private lineScale = 1;
  private width = 0;
  private height = 0;
  private view: string;
  private pointer: { x: number; y: number } | null = null;

  constructor(
    private readonly stage: Stage, private readonly element: HTMLElement, canvas: HTMLCanvasElement,
    private readonly renderer: WebGLRenderer, private readonly labels: AxisLabels, private readonly words: HTMLElement, private readonly tooltip: HTMLElement,
  ) {
    this.landscape = new Landscape(stage);
    this.view = stage.cameraView;
    renderer.setClearAlpha(0);
    this.camera = new SceneCamera(canvas, () => stage.changed(Change.camera), () => {
      this.view = "orbit"; // whoever turns it has left the presets, and wants no easing
      stage.setCamera("orbit");
    }, () => stage.reducedMotion.matches);
    new ResizeObserver(() => stage.changed(Change.size)).observe(element);
    canvas.addEventListener("pointermove", (event) => this.point(event));
    canvas.addEventListener("pointerleave", () => this.point(null));
    canvas.addEventListener("webglcontextrestored", () => stage.changed(Change.all));
  }

  draw(changes: number, now: number): boolean {
    const { stage, landscape } = this;
    if (changes & (Change.size | Change.theme)) this.resize();
    if (this.width === 0) return false;
    if (changes & Change.theme) landscape.setTheme();
    if (changes & (Change.landscape | Change.manifest | Change.view)) landscape.update(now);
    if (changes & Change.view && stage.cameraView !== this.view) {
      this.camera.look(stage.cameraView, now);
      this.view = stage.cameraView;
    }
    const easing = this.camera.ease(now);
    const morphing = landscape.draw(now, (changes & ~(Change.camera | Change.size)) !== 0);
    const base = this.lineScale;
    landscape.paths.forEach((path, run) => {
      path.setWidth((run === stage.selected ? 4 : 2.4) * base);
      path.scaleMarkers(this.camera.camera, this.pixelsPerUnit(), (run === stage.selected ? 7.5 : 5.5) * base);
    });
    this.camera.camera.updateMatrixWorld();
    this.labels.place(this.camera.camera, this.width, this.height, landscape.surface.mesh.visible);
    landscape.setCorner(this.labels.corner);
    this.renderer.render(landscape.scene, this.camera.camera);
    this.labels.write(stage, landscape);
    setText(this.words, caption(stage, landscape));
    this.showTooltip();
    return easing || morphing;
  }

  private resize(): void {
    this.width = this.element.clientWidth;
    this.height = this.element.clientHeight;
    if (this.width === 0 || this.height === 0) return;
    // Lines are half as large again on a projector; the style sheet says when.
    this.lineScale = Number(getComputedStyle(document.documentElement).getPropertyValue("--line-scale")) || 1;
    this.renderer.setPixelRatio(Math.min(2, devicePixelRatio));
    this.renderer.setSize(this.width, this.height);
    this.camera.setAspect(this.width / this.height);
    this.landscape.setResolution(this.width, this.height);
  }

  /** Pixels that a unit of length covers at a distance of one. */
  private pixelsPerUnit(): number {
    return this.height / (2 * Math.tan((this.camera.camera.fov * Math.PI) / 360));
  }

  private point(event: PointerEvent | null): void {
    this.pointer = event === null || event.buttons !== 0 ? null : { x: event.offsetX, y: event.offsetY };
    this.stage.changed(Change.camera);
  }

  private showTooltip(): void {
    const { pointer, tooltip } = this;
    const hit = pointer && pick(this.landscape, this.stage, this.camera.camera, pointer.x, pointer.y, this.width, this.height);
    tooltip.hidden = !hit;
    if (!hit || !pointer) return;
    setText(tooltip, describe(hit, this.stage).join("\n"));
    const right = pointer.x > this.width - 200;
    tooltip.style.transform = `translate(${pointer.x + (right ? -14 : 14)}px, ${Math.min(pointer.y + 14, this.height - 120)}px) translateX(${right ? -100 : 0}%)`;
  }
}
