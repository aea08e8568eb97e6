/** The scene's panel: renderer, camera, landscape and words, drawn only when one of them has changed. */
import { Box3, Vector3, WebGLRenderer } from "three";
import { tr } from "../language.ts";
import { Change, type Mount, type Panel, type Stage } from "../stage.ts";
import { el, setText } from "../panels/dom.ts";
import { press, type Keys } from "../panels/keys.ts";
import { SceneCamera } from "./camera.ts";
import { Gizmo } from "./gizmo.ts";
import { GradientLegend } from "./gradient-legend.ts";
import { Gradients } from "./gradients.ts";
import { Landscape } from "./landscape.ts";
import { layOut, paneAt, type Pane } from "./panes.ts";
import { PaneLabels } from "./pane-labels.ts";
import { pick, project } from "./pick.ts";
import { compose, fileName, save } from "./picture.ts";
import { AxisLabels, caption, describe, stemText } from "./words.ts";

export const mountScene: Mount = (element, stage) => {
  const canvas = el("canvas", {
    tabindex: 0,
    role: "img",
    "aria-label": tr(
      "Loss landscape with the runs' paths. Arrow keys turn it, with Shift they move it, plus and minus zoom, Enter reads out one run's head after another.",
      "损失地形与各运行的轨迹。方向键旋转，按住 Shift 平移，加减号缩放，回车依次读出各运行的位置。",
    ),
  });
  let renderer: WebGLRenderer;
  try {
    renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true });
  } catch {
    element.append(
      el(
        "p",
        { class: "no-webgl" },
        tr(
          "This browser offers no WebGL 2, so the landscape cannot be drawn; charts, timeline and figures work without it.",
          "此浏览器不支持 WebGL 2，无法绘制损失地形；图表、时间线和数字仍可使用。",
        ),
      ),
    );
    return { wants: 0, draw() {} };
  }
  return new ScenePanel(stage, element, canvas, renderer);
};

/** Kinds of change after which something in the box may lie elsewhere. */
const CONTENT = ~(Change.camera | Change.size);

/** What keys do in the scene, beside those of its camera. */
export const SCENE_KEYS: Keys<{ readHead(): void }> = [
  { keys: ["Enter"], words: tr("read out one run's head after another", "依次读出各运行的位置"), act: (scene) => scene.readHead() },
];

class ScenePanel implements Panel {
  readonly wants =
    Change.manifest |
    Change.landscape |
    Change.moment |
    Change.runs |
    Change.theme |
    Change.view |
    Change.size |
    Change.camera |
    Change.data |
    Change.cursor;
  private readonly landscape: Landscape;
  private readonly gradients: Gradients;
  private readonly camera: SceneCamera;
  private readonly labels = new AxisLabels();
  private readonly gizmo: Gizmo;
  private readonly paneLabels = new PaneLabels();
  private readonly legend = new GradientLegend();
  /** A phone shows their beginning until they are tapped. */
  private readonly words = el("p", { class: "caption quiet", onclick: () => this.words.toggleAttribute("data-open") });
  private readonly tooltip = el("div", { class: "tooltip figures", hidden: true });
  private readonly readout = el("p", { class: "readout", role: "status" });
  private readonly stem = el("p", { class: "stem-label figures", hidden: true });
  private panes: Pane[] = [];
  private lineScale = 1;
  /** By the caption, and by the gradients' legend on it. */
  private readonly covered = { foot: 0, width: 0, height: 0 };
  private width = 0;
  private height = 0;
  private asked: number;
  private pointer: { x: number; y: number } | null = null;
  private pressed: { x: number; y: number } | null = null;
  /** Run whose head is read out by keyboard. */
  private reading = -1;
  private pictureDue = false;
  /** The cursor is where the pointer is on a path. */
  private shares = false;

