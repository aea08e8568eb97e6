/** Which way the axes point and how long a unit is, in a corner; press an axis to look along it. */
import { Vector3, type Camera } from "three";
import { niceStep, short } from "../format.ts";
import { tr } from "../language.ts";
import { el, setAttribute, setText, svg } from "../panels/dom.ts";
import type { CameraView, Stage } from "../stage.ts";
import { BOX } from "./surface.ts";

const REACH = 34,
  CENTRE = 48,
  BAR = 90;
const AXES: readonly { view: CameraView; name: string; label: string; along: Vector3 }[] = [
  {
    view: "x",
    name: "x",
    label: tr("Look along x: y to the right, loss upwards", "沿 x 轴看：y 向右，损失向上"),
    along: new Vector3(1, 0, 0),
  },
  {
    view: "y",
    name: "y",
    label: tr("Look along y: x to the right, loss upwards", "沿 y 轴看：x 向右，损失向上"),
    along: new Vector3(0, 0, -1),
  },
  {
    view: "top",
    name: tr("loss", "损失"),
    label: tr("Look from the top, down the axis of loss", "沿损失轴从上往下看"),
    along: new Vector3(0, 1, 0),
  },
];
const at = new Vector3();

export class Gizmo {
  readonly root = el("div", { class: "gizmo", role: "group", "aria-label": tr("Axes", "坐标轴") });
  private readonly lines = AXES.map(() => svg("line", { x1: CENTRE, y1: CENTRE }));
  private readonly buttons: HTMLButtonElement[];
  private readonly bar = el("i", {});
  private readonly length = el("span", {});
  private readonly scale = el(
    "div",
    {
      class: "scale-bar figures",
      title: tr(
        "A length on the plane, at the middle of the view, in the plane's units (distance between weights)",
        "平面上的一段长度（在视图中心处），以平面的单位计（权重之间的距离）",
      ),
    },
    this.length,
    this.bar,
  );
  private unit = 0;
  private region: readonly number[] | null = null;

  constructor(stage: Stage) {
    this.buttons = AXES.map(({ view, name, label }) =>
      el("button", { type: "button", "aria-label": label, title: label, "data-axis": view, onclick: () => stage.setCamera(view) }, name),
    );
    this.root.append(
      el(
        "div",
        { class: "axes" },
        svg("svg", { viewBox: `0 0 ${2 * CENTRE} ${2 * CENTRE}`, "aria-hidden": "true" }, ...this.lines),
        ...this.buttons,
      ),
      this.scale,
    );
  }

  draw(stage: Stage, camera: Camera, lengthPerPixel: number, region: readonly [number, number, number, number] | null): void {
    this.root.hidden = !stage.overlays.has("axes") || region === null;
    if (this.root.hidden) return;
    AXES.forEach(({ along }, i) => {
      at.copy(along).transformDirection(camera.matrixWorldInverse);
      const x = CENTRE + REACH * at.x,
        y = CENTRE - REACH * at.y;
      setAttribute(this.lines[i]!, "x2", x.toFixed(1));
      setAttribute(this.lines[i]!, "y2", y.toFixed(1));
      const button = this.buttons[i]!;
      button.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px) translate(-50%, -50%)`;
      button.style.zIndex = at.z > 0 ? "1" : "0"; // what points at the viewer lies above
    });
    const [x0, x1, y0, y1] = region!;
    const pixelsPerUnit = BOX.width / (x1 - x0) / lengthPerPixel,
      unit = floorStep(BAR / pixelsPerUnit);
    this.bar.style.width = `${(unit * pixelsPerUnit).toFixed(1)}px`;
    if (unit === this.unit && region === this.region) return;
    this.unit = unit;
    this.region = region;
    // Where the box stretches the axes unlike, the bar is true of x only, and says so.
    const even = Math.abs(BOX.width / (x1 - x0) / (BOX.depth / (y1 - y0)) - 1) < 0.02;
    setText(this.length, even ? short(unit) : tr(`${short(unit)} along x`, `沿 x ${short(unit)}`));
  }
}

/** The largest 1, 2 or 5 times a power of ten that is not above. */
function floorStep(most: number): number {
  const step = niceStep(most, 1);
  if (step <= most) return step;
  const lower = niceStep(most / 2, 1);
  return lower <= most ? lower : niceStep(most / 4, 1);
}
