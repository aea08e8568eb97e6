/** What a run says of every place in the plane of its two inputs, under the examples; of the selected run at the playhead, once it stands. */
import type { Boundary, Points } from "../../answers.ts";
import { figure, short, whole } from "../../format.ts";
import { tr } from "../../language.ts";
import { Patience } from "../../patience.ts";
import { Change, type Stage } from "../../stage.ts";
import { mix } from "../../style.ts";
import { fromBase64 } from "../../wire.ts";
import type { Drawing } from "./drawing.ts";
import type { Plot } from "./plot.ts";

/** Classes, told apart by the colour-blind (Okabe and Ito 2008), in tones that no batch size has to itself. */
const CLASSES = ["#e69f00", "#3b8fd4", "#1fa37c", "#cc79a7", "#d8c838", "#8a6fdf", "#d55e00", "#6fb7b0", "#9a8c7c", "#7f8a99"];
/** Tones from one class to the other: few, so that cells of one tone are one path. */
const TONES = 24;

export function boundaryChart(stage: Stage): Drawing {
  const wake = (): void => stage.changed(Change.charts);
  const boundary = new Patience<Boundary>(wake), points = new Patience<Points>(wake);
  let values: Float32Array = new Float32Array(0), decoded: Boundary | null = null;
  /** What is drawn, as against what is being waited for. */
  let shown = { run: -1, update: 0 };
  let wanted = shown;

  function look(): void {
    const { generation, data } = stage.manifest!, run = stage.stepRun;
    if (data.inputs !== 2 || run === undefined) return;
    points.want(`${generation}`, (cancel) => stage.remote.points("train", cancel), 0);
    const update = stage.updateAt(run.index);
    const first = boundary.value === null && boundary.progress === null && boundary.error === null;
    if (stage.standsStill || first) {
      wanted = { run: run.index, update };
      boundary.want(`${generation}/${run.index}/${update}`, (cancel) => stage.remote.boundary(run.index, update, cancel));
    } else if (boundary.progress !== null && wanted.run !== run.index) boundary.leave();
    if (boundary.value !== null && boundary.value !== decoded) {
      decoded = boundary.value;
      const bytes = fromBase64(decoded.values);
      values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
      shown = wanted;
    }
  }

  const here = (): boolean => decoded !== null && boundary.of.startsWith(`${stage.manifest!.generation}/`);

  return {
    name: "boundary",
    title: () => (stage.manifest?.data.task === "regression" ? tr("Fitted function", "拟合函数") : tr("Decision boundary", "决策边界")),
    unit: () => "",
    note: (s) => (here() ? tr(`${s.labels[shown.run]} after ${whole(shown.update)} updates`, `${s.labels[shown.run]}，${whole(shown.update)} 次更新之后`) : ""),
    scales: ["linear"],
    format: short,
    readout: (value) => figure(value),
    moment() {
      look();
      return false; // what is asked for wakes the chart when it has come
    },
    frame: {
      range: (_, aspect) => spread(decoded, aspect)[0],
      label: () => "x₁ → x₂ ↑",
      ticks: (_, ticks) => ticks.map(short),
    },
    range(_, __, aspect) {
      look();
      return here() ? spread(decoded, aspect)[1] : null;
    },
    draw(plot, s) {
      if (decoded === null) return 0;
      paintCells(plot, decoded, values, s.theme);
      const list = points.value;
      if (list !== null) paintPoints(plot, list, decoded, s.theme);
      return decoded.resolution ** 2;
    },
    empty(s) {
      if (s.manifest!.data.inputs !== 2) return tr(`A boundary can be drawn where the data have two inputs; these have ${whole(s.manifest!.data.inputs)}. Moons, circles and spirals have two.`, `只有两个输入的数据才能画出边界；当前数据有 ${whole(s.manifest!.data.inputs)} 个输入。双月、圆环和螺旋数据有两个输入。`);
      return boundary.error ?? tr("The boundary is being computed…", "正在计算边界……");
    },
    busy: () => boundary.progress !== null && boundary.error === null,
    leave() {
      boundary.leave();
      points.leave();
    },
    sentence(s) {
      return here() ? tr(`Decision boundary of ${s.labels[shown.run]} after ${whole(shown.update)} updates, under ${whole(points.value?.x.length ?? 0)} training examples.`, `${s.labels[shown.run]} 在 ${whole(shown.update)} 次更新之后的决策边界，以及 ${whole(points.value?.x.length ?? 0)} 个训练样本。`) : "";
    },
    *table() {
      yield ["x1", "x2", decoded?.kind ?? "value"];
      if (decoded === null) return;
      const { region: [x0, x1, y0, y1], resolution: n } = decoded;
      for (let i = 0; i < n * n; i++) yield [x0 + ((i % n) * (x1 - x0)) / (n - 1), y0 + (Math.floor(i / n) * (y1 - y0)) / (n - 1), values[i]!];
    },
  };
}

/** The region, widened so that a unit is as long across as upwards. */
function spread(boundary: Boundary | null, aspect: number): [readonly [number, number], readonly [number, number]] {
  const [x0, x1, y0, y1] = boundary?.region ?? [0, 1, 0, 1];
  const width = Math.max(x1 - x0, (y1 - y0) * aspect), height = width / aspect;
  return [[(x0 + x1 - width) / 2, (x0 + x1 + width) / 2], [(y0 + y1 - height) / 2, (y0 + y1 + height) / 2]];
}

