/** One place for a chart: uPlot for axes, grid and zoom; the curves are drawn by a `Drawing`, the moment by a veil over them. */
import uPlot from "uplot";
import { AXIS_LABELS } from "../axis.ts";
import { figure, short, ticks, whole } from "../format.ts";
import { tr } from "../language.ts";
import type { Stage } from "../stage.ts";
import type { Drawing } from "./charts/drawing.ts";
import { Head } from "./charts/head.ts";
import { isBand } from "./charts/bands.ts";
import { writeNotes } from "./charts/curves.ts";
import { Plot, type Cut } from "./charts/plot.ts";
import { Readout } from "./charts/readout.ts";
import { ticksOf, type ScaleKind } from "./charts/scale.ts";
import { sentenceOf } from "./charts/sentence.ts";
import { shareOf, windowFrom } from "./charts/window.ts";
import { el, setAttribute, setText } from "./dom.ts";
import { press, type Keys } from "./keys.ts";
import { recordAt } from "./record.ts";

/** How near to the frame a pointer means the marks there, in pixels. */
const AT_EDGE = 24;

/** uPlot's word for a scale. */
const DISTRIBUTION: Readonly<Record<ScaleKind, 1 | 3 | 4>> = { linear: 1, log: 3, symlog: 4 };

/** What keys do on a chart; a step is a hundredth of its window. */
export const CHART_KEYS: Keys<{ step(by: number): void; seek(): boolean; leave(): boolean }> = [
  {
    keys: ["ArrowLeft", "ArrowRight"],
    words: tr("the cursor back or on", "光标后退或前进"),
    act: (chart, key) => chart.step(key === "ArrowLeft" ? -1 : 1),
  },
  {
    keys: ["PageDown", "PageUp"],
    words: tr("the cursor ten steps back or on", "光标后退或前进十步"),
    act: (chart, key) => chart.step(key === "PageDown" ? -10 : 10),
  },
  { keys: ["Enter"], words: tr("the playhead to the cursor", "播放头移到光标处"), act: (chart) => chart.seek() },
  { keys: ["Escape"], words: tr("no cursor", "取消光标"), act: (chart) => chart.leave() },
];

export class Chart {
  readonly root = el("figure", { class: "chart" });
  points = 0;
  private readonly head: Head;
  private readonly readout: Readout;
  private readonly plot = el("div", { class: "plot" });
  private readonly empty = el("p", { class: "empty" });
  private readonly loading = el("span", { class: "loading quiet" }, tr("loading detail…", "正在加载细节…"));
  private readonly sentence = el("p", { class: "for-readers", "aria-live": "off" });
  private readonly veil = el("div", { class: "veil" });
  private readonly hair = el("div", { class: "hair", hidden: true });
  private readonly dot = el("i", { class: "dot", hidden: true });
  private readonly canvas = new Plot(document.createElement("canvas").getContext("2d")!);
  private u: uPlot | null = null;
  private made = "";
  private range: readonly [number, number] = [0, 1];
  private frame: readonly [number, number] = [0, 1];
  private rightRange: readonly [number, number] = [0, 1];
  /** This chart has set the cursor that all share, by the pointer or by keys. */
  private pointing: "pointer" | "keys" | null = null;

  constructor(
    private readonly stage: Stage,
    public drawing: Drawing,
    place: number,
  ) {
    this.head = new Head(stage, this, place);
    this.readout = new Readout(stage);
    this.root.append(this.head.root, this.plot, this.loading, this.empty, this.readout.root, this.sentence);
    this.root.dataset["chart"] = drawing.name;
    this.head.take(drawing);
  }

  get name(): string {
    return this.drawing.name;
  }

  /** Another chart comes to this place. */
  take(drawing: Drawing): void {
    if (drawing === this.drawing) return;
    this.drawing = drawing;
    this.root.dataset["chart"] = drawing.name;
    this.head.take(drawing);
    this.u?.destroy();
    this.u = null;
    this.point(null);
  }

