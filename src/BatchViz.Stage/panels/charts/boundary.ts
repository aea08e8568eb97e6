/**
 * What runs say of every place in the plane of their two inputs, under the examples, where the playhead stands: the selected run, or as
 * many side by side as the place has room for, one of each batch size first.
 */
import type { Boundary, Points } from "../../answers.ts";
import { figure, short, whole } from "../../format.ts";
import { tr } from "../../language.ts";
import { evaluated } from "../../mode.ts";
import { PollingRequest } from "../../pollingRequest.ts";
import { Change, type Stage } from "../../stage.ts";
import { mix } from "../../style.ts";
import { fromBase64 } from "../../wire.ts";
import type { Drawing } from "./drawing.ts";
import { Plot } from "./plot.ts";
import { ticksOf } from "./scale.ts";
import { abreast, byRoom, sideBySide, type Region, type SideBySide } from "./side-by-side.ts";

/** Classes, told apart by the colour-blind (Okabe and Ito 2008), in tones that no batch size has to itself. */
const CLASSES = ["#e69f00", "#3b8fd4", "#1fa37c", "#cc79a7", "#d8c838", "#8a6fdf", "#d55e00", "#6fb7b0", "#9a8c7c", "#7f8a99"];
/** Tones from one class to the other: few, so that cells of one tone are one path. */
const TONES = 24;

/** One run's boundary, as it is drawn; what is being waited for may be of another moment. */
class Pane {
  readonly boundary: PollingRequest<Boundary>;
  run = -1;
  update = 0;
  decoded: Boundary | null = null;
  values: Float32Array = new Float32Array(0);
  private wanted = { run: -1, update: 0 };

  constructor(private readonly stage: Stage) {
    this.boundary = new PollingRequest<Boundary>(() => stage.changed(Change.charts));
  }

  look(run: number): void {
    const { stage, boundary } = this,
      { generation } = stage.manifest!,
      update = stage.updateAt(run);
    const first = boundary.value === null && boundary.progress === null && boundary.error === null;
    if (stage.standsStill || first) {
      this.wanted = { run, update };
      boundary.want(`${generation}/${run}/${update}`, (cancel) => stage.remote.boundary(run, update, cancel));
    } else if (boundary.progress !== null && this.wanted.run !== run) boundary.leave();
    if (boundary.value === null || boundary.value === this.decoded) return;
    this.decoded = boundary.value;
    const bytes = fromBase64(this.decoded.values);
    this.values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
    ({ run: this.run, update: this.update } = this.wanted);
  }

  get isHere(): boolean {
    return this.decoded !== null && this.boundary.of.startsWith(`${this.stage.manifest!.generation}/`);
  }
}

