/** The words on the picture: caption, axis labels, tooltip. */
import { Vector3, type Camera } from "three";
import { figure, percent, short, whole } from "../format.ts";
import { tr } from "../language.ts";
import { evaluated } from "../mode.ts";
import { el, setText } from "../panels/dom.ts";
import { planeAxes, planeTitle } from "../plane.ts";
import type { Stage } from "../stage.ts";
import type { Landscape } from "./landscape.ts";
import { sample } from "./heights.ts";
import type { Hit } from "./pick.ts";
import { BOX } from "./surface.ts";

/** Says which slice this is: what a reader must know before believing the picture. */
export function caption(stage: Stage, landscape: Landscape): string {
  const { manifest } = stage;
  const { scale, grid } = landscape;
  const plane = grid && stage.planes.get(grid.plane);
  if (manifest === null || !plane || scale === null) return "";
  const parts: string[] = [];
  const walk =
    plane.explainedByRandomWalk === null
      ? ""
      : tr(` (a random walk: ${percent(plane.explainedByRandomWalk, 0)})`, `（随机游走：${percent(plane.explainedByRandomWalk, 0)}）`);
  const explained =
    plane.explained === null
      ? ""
      : tr(`, ${percent(plane.explained, 0)} of the variance`, `，解释方差的 ${percent(plane.explained, 0)}`) + walk;
  const said = planeTitle(plane, (id) => stage.labels[manifest.runs.findIndex((run) => run.id === id)] ?? id);
  // A formula keeps its small letter.
  const title = said.startsWith("f(") ? said : said.charAt(0).toUpperCase() + said.slice(1);
  parts.push(title + explained);
  const examples = whole(manifest.evaluation.examples),
    train = manifest.evaluation.split === "train",
    mode = evaluated(manifest);
  const kind = scale.log
    ? tr("log", "对数")
    : stage.lossScale === "log"
      ? tr("linear (it goes below zero)", "线性（有负值）")
      : tr("linear", "线性");
  parts.push(
    tr(
      `height: loss on ${examples} ${train ? "training" : manifest.evaluation.split} examples${mode}, ${kind} scale`,
      `高度：${examples} 个${train ? "训练" : "测试"}样本上的损失${mode}，${kind}刻度`,
    ),
  );
  parts.push(
    plane.exact ? tr("slice exact", "切面精确") : tr("paths at their true loss, off the slice", "轨迹位于其真实损失处，不在切面上"),
  );
  const step = scale.log ? `×${scale.step}` : figure(scale.step);
  parts.push(tr(`contour every ${step}`, `等高线间隔 ${step}`));
  if (scale.clipped)
    parts.push(
      tr(
        `losses above ${figure(scale.high)} are drawn at the top${scale.hatched ? ", hatched" : ""}`,
        `高于 ${figure(scale.high)} 的损失画在顶端${scale.hatched ? "并加斜线" : ""}`,
      ),
    );
  if (stage.store.plane !== 0 && grid.plane !== stage.store.plane) parts.push(tr("a new plane is being computed", "正在计算新的平面"));
  return parts.join(" · ");
}

const at = new Vector3();

/** Where no label is put: the caption, from the bottom, and what stands on it in the lower left corner. Pixels. */
export interface Covered {
  foot: number;
  width: number;
  height: number;
}

/** Labels at the edges that face the viewer, and the height's at the corner that stands out to the left. */
export class AxisLabels {
  readonly root = el("div", { class: "axis-labels", "aria-hidden": "true" });
  /** Corner of the height axis, as signs of x and z. */
  readonly corner: [number, number] = [-1, -1];
  private covered: Covered = { foot: 0, width: 0, height: 0 };
  private readonly items = Array.from({ length: 8 }, () => this.root.appendChild(el("span")));