  constructor(
    private readonly stage: Stage,
    private readonly element: HTMLElement,
    private readonly canvas: HTMLCanvasElement,
    private readonly renderer: WebGLRenderer,
  ) {
    this.landscape = new Landscape(stage);
    this.gradients = new Gradients(stage, this.landscape);
    this.landscape.scene.add(this.gradients.root);
    this.gizmo = new Gizmo(stage);
    this.asked = stage.cameraAsked;
    renderer.setClearAlpha(0);
    this.camera = new SceneCamera(canvas, {
      moved: () => stage.changed(Change.camera),
      taken: () => {
        // Whoever turns it has left the presets, and wants no easing.
        stage.setCamera("orbit");
        this.asked = stage.cameraAsked;
      },
      panned: () => stage.setFollow(false),
      still: () => stage.reducedMotion.matches,
    });
    stage.takePicture = () => {
      this.pictureDue = true;
      stage.changed(Change.camera);
    };
    stage.onScreen = (run, what) => {
      const at = what === "head" ? this.headAt(run) : this.cursorAt(run),
        { left, top } = canvas.getBoundingClientRect();
      return at && { x: left + at.x, y: top + at.y };
    };
    const over = el("div", { class: "scene-corner" }, this.legend.root, this.gizmo.root);
    element.append(
      canvas,
      this.paneLabels.root,
      this.labels.root,
      this.stem,
      el("div", { class: "scene-foot" }, over, this.words),
      this.tooltip,
      this.readout,
    );
    const observer = new ResizeObserver(() => stage.changed(Change.size));
    for (const watched of [element, this.words, this.legend.root, ...this.overhead()]) observer.observe(watched);
    canvas.addEventListener("pointermove", (event) => this.point(event));
    canvas.addEventListener("pointerleave", (event) => this.point(event.pointerType === "touch" ? event : null));
    canvas.addEventListener("pointerdown", ({ offsetX: x, offsetY: y }) => (this.pressed = { x, y }));
    canvas.addEventListener("pointerup", (event) => this.release(event));
    canvas.addEventListener("keydown", (event) => this.press(event));
    canvas.addEventListener("blur", () => this.point(null));
    canvas.addEventListener("webglcontextrestored", () => stage.changed(Change.all));
  }

  draw(changes: number, now: number): boolean {
    const { stage, landscape, camera, gradients } = this;
    if (changes & (Change.size | Change.theme)) this.resize();
    if (this.width === 0) return false;
    if (changes & (Change.size | Change.view | Change.runs | Change.manifest)) this.layOut();
    if (changes & Change.theme) landscape.setTheme();
    if (changes & (Change.landscape | Change.manifest | Change.view | Change.data)) landscape.update(now, changes);
    if (stage.cameraAsked !== this.asked) this.send(now);
    const content = (changes & CONTENT) !== 0;
    const morphing = landscape.draw(now, content);
    let moving = camera.ease(now);
    moving = camera.follow(stage.follow ? this.headToFollow() : null, now) || moving;
    gradients.draw(this.lineScale);
    camera.camera.updateMatrixWorld();
    stage.pose = camera.note();
    this.render();
    if (this.pictureDue) this.takePicture();
    const seen = moving || morphing || (changes & ~(Change.moment | Change.data)) !== 0;
    if (seen) this.gizmo.draw(stage, camera.camera, camera.lengthPerPixel(this.panes[0]!.height), landscape.grid?.region ?? null);
    this.legend.write(stage, gradients);
    const again = this.paneLabels.write(this.panes, stage, now);
    if (changes & ~(Change.moment | Change.camera)) {
      this.labels.write(stage, landscape);
      setText(this.words, caption(stage, landscape));
    }
    this.showStem();
    this.showTooltip();
    return moving || morphing || again;
  }

  /** One context, one scissor for each pane: its own paths on the same slice, under the same camera. */
  private render(): void {
    const {
      stage,
      landscape,
      camera: { camera },
      renderer,
      panes,
      gradients,
    } = this;
    const split = panes.length > 1,
      base = this.lineScale * (split ? 0.8 : 1),
      ratio = renderer.getPixelRatio();
    this.labels.place(
      camera,
      this.width,
      this.height,
      this.covered,
      !split && stage.overlays.has("axes") && landscape.surface.mesh.visible,
    );
    landscape.setCorner(this.labels.corner);
    renderer.setScissorTest(split);
    for (const pane of panes) {
      const pixelsPerUnit = pane.height / (2 * Math.tan((camera.fov * Math.PI) / 360));
      for (let run = 0; run < landscape.paths.length; run++) {
        const path = landscape.paths[run]!;
        path.group.visible = pane.runs.includes(run) && path.drawn;
        if (!path.group.visible) continue;
        path.setWidth((run === stage.selected ? 4 : 2.4) * base, ratio);
        path.setResolution(pane.width, pane.height);
        path.scaleMarkers(camera, pixelsPerUnit, (run === stage.selected ? 7.5 : 5.5) * base);
      }
      gradients.only(pane.runs);
      gradients.setResolution(pane.width, pane.height);
      renderer.setViewport(pane.x, this.height - pane.y - pane.height, pane.width, pane.height);
      if (split) renderer.setScissor(pane.x, this.height - pane.y - pane.height, pane.width, pane.height);
      renderer.render(landscape.scene, camera);
    }
  }

