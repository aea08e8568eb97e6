/** One chart: uPlot for axes, grid, cursor and zoom; the curves are drawn by `Drawing`, the moment by a veil over them. */
import uPlot from "uplot";
import { AXIS_LABELS } from "../axis.ts";
import { figure, short, ticks, whole } from "../format.ts";
import { Change, type Stage } from "../stage.ts";
import { el, setText } from "./dom.ts";
import { recordAt } from "./record.ts";

export interface Drawing {
  name: string;
  /** The column whose single records it draws. */
  column: string | null;
  title: string;
  unit(stage: Stage): string;
  note(stage: Stage): string;
  logarithmic(stage: Stage): boolean;
  /** Ticks, and the value under the cursor. */
  format(value: number): string;
  readout(value: number): string;
  /** Visible values, null while there are none. */
  range(stage: Stage): [number, number] | null;
  /** Draws the curves, clipped to the frame; returns how many points. */
  draw(u: uPlot, stage: Stage): number;
  /** Why there is nothing to see. */
  empty(stage: Stage): string;
}

export class Chart {
  readonly root = el("figure", { class: "chart" });
  readonly name: string;
  points = 0;
  private readonly unit = el("span", { class: "quiet" });
  private readonly readout = el("output", { class: "figures" });
  private readonly note = el("span", { class: "note quiet" });
  private readonly plot = el("div", { class: "plot" });
  private readonly empty = el("p", { class: "empty" });
  private readonly loading = el("span", { class: "loading quiet" }, "loading detail…");
  private readonly veil = el("div", { class: "veil" });
  private readonly dot = el("i", { class: "dot", hidden: true });
  private u: uPlot | null = null;
  private made = "";
  private range: [number, number] = [0, 1];

  constructor(private readonly stage: Stage, private readonly drawing: Drawing) {
    this.name = drawing.name;
    this.root.dataset["chart"] = drawing.name;
    this.root.append(el("figcaption", {}, el("h2", {}, drawing.title), this.unit, this.note, this.readout), this.plot, this.loading, this.empty);
  }

  draw(): void {
    const { stage, drawing } = this;
    setText(this.unit, drawing.unit(stage));
    setText(this.note, drawing.note(stage));
    this.note.title = drawing.note(stage);
    const range = drawing.range(stage);
    setText(this.empty, range === null ? drawing.empty(stage) : "");
    this.empty.hidden = range !== null;
    this.plot.toggleAttribute("data-empty", range === null);
    if (range === null) {
      this.points = 0;
      return;
    }
    this.range = range;
    const width = this.plot.clientWidth, height = this.plot.clientHeight;
    if (width < 80 || height < 50) return;
    const made = `${stage.theme}:${drawing.logarithmic(stage)}`;
    if (this.u === null || made !== this.made) {
      this.made = made;
      this.u?.destroy();
      this.u = this.create(width, height);
    } else if (this.u.width !== width || this.u.height !== height) this.u.setSize({ width, height });
    this.u.setData([[stage.from, stage.to], [null, null]], true);
    this.readAt(this.u); // the record under a cursor that stands still may just have come
    this.showMoment();
  }

  /** Finer buckets are on their way; until they are here the coarser ones stay. The style sheet waits a moment before it says so. */
  showLoading(): void {
    const { column } = this.drawing;
    this.root.toggleAttribute("data-loading", column !== null && this.stage.remote.loading(column));
  }

  /** What lies beyond the playhead is recorded but not yet seen: it is veiled. */
  showMoment(): void {
    if (this.u === null) return;
    // Of the stage, not of the plot: the plot takes over a new window only after this frame's script.
    const { from, to, playhead } = this.stage;
    const share = (playhead.position - from) / (to - from);
    this.veil.style.transform = `translateX(${(Math.min(1, Math.max(0, share)) * 100).toFixed(3)}%)`;
  }

  private create(width: number, height: number): uPlot {
    const { stage, drawing } = this;
    const style = getComputedStyle(document.documentElement);
    const token = (name: string): string => style.getPropertyValue(name).trim();
    const font = `${token("--chart-type")} ${token("--font")}`;
    const scale = Number(token("--line-scale")) || 1;
    const axis = { stroke: resolved("--quiet", this.root), grid: { stroke: resolved("--hair", this.root), width: 1 }, ticks: { show: false }, font };
    const u = new uPlot({
      width, height,
      legend: { show: false },
      padding: [6, 20, 0, 0],
      scales: {
        x: { time: false, range: () => [stage.from, stage.to] },
        y: { distr: drawing.logarithmic(stage) ? 3 : 1, range: () => this.range },
      },
      series: [{}, { show: true, paths: () => null, points: { show: false } }],
      axes: [
        { ...axis, size: 22 * scale, gap: 3, space: 64 * scale, values: (_, values) => ticks(values) },
        { ...axis, size: 46 * scale, gap: 4, space: 16 * scale, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : drawing.format(tick))) },
      ],
      cursor: { y: true, points: { show: false }, drag: { x: true, y: false, setScale: false }, sync: { key: "batchviz" } },
      hooks: {
        draw: [(self) => this.drawCurves(self)],
        setSelect: [(self) => this.zoomTo(self)],
        setCursor: [(self) => this.readAt(self)],
      },
    }, [[stage.from, stage.to], [null, null]], this.plot);
    u.over.append(this.veil, this.dot);
    u.over.setAttribute("role", "img");
    u.over.setAttribute("aria-label", `${drawing.title} by ${AXIS_LABELS[stage.axis]}`);
    u.over.addEventListener("click", (event) => this.seekTo(u, event));
    u.over.addEventListener("dblclick", () => stage.setZoom(null));
    return u;
  }

  private drawCurves(u: uPlot): void {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.lineJoin = "round";
    this.points = this.drawing.draw(u, this.stage);
    ctx.restore();
  }

  private zoomTo(u: uPlot): void {
    const { left, width } = u.select;
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    if (width < 8) return;
    const from = u.posToVal(left, "x"), to = u.posToVal(left + width, "x");
    if (to > from) this.stage.setZoom([from, to]);
    this.dragged = true;
  }

  private dragged = false;

  private seekTo(u: uPlot, event: MouseEvent): void {
    if (this.dragged) { // the click that ends a drag is not a wish to go there
      this.dragged = false;
      return;
    }
    const box = u.over.getBoundingClientRect();
    const value = u.posToVal(event.clientX - box.left, "x");
    this.stage.act((playhead, extent) => playhead.seek(value, extent));
    this.stage.changed(Change.moment);
  }

  private readAt(u: uPlot): void {
    const { stage, drawing: { column } } = this;
    const { left, top } = u.cursor;
    const inside = left !== undefined && left >= 0 && top !== undefined && top >= 0;
    const hit = inside && column !== null ? recordAt(stage, column, u.posToVal(left, "x"), (value) => Math.abs(u.valToPos(value, "y") - top)) : null;
    this.dot.hidden = !hit;
    if (hit) {
      const x = u.valToPos(stage.clocks[hit.run]!.toAxis(stage.axis, hit.update), "x"), y = u.valToPos(hit.value, "y");
      this.dot.style.transform = `translate(${x.toFixed(1)}px, ${(Number.isFinite(y) ? y : 0).toFixed(1)}px)`;
      this.dot.style.background = stage.styles[hit.run]!.colour[stage.theme];
      setText(this.readout, `${stage.labels[hit.run]!} · update ${whole(hit.update)} · ${figure(hit.value, 4)}`);
    } else setText(this.readout, inside ? `${short(u.posToVal(left, "x"))} · ${this.drawing.readout(u.posToVal(top, "y"))}` : "");
  }
}

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