  /** The vertical scale in force. */
  get kind(): ScaleKind {
    const {
      stage,
      drawing: { name, scales, isPositive },
    } = this;
    const chosen = name === "loss" ? stage.lossScale : stage.chartScales[name];
    const kind = chosen === undefined ? scales[0]! : (scales.find((kind) => (kind === "linear") === (chosen === "linear")) ?? scales[0]!);
    return kind === "log" && isPositive?.(stage) === false ? "linear" : kind;
  }

  draw(): void {
    const { stage, drawing } = this;
    const width = this.plot.clientWidth,
      height = this.plot.clientHeight;
    if (width < 80 || height < 50) return; // folded away: nothing is asked for
    const { kind } = this;
    drawing.fit?.(this.aspect(width, height));
    const range = drawing.range(stage, kind, this.aspect(width, height));
    this.head.show(); // after the range, which may have taken in an answer
    setText(this.empty, range === null ? drawing.empty(stage) : "");
    this.empty.hidden = range !== null;
    this.plot.toggleAttribute("data-empty", range === null);
    if (range === null) {
      this.points = 0;
      return;
    }
    this.range = range;
    this.frame = drawing.frame?.range(stage, this.aspect(width, height)) ?? [windowFrom(stage), stage.to];
    const right = drawing.right?.range(stage) ?? null;
    if (right !== null) this.rightRange = right;
    const made = `${stage.theme}:${kind}:${drawing.frame === undefined && stage.logTime}:${right !== null}`;
    if (this.u === null || made !== this.made) {
      this.made = made;
      this.u?.destroy();
      this.u = this.create(width, height, kind, right !== null);
    } else if (this.u.width !== width || this.u.height !== height) this.u.setSize({ width, height });
    const [from, to] = this.frame;
    this.u.setData(
      right === null
        ? [
            [from, to],
            [null, null],
          ]
        : [
            [from, to],
            [null, null],
            [null, null],
          ],
      true,
    );
    if (drawing.frame === undefined) {
      setAttribute(this.u.over, "aria-valuemin", String(from));
      setAttribute(this.u.over, "aria-valuemax", String(to));
    }
    if (this.pointing === "pointer") this.readAt(this.u); // the record under a cursor that stands still may just have come
    this.showMoment();
    this.showCursor();
  }

  /** Of the frame inside the axes; before there is one, about. */
  private aspect(width: number, height: number): number {
    const { u } = this;
    return u !== null && u.width === width && u.height === height && u.bbox.height > 0
      ? u.bbox.width / u.bbox.height
      : (width - 66) / Math.max(1, height - 28);
  }

  /** Finer buckets are on their way; until they are here the coarser ones stay. The style sheet waits a moment before it says so. */
  showLoading(): void {
    const { stage, drawing } = this;
    this.root.toggleAttribute(
      "data-loading",
      drawing.busy?.() ?? drawing.columns?.(stage).some((column) => stage.remote.loading(column)) ?? false,
    );
  }

  /** What lies beyond the playhead is recorded but not yet seen: it is veiled. */
  showMoment(): void {
    if (this.u === null || this.drawing.frame !== undefined) return;
    // Of the stage, not of the plot: the plot takes over a new window only after this frame's script.
    const share = shareOf(this.stage, this.stage.playhead.position);
    this.veil.style.transform = `translateX(${(Math.min(1, Math.max(0, share)) * 100).toFixed(3)}%)`;
  }

  /** The moment under the pointer, here or in another chart. */
  showCursor(): void {
    const { stage, drawing } = this,
      at = stage.cursor;
    const share = at === null || drawing.frame !== undefined ? -1 : shareOf(stage, at);
    this.hair.hidden = !(share >= 0 && share <= 1);
    if (!this.hair.hidden) this.hair.style.transform = `translateX(${(share * 100).toFixed(3)}%)`;
    const x = this.u === null ? 0 : share * this.u.over.clientWidth,
      { canvas } = this;
    const cutOf = (run: number): Cut | null => canvas.cutAt(canvas.left + x * canvas.ratio, run);
    const shown = this.pointing !== null && !this.hair.hidden ? drawing : null,
      left = this.u === null ? 0 : this.u.over.offsetLeft;
    this.readout.show(shown, left + x, this.root.clientWidth, cutOf);
    const { u } = this;
    if (u !== null && drawing.frame === undefined && this.pointing !== null) {
      setAttribute(u.over, "aria-valuenow", String(at ?? 0));
      setAttribute(u.over, "aria-valuetext", this.readout.words());
    }
  }