type Theme = Stage["theme"];
const ground = (theme: Theme): string => (theme === "dark" ? "#151a21" : "#ffffff");
export const classColour = (target: number): string => CLASSES[((Math.round(target) % CLASSES.length) + CLASSES.length) % CLASSES.length]!;

/** Probability: from one class's colour by way of the ground to the other's. Value: from the ground to one colour. */
function tone(kind: Boundary["kind"], share: number, theme: Theme): string {
  if (kind === "value") return mix(ground(theme), CLASSES[1]!, 0.08 + 0.8 * share);
  return mix(ground(theme), classColour(share < 0.5 ? 0 : 1), 0.1 + 0.9 * Math.abs(2 * share - 1) * 0.55);
}

/** Every value fills the cell about it. Cells of one tone are one path, which keeps the file small. */
function paintCells(plot: Plot, { region: [x0, x1, y0, y1], resolution: n, kind }: Boundary, values: Float32Array, theme: Theme): void {
  const { ctx } = plot;
  let low = 0, high = 1;
  if (kind === "value") {
    low = Math.min(...values);
    high = Math.max(...values);
  }
  const classOf = (value: number): number => (kind === "class" ? Math.round(value) : Math.min(TONES - 1, Math.floor(((value - low) / (high - low || 1)) * TONES)));
  const cells = new Map<number, number[]>();
  for (let i = 0; i < n * n; i++) {
    const key = classOf(values[i]!);
    if (!Number.isFinite(key)) continue;
    if (!cells.has(key)) cells.set(key, []);
    cells.get(key)!.push(i);
  }
  const dx = (x1 - x0) / (n - 1), dy = (y1 - y0) / (n - 1);
  const px = (k: number): number => Math.round(plot.x(Math.min(x1, Math.max(x0, x0 + (k - 0.5) * dx))));
  const py = (k: number): number => Math.round(plot.y(Math.min(y1, Math.max(y0, y0 + (k - 0.5) * dy))));
  for (const [key, list] of cells) {
    ctx.fillStyle = kind === "class" ? mix(ground(theme), classColour(key), 0.45) : tone(kind, (key + 0.5) / TONES, theme);
    ctx.beginPath();
    for (const i of list) {
      const left = px(i % n), top = py(Math.floor(i / n) + 1);
      ctx.rect(left, top, px((i % n) + 1) - left, py(Math.floor(i / n)) - top);
    }
    ctx.fill();
  }
  if (kind === "probability") paintHalf(plot, values, n, x0, y0, dx, dy);
}

/** The boundary itself: where the probability crosses one half, by marching through the cells' edges. */
function paintHalf(plot: Plot, values: Float32Array, n: number, x0: number, y0: number, dx: number, dy: number): void {
  const { ctx, ratio } = plot;
  ctx.strokeStyle = plot.colours.text;
  ctx.lineWidth = 1.5 * ratio;
  ctx.beginPath();
  const corner = (i: number, j: number): number => values[j * n + i]! - 0.5;
  for (let j = 0; j < n - 1; j++) {
    for (let i = 0; i < n - 1; i++) {
      const a = corner(i, j), b = corner(i + 1, j), c = corner(i + 1, j + 1), d = corner(i, j + 1);
      const cuts: [number, number][] = [];
      if (a > 0 !== b > 0) cuts.push([i + a / (a - b), j]);
      if (b > 0 !== c > 0) cuts.push([i + 1, j + b / (b - c)]);
      if (c > 0 !== d > 0) cuts.push([i + d / (d - c), j + 1]);
      if (d > 0 !== a > 0) cuts.push([i, j + a / (a - d)]);
      for (let k = 0; k + 1 < cuts.length; k += 2) {
        ctx.moveTo(plot.x(x0 + cuts[k]![0] * dx), plot.y(y0 + cuts[k]![1] * dy));
        ctx.lineTo(plot.x(x0 + cuts[k + 1]![0] * dx), plot.y(y0 + cuts[k + 1]![1] * dy));
      }
    }
  }
  ctx.stroke();
}

function paintPoints(plot: Plot, list: Points, { kind }: Boundary, theme: Theme): void {
  const { ctx, ratio } = plot;
  const radius = (list.x.length > 600 ? 1.25 : 2) * ratio;
  let low = Infinity, high = -Infinity;
  for (const target of list.target) {
    low = Math.min(low, target);
    high = Math.max(high, target);
  }
  const targets = kind === "value" ? list.target.map((target) => Math.round(((target - low) / (high - low || 1)) * (TONES - 1))) : list.target;
  for (const target of new Set(targets)) {
    const colour = kind === "value" ? tone(kind, target / (TONES - 1), theme) : classColour(target);
    ctx.fillStyle = theme === "light" ? mix(colour, "#000000", 0.3) : colour;
    ctx.strokeStyle = plot.colours.ground;
    ctx.lineWidth = 1.5 * ratio;
    ctx.beginPath();
    targets.forEach((own, i) => {
      if (own !== target) return;
      const x = plot.x(list.x[i]!), y = plot.y(list.y[i]!);
      ctx.moveTo(x + radius, y);
      ctx.arc(x, y, radius, 0, 7);
    });
    ctx.stroke();
    ctx.fill();
  }
}