  private resize(): void {
    this.width = this.element.clientWidth;
    this.height = this.element.clientHeight;
    if (this.width === 0 || this.height === 0) return;
    // Lines are half as large again on a projector; the style sheet says when.
    this.lineScale = Number(getComputedStyle(document.documentElement).getPropertyValue("--line-scale")) || 1;
    this.renderer.setPixelRatio(Math.min(2, devicePixelRatio));
    this.renderer.setSize(this.width, this.height);
  }

  private layOut(): void {
    const { stage } = this;
    const runs = stage.manifest?.runs.filter((run) => !stage.hidden.has(run.index)) ?? [];
    const { root } = this.legend,
      half = 50; // of a label
    Object.assign(this.covered, {
      foot: this.words.offsetHeight + 18,
      width: root.offsetWidth && root.offsetLeft + root.offsetWidth + half,
      height: root.offsetHeight + 16,
    });
    const top = this.element.getBoundingClientRect().top;
    const over = stage.panes === "split" ? Math.max(0, ...this.overhead().map((node) => node.getBoundingClientRect().bottom - top)) + 6 : 0;
    const split = stage.panes === "split" && runs.length > 0;
    this.panes = layOut(runs, split, this.width, this.height, { top: over, bottom: split ? this.covered.foot : 0 });
    document.documentElement.toggleAttribute("data-split", this.panes.length > 1);
    const { width, height } = this.panes[0]!;
    this.camera.setAspect(width / height);
    this.paneLabels.place(this.panes, stage);
    if (this.panes.length > 1) {
      // what lay between the panes before
      this.renderer.setScissorTest(false);
      this.renderer.clear();
    }
  }

  /** What the page has laid over the top of the scene: title, controls, legend. */
  private overhead(): HTMLElement[] {
    return [...(this.element.parentElement?.querySelectorAll<HTMLElement>(".scene-head, .legend-place") ?? [])];
  }

  private send(now: number): void {
    const { stage, camera } = this;
    this.asked = stage.cameraAsked;
    if (stage.poseAsked !== null) camera.go(stage.poseAsked, now);
    else if (stage.cameraView !== "orbit") camera.look(stage.cameraView, now, this.bounds());
  }

  private readonly box = new Box3();

  /** What the selected run's path, or all that are shown, cover up to the playhead. */
  private bounds(): { centre: Vector3; radius: number } | null {
    const { stage, landscape, box } = this,
      point = new Vector3();
    box.makeEmpty();
    landscape.paths.forEach((path, run) => {
      if (stage.hidden.has(run) || (stage.selected >= 0 && stage.selected !== run)) return;
      const last = path.indexAt(stage.drawn[run]!.update);
      for (let i = 0; i <= last; i++) {
        point.fromArray(path.shown, 3 * i);
        if (Number.isFinite(point.y)) box.expandByPoint(point);
      }
    });
    if (box.isEmpty()) return null;
    return { centre: box.getCenter(new Vector3()), radius: Math.max(0.06, box.getSize(point).length() / 2) };
  }

  private headToFollow(): Vector3 | null {
    const run = this.stage.selected >= 0 ? this.stage.selected : (this.stage.stepRun?.index ?? -1);
    const path = this.landscape.paths[run];
    return path?.head.visible ? path.head.position : null;
  }

  private takePicture(): void {
    this.pictureDue = false;
    const ratio = this.renderer.getPixelRatio();
    this.renderer.setPixelRatio(Math.max(2, ratio)); // sharp in print, whatever the screen
    this.render();
    const picture = compose(this.canvas, this.element.parentElement ?? this.element, this.stage);
    this.renderer.setPixelRatio(ratio);
    this.render();
    save(picture, fileName(this.stage));
  }