  /** In words, for those who do not see it. */
  tell(): void {
    if (this.stage.manifest !== null) setText(this.sentence, sentenceOf(this.drawing, this.stage));
  }

  get words(): string {
    return sentenceOf(this.drawing, this.stage);
  }

  /** Colours and scale for the picture that a viewer takes away. */
  get look(): { kind: ScaleKind; colours: Plot["colours"] } {
    this.readColours();
    return { kind: this.kind, colours: this.canvas.colours };
  }

  private readColours(): void {
    const { colours } = this.canvas;
    colours.text = resolved("--text", this.root);
    colours.quiet = resolved("--quiet", this.root);
    colours.hair = resolved("--hair", this.root);
    colours.green = resolved("--green", this.root);
    colours.ground = resolved("--panel", this.root);
    colours.red = resolved("--red", this.root);
  }

  private create(width: number, height: number, kind: ScaleKind, right: boolean): uPlot {
    const { stage, drawing } = this,
      { frame } = drawing;
    const style = getComputedStyle(document.documentElement);
    const token = (name: string): string => style.getPropertyValue(name).trim();
    const font = `${token("--chart-type")} ${token("--font")}`;
    const scale = Number(token("--line-scale")) || 1;
    this.readColours();
    this.canvas.font = `${parseFloat(token("--chart-type")) * devicePixelRatio}px ${token("--font")}`;
    const axis = { stroke: this.canvas.colours.quiet, grid: { stroke: this.canvas.colours.hair, width: 1 }, ticks: { show: false }, font };
    const splits = frame?.splits,
      logTime = frame === undefined && stage.logTime;
    /** As many ticks as have room; uPlot's own fill a logarithmic axis with lines. */
    const upright =
      (kind: ScaleKind) =>
      (self: uPlot, _: number, low: number, high: number): number[] =>
        ticksOf(kind, low, high, Math.max(2, Math.round(self.bbox.height / devicePixelRatio / (26 * scale))));
    const u = new uPlot(
      {
        width,
        height,
        legend: { show: false },
        padding: [6, right ? 0 : 20, 0, 0],
        scales: {
          x: { time: false, distr: frame === undefined && stage.logTime ? 3 : 1, range: () => this.frame as [number, number] },
          y: { distr: DISTRIBUTION[kind], range: () => this.range as [number, number] },
          ...(right && { right: { range: () => this.rightRange as [number, number] } }),
        },
        series: [
          {},
          { show: true, paths: () => null, points: { show: false } },
          ...(right ? [{ scale: "right", show: true, paths: () => null, points: { show: false } }] : []),
        ],
        axes: [
          {
            ...axis,
            size: 22 * scale,
            gap: 3,
            space: 64 * scale,
            values: (_, values) => (frame === undefined ? ticks(values) : frame.ticks(stage, values)),
            ...(splits && { splits: () => splits() }),
            ...(logTime && {
              splits: (self: uPlot, _: number, low: number, high: number) =>
                ticksOf("log", low, high, Math.max(2, Math.round(self.bbox.width / devicePixelRatio / (64 * scale)))),
              filter: every,
            }),
          },
          {
            ...axis,
            size: 46 * scale,
            gap: 4,
            space: 16 * scale,
            splits: upright(kind),
            filter: every,
            values: (_, ticks) => ticks.map((tick) => drawing.format(tick)),
          },
          ...(right
            ? [
                {
                  ...axis,
                  scale: "right",
                  side: 1,
                  stroke: this.canvas.colours.green,
                  grid: { show: false },
                  size: 46 * scale,
                  gap: 4,
                  space: 16 * scale,
                  splits: upright("linear"),
                  values: (_: uPlot, ticks: number[]) => ticks.map((tick) => drawing.right!.format(tick)),
                },
              ]
            : []),
        ],
        cursor: { x: frame !== undefined, y: true, points: { show: false }, drag: { x: frame === undefined, y: false, setScale: false } },
        hooks: {
          draw: [(self) => this.drawCurves(self)],
          setSelect: [(self) => this.zoomTo(self)],
          setCursor: [(self) => this.readAt(self)],
        },
      },
      right
        ? [
            [0, 1],
            [null, null],
            [null, null],
          ]
        : [
            [0, 1],
            [null, null],
          ],
      this.plot,
    );
    u.over.append(...(frame === undefined ? [this.veil, this.hair] : []), this.dot);
    if (frame === undefined) this.takeKeys(u);
    else {
      u.over.setAttribute("role", "img");
      u.over.setAttribute("aria-label", `${drawing.title()}, ${frame.label(stage)}`);
    }
    return u;
  }