  write(stage: Stage, landscape: Landscape): void {
    const { scale, grid } = landscape;
    const plane = grid && stage.planes.get(grid.plane);
    if (!plane || scale === null) return;
    const [x0, x1, y0, y1] = grid.region;
    const [x, y] = planeAxes(plane);
    const texts = [
      x,
      short(x0),
      short(x1),
      y,
      short(y0),
      short(y1),
      tr(`loss ${figure(scale.high)}`, `损失 ${figure(scale.high)}`),
      figure(scale.low),
    ];
    this.items.forEach((node, i) => setText(node, texts[i]!));
  }

  place(camera: Camera, width: number, height: number, covered: Covered, visible: boolean): void {
    this.root.hidden = !visible;
    this.covered = covered;
    if (!visible) return;
    const w = BOX.width / 2,
      d = BOX.depth / 2,
      out = 0.1;
    const front = camera.position.z >= 0 ? 1 : -1,
      side = camera.position.x >= 0 ? 1 : -1;
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
    const node = this.items[item]!,
      { foot, ...corner } = this.covered,
      down = (0.5 - at.y / 2) * height,
      right = (0.5 + at.x / 2) * width;
    node.hidden = down > height - foot || (right < corner.width && down > height - foot - corner.height);
    node.style.transform = `translate(${right.toFixed(1)}px, ${down.toFixed(1)}px) translate(-50%, -50%)`;
  }
}

export function describe(hit: Hit, stage: Stage): string[] {
  const place = (x: number, y: number): string => `x ${figure(x)}, y ${figure(y)}`;
  if (hit.kind === "slice") return [tr("slice", "切面"), tr(`loss ${figure(hit.loss)}`, `损失 ${figure(hit.loss)}`), place(hit.x, hit.y)];
  const run = stage.manifest!.runs[hit.run]!,
    timeline = stage.store.runs[run.index]!;
  const label = stage.labels[run.index]!,
    updates = whole(Math.floor(hit.update + 1e-6));
  const lines = [
    hit.kind === "end"
      ? timeline.state === "diverged"
        ? tr(`${label}: diverged`, `${label}：已发散`)
        : tr(`${label}: its end`, `${label}：终点`)
      : label,
    hit.kind === "end" && timeline.state === "diverged"
      ? tr(`in the picture until update ${updates}`, `第 ${updates} 次更新之前仍在图中`)
      : tr(`after ${updates} updates`, `第 ${updates} 次更新之后`),
    tr(`loss ${figure(hit.loss)}`, `损失 ${figure(hit.loss)}`),
  ];
  if (hit.kind === "end" && timeline.state !== "diverged") {
    const { evaluations } = timeline,
      last = evaluations.count - 1;
    if (last >= 0) lines.push(tr(`test loss ${figure(evaluations.value(last, 1))}`, `测试损失 ${figure(evaluations.value(last, 1))}`));
    if (last >= 0 && Number.isFinite(evaluations.value(last, 2)))
      lines.push(tr(`test accuracy ${percent(evaluations.value(last, 2))}`, `测试准确率 ${percent(evaluations.value(last, 2))}`));
  }
  lines.push(place(hit.x, hit.y), tr(`${figure(hit.offPlane)} off the plane`, `离平面 ${figure(hit.offPlane)}`));
  if (hit.kind === "point") lines.push(tr("click to select the run", "点击选择该运行"));
  return lines;
}

/** At the selected run's stem: how far its weights lie off the plane, and how far its loss off the slice's. */
export function stemText(stage: Stage, landscape: Landscape, run: number): string {
  const drawn = stage.drawn[run]!,
    { points } = stage.store.runs[run]!,
    { grid } = landscape;
  if (grid === null || points.count === 0) return "";
  const [x0, x1, y0, y1] = grid.region;
  const slice = sample(grid.values, grid.resolution, (drawn.x - x0) / (x1 - x0), (drawn.y - y0) / (y1 - y0));
  return tr(
    `loss ${figure(drawn.loss)}, slice ${figure(slice)} · ${figure(points.between(drawn.update, 3))} off the plane`,
    `损失 ${figure(drawn.loss)}，切面 ${figure(slice)} · 离平面 ${figure(points.between(drawn.update, 3))}`,
  );
}