export function boundaryChart(stage: Stage): Drawing {
  const points = new PollingRequest<Points>(() => stage.changed(Change.charts));
  const panes: Pane[] = [];
  /** What the place on the page has room for. */
  let room = 1;

  /** Those that have something to draw; the others' places stay free for them. */
  const here = (): Pane[] => panes.filter((pane) => pane.isHere);
  const region = (): Region => here()[0]?.decoded?.region ?? [0, 1, 0, 1];
  const places = (): SideBySide => sideBySide(region(), panes.length, 1);

  function look(): void {
    const { generation, data } = stage.manifest!;
    if (data.inputs !== 2) return;
    points.want(`${generation}`, (cancel) => stage.remote.points("train", cancel), 0);
    const runs = byRoom(stage, room);
    while (panes.length < runs.length) panes.push(new Pane(stage));
    runs.forEach((run, i) => panes[i]!.look(run));
    for (const pane of panes.splice(runs.length)) pane.boundary.leave();
  }

  const say = (pane: Pane): string =>
    tr(`${stage.labels[pane.run]} after ${whole(pane.update)} updates`, `${stage.labels[pane.run]}，${whole(pane.update)} 次更新之后`);

  return {
    name: "boundary",
    title: () => (stage.manifest?.data.task === "regression" ? tr("Fitted function", "拟合函数") : tr("Decision boundary", "决策边界")),
    unit: () => "",
    note() {
      const [first, ...others] = here();
      return first === undefined
        ? ""
        : (others.length === 0
            ? say(first)
            : tr("at the playhead; a selected run has the place to itself", "播放头处；选中的运行独占此处")) + evaluated(stage.manifest!);
    },
    scales: ["linear"],
    format: short,
    readout: (value) => figure(value),
    moment() {
      look();
      return false; // what is asked for wakes the chart when it has come
    },
    fit(aspect) {
      room = abreast(region(), aspect);
    },
    frame: {
      range: (_, aspect) => sideBySide(region(), panes.length, aspect).across,
      label: () => "x₁ → x₂ ↑",
      ticks: (_, ticks) => ticks.map((tick) => short(places().valueAt(tick))),
      splits() {
        const [x0, x1] = region(),
          { shifts } = places();
        return shifts.flatMap((shift) => ticksOf("linear", x0, x1, shifts.length > 1 ? 2 : 5).map((tick) => tick + shift));
      },
      valueAt: (place) => places().valueAt(place),
    },
    range(_, __, aspect) {
      look();
      return here().length === 0 ? null : sideBySide(region(), panes.length, aspect).up;
    },
    draw(plot, s) {
      const { shifts } = places();
      let cells = 0;
      panes.forEach((pane, i) => {
        if (!pane.isHere) return;
        const own = shifted(plot, shifts[i]!);
        paintCells(own, pane.decoded!, pane.values, s.theme);
        if (points.value !== null) paintPoints(own, points.value, pane.decoded!, s.theme);
        if (panes.length > 1) paintName(own, s, pane);
        cells += pane.decoded!.resolution ** 2;
      });
      return cells;
    },
    empty(s) {
      if (s.manifest!.data.inputs !== 2)
        return tr(
          `A boundary can be drawn where the data have two inputs; these have ${whole(s.manifest!.data.inputs)}. Moons, circles and spirals have two.`,
          `只有两个输入的数据才能画出边界；当前数据有 ${whole(s.manifest!.data.inputs)} 个输入。双月、圆环和螺旋数据有两个输入。`,
        );
      return (
        panes.find(({ boundary }) => boundary.error !== null)?.boundary.error ?? tr("The boundary is being computed…", "正在计算边界…")
      );
    },
    busy: () => panes.some(({ boundary }) => boundary.progress !== null && boundary.error === null),
    leave() {
      for (const { boundary } of panes) boundary.leave();
      points.leave();
    },
    sentence() {
      const drawn = here(),
        list = drawn.map(say),
        count = whole(points.value?.x.length ?? 0);
      if (drawn.length === 0) return "";
      return tr(
        `Decision boundary of ${list.join(", ")}; under ${count} training examples.`,
        `决策边界：${list.join("；")}；以及 ${count} 个训练样本。`,
      );
    },
    *table(s) {
      const drawn = here();
      yield ["run", "update", "x1", "x2", drawn[0]?.decoded?.kind ?? "value"];
      for (const { run, update, decoded, values } of drawn) {
        const {
          region: [x0, x1, y0, y1],
          resolution: n,
        } = decoded!;
        for (let i = 0; i < n * n; i++)
          yield [
            s.manifest!.runs[run]!.id,
            update,
            x0 + ((i % n) * (x1 - x0)) / (n - 1),
            y0 + (Math.floor(i / n) * (y1 - y0)) / (n - 1),
            values[i]!,
          ];
      }
    },
  };
}

/** The same axes for what is drawn further to the right. */
function shifted(plot: Plot, shift: number): Plot {
  if (shift === 0) return plot;
  const { ctx, left, top, width, height, xs } = plot,
    own = new Plot(ctx);
  Object.assign(own, { ratio: plot.ratio, font: plot.font, colours: plot.colours });
  own.place(left, top, width, height);
  own.xs.set("linear", xs.low - shift, xs.high - shift, left, left + width);
  own.ys.set("linear", plot.ys.low, plot.ys.high, top + height, top);
  return own;
}