  private point(event: PointerEvent | null): void {
    this.pointer = event === null || event.buttons !== 0 ? null : { x: event.offsetX, y: event.offsetY };
    if (this.reading >= 0) setText(this.readout, "");
    this.reading = -1;
    this.share(this.hit());
    this.stage.changed(Change.camera);
  }

  /** A press without a drag selects the run whose path it is on. */
  private release(event: PointerEvent): void {
    const { pressed } = this;
    this.pressed = null;
    this.point(event);
    if (pressed === null || event.button !== 0 || Math.hypot(event.offsetX - pressed.x, event.offsetY - pressed.y) > 4) return;
    const hit = this.hit();
    if (hit !== null && hit.run >= 0 && hit.run !== this.stage.selected) this.stage.select(hit.run);
  }

  private press(event: KeyboardEvent): void {
    if (press(SCENE_KEYS, event, this)) event.preventDefault();
  }

  /** The next head that is shown. */
  readHead(): void {
    const { stage } = this,
      count = stage.manifest?.runs.length ?? 0;
    for (let tries = 0; tries < count; tries++) {
      this.reading = (this.reading + 1) % count;
      if (!stage.hidden.has(this.reading) && this.landscape.paths[this.reading]?.head.visible) break;
    }
    stage.changed(Change.camera);
  }

  private hit(): ReturnType<typeof pick> {
    const { pointer } = this,
      pane = pointer && paneAt(this.panes, pointer.x, pointer.y);
    return pane ? pick(this.landscape, this.stage, this.camera.camera, pointer.x - pane.x, pointer.y - pane.y, pane) : null;
  }

  private showTooltip(): void {
    const { tooltip } = this;
    if (this.reading >= 0) this.pointer = this.headAt(this.reading); // the head that the keyboard is at, wherever it moves
    const { pointer } = this,
      hit = pointer && this.hit();
    tooltip.hidden = !hit;
    if (!hit || !pointer) return;
    const lines = describe(hit, this.stage);
    setText(tooltip, lines.join("\n"));
    if (this.reading >= 0) setText(this.readout, lines.slice(0, 3).join(", "));
    const right = pointer.x > this.width - 200;
    tooltip.style.transform = `translate(${pointer.x + (right ? -14 : 14)}px, ${Math.min(pointer.y + 14, this.height - 150)}px) translateX(${right ? -100 : 0}%)`;
  }

  /** The moment of a path that the pointer is on is the charts' cursor, too. */
  private share(hit: ReturnType<typeof pick>): void {
    const { stage } = this,
      points = hit !== null && (hit.kind === "point" || hit.kind === "end");
    if (points || this.shares) stage.setCursor(points ? stage.clocks[hit.run]!.toAxis(stage.axis, hit.update) : null);
    this.shares = points;
  }

  /** Where a run's head is drawn, from the canvas' upper left corner. */
  private headAt(run: number): { x: number; y: number } | null {
    const path = this.landscape.paths[run];
    return path?.drawn && path.head.visible ? this.placeOf(run, path.head.position) : null;
  }

  /** Where the cursor's mark is drawn on a run's path. */
  private cursorAt(run: number): { x: number; y: number } | null {
    const path = this.landscape.paths[run],
      at = path?.drawn ? path.cursor.array : [NaN];
    return Number.isNaN(at[0]) ? null : this.placeOf(run, new Vector3().fromArray(at));
  }

  private placeOf(run: number, position: Vector3): { x: number; y: number } | null {
    const pane = this.panes.find(({ runs }) => runs.includes(run));
    const at = pane && project(position, this.camera.camera, pane);
    return at && pane ? { x: pane.x + at.x, y: pane.y + at.y } : null;
  }

  private showStem(): void {
    const { stage, stem } = this;
    const at = stage.overlays.has("stems") && stage.selected >= 0 ? this.headAt(stage.selected) : null;
    stem.hidden = at === null;
    if (at === null) return;
    setText(stem, stemText(stage, this.landscape, stage.selected));
    stem.style.transform = `translate(${at.x.toFixed(1)}px, ${(at.y - 16).toFixed(1)}px) translate(-50%, -100%)`;
  }
}
