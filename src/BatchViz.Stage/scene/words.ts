/** The words on the picture: caption, axis labels, tooltip. */
import { Vector3, type Camera } from "three";
import { figure, percent, short, whole } from "../format.ts";
import { el, setText } from "../panels/dom.ts";
import type { Stage } from "../stage.ts";
import type { Landscape } from "./landscape.ts";
import type { Hit } from "./pick.ts";
import { BOX } from "./surface.ts";

/** Says which slice this is: what a reader must know before believing the picture. */
export function caption(stage: Stage, landscape: Landscape): string {
  const { manifest } = stage;
  const { scale, grid } = landscape;
  const plane = grid && stage.planes.get(grid.plane);
  if (manifest === null || !plane || scale === null) return "";
  const parts: string[] = [];
  const explained = plane.explained === null ? "" : `, ${percent(plane.explained, 0)} of the variance${plane.explainedByRandomWalk === null ? "" : ` (a random walk: ${percent(plane.explainedByRandomWalk, 0)})`}`;
  // A formula keeps its small letter.
  const title = plane.title.startsWith("f(") ? plane.title : plane.title.charAt(0).toUpperCase() + plane.title.slice(1);
  parts.push(title + explained);
  parts.push(`height: loss on ${whole(manifest.evaluation.examples)} ${manifest.evaluation.split === "train" ? "training" : manifest.evaluation.split} examples, ${scale.log ? "log" : stage.lossScale === "log" ? "linear (it goes below zero)" : "linear"} scale`);
  parts.push(plane.exact ? "slice exact" : "paths at their true loss, off the slice");
  parts.push(scale.log ? `contour every ×${scale.step}` : `contour every ${figure(scale.step)}`);
  if (scale.clipped) parts.push(`losses above ${figure(scale.high)} are drawn at the top${scale.hatched ? ", hatched" : ""}`);
  if (stage.store.plane !== 0 && grid.plane !== stage.store.plane) parts.push("a new plane is being computed");
  return parts.join(" · ");
}

const at = new Vector3();

/** Labels at the edges that face the viewer, and the height's at the corner that stands out to the left. */
export class AxisLabels {
  readonly root = el("div", { class: "axis-labels", "aria-hidden": "true" });
  /** Corner of the height axis, as signs of x and z. */
  readonly corner: [number, number] = [-1, -1];
  private readonly items = Array.from({ length: 8 }, () => this.root.appendChild(el("span")));

  write(stage: Stage, landscape: Landscape): void {
    const { scale, grid } = landscape;
    const plane = grid && stage.planes.get(grid.plane);
    if (!plane || scale === null) return;
    const [x0, x1, y0, y1] = grid.region;
    const texts = [plane.xLabel, short(x0), short(x1), plane.yLabel, short(y0), short(y1), `loss ${figure(scale.high)}`, figure(scale.low)];
    this.items.forEach((node, i) => setText(node, texts[i]!));
  }

  place(camera: Camera, width: number, height: number, visible: boolean): void {
    this.root.hidden = !visible;
    if (!visible) return;
    const w = BOX.width / 2, d = BOX.depth / 2, out = 0.1;
    const front = camera.position.z >= 0 ? 1 : -1, side = camera.position.x >= 0 ? 1 : -1;
    let leftmost = Infinity;
    for (const sx of [-1, 1]) {
      for (const sz of [-1, 1]) {
        const x = at.set(sx * w, 0, sz * d).project(camera).x;
        if (x >= leftmost) continue;
        leftmost = x;
        this.corner[0] = sx;
        this.corner[1] = sz;
      }
    }
    const [cx, cz] = this.corner;
    const fromTop = camera.position.y > 5 * Math.hypot(camera.position.x, camera.position.z);
    this.put(0, 0, 0, front * (d + 2 * out), camera, width, height);
    this.put(1, -0.94 * w, 0, front * (d + out), camera, width, height);
    this.put(2, 0.94 * w, 0, front * (d + out), camera, width, height);
    this.put(3, side * (w + 2 * out), 0, 0, camera, width, height);
    this.put(4, side * (w + out), 0, 0.94 * d, camera, width, height);
    this.put(5, side * (w + out), 0, -0.94 * d, camera, width, height);
    this.put(6, cx * w, BOX.height + 0.6 * out, cz * d, camera, width, height);
    this.put(7, cx * (w + 0.5 * out), 0.08 * BOX.height, cz * (d + 0.5 * out), camera, width, height);
    if (fromTop) this.items[6]!.hidden = this.items[7]!.hidden = true;
  }

  private put(item: number, x: number, y: number, z: number, camera: Camera, width: number, height: number): void {
    at.set(x, y, z).project(camera);
    const node = this.items[item]!, down = (0.5 - at.y / 2) * height;
    node.hidden = down > height - 48; // there the caption is
    node.style.transform = `translate(${((0.5 + at.x / 2) * width).toFixed(1)}px, ${down.toFixed(1)}px) translate(-50%, -50%)`;
  }
}

export function describe(hit: Hit, stage: Stage): string[] {
  if (hit.point < 0) return ["slice", `loss ${figure(hit.loss)}`, `x ${figure(hit.x)}, y ${figure(hit.y)}`];
  const run = stage.manifest!.runs[hit.run]!;
  const { points } = stage.store.runs[hit.run]!;
  const i = hit.point;
  return [
    stage.labels[run.index]!,
    `after ${whole(points.updates[i]!)} updates`,
    `loss ${figure(points.value(i, 2))}`,
    `x ${figure(points.value(i, 0))}, y ${figure(points.value(i, 1))}`,
    `${figure(points.value(i, 3))} off the plane`,
  ];
}