/** Which run it is, in its upper left corner. */
function paintName(plot: Plot, stage: Stage, { run, decoded }: Pane): void {
  const { ctx, ratio } = plot,
    [x0, , , y1] = decoded!.region,
    size = parseFloat(plot.font);
  const left = plot.x(x0),
    top = Math.max(plot.top, plot.y(y1)),
    x = left + 5 * ratio,
    y = top + 0.8 * size;
  ctx.globalAlpha = 0.75; // examples may lie beneath
  ctx.fillStyle = plot.colours.ground;
  ctx.fillRect(left, top, 10 * ratio + 0.55 * size * stage.labels[run]!.length, 1.6 * size);
  ctx.globalAlpha = 1;
  ctx.font = plot.font;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.fillStyle = plot.colours.text;
  ctx.fillText(stage.labels[run]!, x, y);
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
  let low = 0,
    high = 1;
  if (kind === "value") {
    low = Math.min(...values);
    high = Math.max(...values);
  }
  const classOf = (value: number): number =>
    kind === "class" ? Math.round(value) : Math.min(TONES - 1, Math.floor(((value - low) / (high - low || 1)) * TONES));
  const cells = new Map<number, number[]>();
  for (let i = 0; i < n * n; i++) {
    const key = classOf(values[i]!);
    if (!Number.isFinite(key)) continue;
    if (!cells.has(key)) cells.set(key, []);
    cells.get(key)!.push(i);
  }
  const dx = (x1 - x0) / (n - 1),
    dy = (y1 - y0) / (n - 1);
  const px = (k: number): number => Math.round(plot.x(Math.min(x1, Math.max(x0, x0 + (k - 0.5) * dx))));
  const py = (k: number): number => Math.round(plot.y(Math.min(y1, Math.max(y0, y0 + (k - 0.5) * dy))));
  for (const [key, list] of cells) {
    ctx.fillStyle = kind === "class" ? mix(ground(theme), classColour(key), 0.45) : tone(kind, (key + 0.5) / TONES, theme);
    ctx.beginPath();
    for (const i of list) {
      const left = px(i % n),
        top = py(Math.floor(i / n) + 1);
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
      const a = corner(i, j),
        b = corner(i + 1, j),
        c = corner(i + 1, j + 1),
        d = corner(i, j + 1);
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

/** Of a regression its first value, of which there is only one here. */
const figureOf = (target: Points["target"][number]): number => (Array.isArray(target) ? target[0] : target) ?? NaN;

function paintPoints(plot: Plot, list: Points, { kind }: Boundary, theme: Theme): void {
  const { ctx, ratio } = plot;
  const radius = (list.x.length > 600 ? 1.25 : 2) * ratio;
  const figures = list.target.map(figureOf);
  let low = Infinity,
    high = -Infinity;
  for (const target of figures) {
    low = Math.min(low, target);
    high = Math.max(high, target);
  }
  const targets = kind === "value" ? figures.map((target) => Math.round(((target - low) / (high - low || 1)) * (TONES - 1))) : figures;
  for (const target of new Set(targets)) {
    const colour = kind === "value" ? tone(kind, target / (TONES - 1), theme) : classColour(target);
    ctx.fillStyle = theme === "light" ? mix(colour, "#000000", 0.3) : colour;
    ctx.strokeStyle = plot.colours.ground;
    ctx.lineWidth = 1.5 * ratio;
    ctx.beginPath();
    targets.forEach((own, i) => {
      if (own !== target) return;
      const x = plot.x(list.x[i]!),
        y = plot.y(list.y[i]!);
      ctx.moveTo(x + radius, y);
      ctx.arc(x, y, radius, 0, 7);
    });
    ctx.stroke();
    ctx.fill();
  }
}