  /** The cursor and the playhead by keyboard and pointer: the chart is a slider over its window. */
  private takeKeys(u: uPlot): void {
    const { stage, drawing } = this,
      { over } = u;
    over.tabIndex = 0;
    over.setAttribute(
      "aria-description",
      tr("Arrow keys move the cursor, Enter brings the playhead to it", "方向键移动光标，Enter 将播放头移到光标处"),
    );
    for (const [name, value] of [
      ["role", "slider"],
      [
        "aria-label",
        tr(`${drawing.title()} by ${AXIS_LABELS[stage.axis]}, cursor`, `${drawing.title()}（按 ${AXIS_LABELS[stage.axis]}），光标`),
      ],
      ["aria-valuemin", String(this.frame[0])],
      ["aria-valuemax", String(this.frame[1])],
      ["aria-valuenow", String(stage.cursor ?? this.frame[0])],
    ] as const)
      over.setAttribute(name, value);
    over.addEventListener("click", (event) => this.seekTo(u, event));
    over.addEventListener("dblclick", () => stage.setZoom(null));
    over.addEventListener("blur", () => this.point(null));
    const keys = {
      step: (by: number): void => {
        const [from, to] = this.frame;
        this.point(Math.min(to, Math.max(from, (stage.cursor ?? stage.playhead.position) + (by * (to - from)) / 100)), "keys");
      },
      seek: (): boolean => stage.cursor !== null && (stage.act((playhead, extent) => playhead.seek(stage.cursor!, extent)), true),
      leave: (): boolean => stage.cursor !== null && (this.point(null), true),
    };
    over.addEventListener("keydown", (event) => {
      if (!press(CHART_KEYS, event, keys)) return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  /** Sets the cursor that all charts share, or takes it back where it was this one's. */
  private point(at: number | null, by: "pointer" | "keys" = "pointer"): void {
    if (at === null && this.pointing === null) return;
    this.pointing = at === null ? null : by;
    this.stage.setCursor(at);
  }

  private drawCurves(u: uPlot): void {
    const { canvas, stage } = this,
      { ctx, bbox } = u;
    canvas.ctx = ctx;
    canvas.ratio = devicePixelRatio;
    canvas.place(bbox.left, bbox.top, bbox.width, bbox.height);
    canvas.xs.set(
      this.drawing.frame === undefined && stage.logTime ? "log" : "linear",
      this.frame[0],
      this.frame[1],
      bbox.left,
      bbox.left + bbox.width,
    );
    canvas.ys.set(this.kind, this.range[0], this.range[1], bbox.top + bbox.height, bbox.top);
    canvas.rights.set("linear", this.rightRange[0], this.rightRange[1], bbox.top + bbox.height, bbox.top);
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.lineJoin = "round";
    this.points = this.drawing.draw(canvas, stage);
    writeNotes(canvas);
    ctx.restore();
  }

  private zoomTo(u: uPlot): void {
    const { left, width } = u.select;
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    if (width < 8) return;
    const from = u.posToVal(left, "x"),
      to = u.posToVal(left + width, "x");
    if (to > from) this.stage.setZoom([from, to]);
    this.dragged = true;
  }

  private dragged = false;

  private seekTo(u: uPlot, event: MouseEvent): void {
    if (this.dragged) {
      // the click that ends a drag is not a wish to go there
      this.dragged = false;
      return;
    }
    const box = u.over.getBoundingClientRect();
    const value = u.posToVal(event.clientX - box.left, "x");
    this.stage.act((playhead, extent) => playhead.seek(value, extent));
  }

  /** The mark at the frame that the pointer is on. */
  private cutUnder(left: number, top: number): Cut | null {
    const { canvas } = this,
      y = top * canvas.ratio,
      reach = AT_EDGE * canvas.ratio;
    const above = y < reach ? true : y > canvas.height - reach ? false : null;
    return above === null ? null : canvas.cutAt(canvas.left + left * canvas.ratio, null, above);
  }

  private sayCut({ run, from, to, value, above }: Cut): string {
    const { stage, drawing } = this,
      first = Math.min(from + 1, to);
    const name = isBand(drawing, stage) ? `B = ${stage.manifest!.runs[run]!.batchSize}` : stage.labels[run]!,
      far = drawing.readout(value);
    const english = first < to ? `updates ${whole(first)} to ${whole(to)}` : `update ${whole(to)}`;
    const chinese = first < to ? `第 ${whole(first)} 至 ${whole(to)} 次更新` : `第 ${whole(to)} 次更新`;
    return tr(
      `${name} · ${english} · ${above ? "up" : "down"} to ${far}, beyond the scale`,
      `${name} · ${chinese} · ${above ? "最高" : "最低"} ${far}，超出刻度`,
    );
  }

  private readAt(u: uPlot): void {
    const {
      stage,
      drawing: { record, frame },
    } = this;
    const { left, top } = u.cursor;
    const inside = left !== undefined && left >= 0 && top !== undefined && top >= 0;
    if (frame === undefined && (inside || this.pointing === "pointer")) this.point(inside ? u.posToVal(left, "x") : null);
    const hit =
      inside && record !== undefined && stage.manifest !== null && !isBand(this.drawing, stage)
        ? recordAt(stage, record, u.posToVal(left, "x"), (value) => Math.abs(u.valToPos(value, "y") - top))
        : null;
    const cut = inside ? this.cutUnder(left, top) : null;
    this.dot.hidden = !hit || cut !== null;
    if (cut !== null) this.head.read(this.sayCut(cut));
    else if (hit) {
      const x = u.valToPos(stage.clocks[hit.run]!.toAxis(stage.axis, hit.update), "x"),
        y = u.valToPos(hit.value, "y");
      this.dot.style.transform = `translate(${x.toFixed(1)}px, ${(Number.isFinite(y) ? y : 0).toFixed(1)}px)`;
      this.dot.style.background = stage.styles[hit.run]!.colour[stage.theme];
      this.head.read(
        tr(
          `${stage.labels[hit.run]!} · update ${whole(hit.update)} · ${figure(hit.value, 4)}`,
          `${stage.labels[hit.run]!} · 第 ${whole(hit.update)} 次更新 · ${figure(hit.value, 4)}`,
        ),
      );
    } else
      this.head.read(
        inside && frame !== undefined
          ? `${short(frame.valueAt?.(u.posToVal(left, "x")) ?? u.posToVal(left, "x"))} · ${this.drawing.readout(u.posToVal(top, "y"))}`
          : "",
      );
  }
}

/** uPlot would leave out most ticks of a logarithmic axis. */
const every = (_: uPlot, splits: number[]): number[] => splits;

const colours = new Map<string, string>();

/** A token's colour as the canvas understands it: `light-dark()` is resolved by the style engine only, once for each theme. */
export function resolved(token: string, near: HTMLElement): string {
  const key = `${document.documentElement.dataset["theme"]}:${token}`;
  const known = colours.get(key);
  if (known !== undefined) return known;
  const probe = el("span", { class: "probe" });
  probe.style.color = `var(${token})`;
  near.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  colours.set(key, colour);
  return colour;
}
