/**
 * The window, up close: batches of the selected run, what happened when, the selected range and the playhead. A click brings the
 * playhead there; where batches can be told apart, to that batch, and opens it.
 */
import { figure, whole } from "../../format.ts";
import { tr } from "../../language.ts";
import { columnIndex, COLUMN, type RunInfo } from "../../manifest.ts";
import { inReadersLanguage } from "../../serverMessages.ts";
import { Change, type Stage } from "../../stage.ts";
import { Buckets } from "../../store.ts";
import { resolved } from "../chart.ts";
import { el, setAttribute, setText } from "../dom.ts";
import { press, type Keys } from "../keys.ts";
import { Batches } from "./batches.ts";
import { paintGlyph } from "./glyphs.ts";
import { KeyframeList } from "./keyframes.ts";
import { epochsBetween, markersOf, nearest, type Marker } from "./markers.ts";
import { windowOf, zoomBy } from "./overview.ts";
import { begin } from "./paint.ts";
import { panned } from "./window.ts";

const DRAG = 4,
  REACH = 7;
/** Heights of the lanes for signs above the batches and for epochs below them. */
const SIGNS = 12,
  EPOCHS = 14;

const row = new Buckets();

/** What keys do on the track, beside those of the whole page. */
export const TRACK_KEYS: Keys<{ far(by: number): void; zoom(factor: number): void; toMarker(by: 1 | -1): void; open(): boolean }> = [
  {
    keys: ["ArrowDown", "ArrowUp"],
    words: tr("a hundredth of the window back or on", "后退或前进窗口的百分之一"),
    act: (track, key) => track.far(key === "ArrowUp" ? 0.01 : -0.01),
  },
  {
    keys: ["PageDown", "PageUp"],
    words: tr("a tenth of the window back or on", "后退或前进窗口的十分之一"),
    act: (track, key) => track.far(key === "PageUp" ? 0.1 : -0.1),
  },
  {
    keys: ["+", "-"],
    also: ["="],
    words: tr("closer, farther", "放大、缩小"),
    act: (track, key) => track.zoom(key === "-" ? 1.5 : 1 / 1.5),
  },
  {
    keys: ["n", "Shift+n"],
    words: tr("to the next or previous marker", "到下一个或上一个标记"),
    act: (track, key) => track.toMarker(key === "n" ? 1 : -1),
  },
  { keys: ["Enter"], words: tr("open the batch", "打开批量"), act: (track) => track.open() },
];

export class Track {
  readonly batches = new Batches();
  private readonly canvas = el("canvas", { "aria-hidden": "true" });
  private readonly made = el("div", { class: "made" });
  private readonly range = el("div", { class: "range", hidden: true });
  private readonly cell = el("div", { class: "cell", hidden: true });
  private readonly hair = el("div", { class: "hair", hidden: true });
  private readonly handle = el("div", { class: "playhead" }, el("i"));
  private readonly tip = el("div", { class: "tip figures", hidden: true, "aria-hidden": "true" });
  readonly root = el(
    "div",
    {
      class: "track",
      role: "slider",
      tabindex: 0,
      "aria-label": tr("Playhead", "播放头"),
      "aria-valuemin": 0,
      "aria-valuenow": 0,
      "aria-description": tr(
        "Plus and minus zoom, N goes to the next marker, B and E begin and end a range at the playhead",
        "加号与减号缩放，N 跳到下一个标记，B 与 E 在播放头处开始和结束选区",
      ),
    },
    this.canvas,
    this.range,
    this.cell,
    this.made,
    this.hair,
    this.handle,
  );
  readonly place = el("div", { class: "track-place" }, this.root, this.tip);
  private readonly keyframes: KeyframeList;
  /** Of the selected run, then of the others. */
  private own: Marker[] = [];
  private others: Marker[] = [];
  private font = "";
  private readonly touches = new Map<number, number>();
  /** Where the pointer is on the track, in the page's pixels; null: elsewhere. */
  private pointer: { readonly x: number; readonly y: number } | null = null;

  constructor(private readonly stage: Stage) {
    const { root } = this;
    this.keyframes = new KeyframeList(
      (run, cancel) => stage.remote.keyframes(run, cancel),
      () => stage.changed(Change.detail),
    );
    new ResizeObserver(() => stage.changed(Change.size)).observe(root);
    root.addEventListener("pointerdown", (event) => this.grab(event));
    root.addEventListener("pointermove", (event) => this.hover(event));
    root.addEventListener("pointerleave", () => this.leave());
    root.addEventListener("keydown", (event) => this.press(event));
    root.addEventListener("wheel", (event) => this.roll(event), { passive: false });
  }

  private share(value: number): number {
    const { from, to } = this.stage;
    return (value - from) / (to - from || 1);
  }

  private valueAt(clientX: number): number {
    const box = this.root.getBoundingClientRect(),
      { from, to } = this.stage;
    return from + ((clientX - box.left) / box.width) * (to - from);
  }

  showMoment(text: string): void {
    const { stage, handle, root } = this,
      { position } = stage.playhead;
    const share = this.share(position),
      inside = share >= -1e-9 && share <= 1 + 1e-9;
    if (handle.hidden === inside) handle.hidden = !inside;
    if (inside) handle.style.setProperty("--share", Math.min(1, Math.max(0, share)).toFixed(6));
    setAttribute(root, "aria-valuemax", String(Math.round(stage.extent().total)));
    setAttribute(root, "aria-valuenow", String(Math.round(position)));
    setAttribute(
      root,
      "aria-valuetext",
      stage.playhead.mode === "paused" ? [text, ...this.marksAt(position, 1).map(({ words }) => words)].join("; ") : text,
    );
    const run = stage.stepRun;
    this.showCell(
      run !== undefined && this.batches.single && stage.playhead.mode === "paused" ? run : null,
      run === undefined ? 0 : stage.updateAt(run.index),
    );
  }

  showCursor(): void {
    const { cursor } = this.stage,
      share = cursor === null ? -1 : this.share(cursor);
    const inside = share >= 0 && share <= 1;
    if (this.hair.hidden === inside) this.hair.hidden = !inside;
    if (inside) this.hair.style.transform = `translateX(${(share * 100).toFixed(3)}%)`;
  }

  showRange(): void {
    const { range, loop } = this.stage;
    this.range.hidden = range === null;
    this.range.toggleAttribute("data-loop", loop);
    if (range === null) return;
    const from = Math.max(-0.01, this.share(range[0])),
      to = Math.min(1.01, this.share(range[1]));
    this.range.hidden = to <= from;
    this.range.style.left = `${(100 * from).toFixed(3)}%`;
    this.range.style.width = `${(100 * (to - from)).toFixed(3)}%`;
  }

  /** The batch at the playhead, framed. */
  private showCell(run: RunInfo | null, update: number): void {
    const share = run === null || update < 1 ? NaN : this.share(this.stage.clocks[run.index]!.toAxis(this.stage.axis, update));
    this.cell.hidden = !(share > 0 && share <= 1 + 1e-9);
    if (this.cell.hidden || run === null) return;
    const left = this.share(this.stage.clocks[run.index]!.toAxis(this.stage.axis, update - 1));
    this.cell.style.left = `${(100 * Math.max(0, left)).toFixed(4)}%`;
    this.cell.style.width = `${(100 * (share - Math.max(0, left))).toFixed(4)}%`;
  }

  draw(changes: number, now: number): void {
    const { stage } = this,
      run = stage.stepRun,
      manifest = stage.manifest!;
    const made = Math.max(0, Math.min(1, this.share(stage.extent().head)));
    this.made.style.transform = `scaleX(${made.toFixed(5)})`;
    if (changes & (Change.size | Change.theme) || this.font === "") {
      const style = getComputedStyle(document.documentElement);
      this.font = `${style.getPropertyValue("--chart-type")} ${style.getPropertyValue("--font")}`;
    }
    const place = begin(this.canvas);
    if (place === null || run === undefined) return;
    const { ctx, width, height } = place,
      clock = stage.clocks[run.index]!;
    const x = (value: number): number => this.share(value) * width;
    this.batches.read(stage, run, width);
    this.keyframes.look(manifest.generation, run.index, stage.store.runs[run.index]!.made, now);
    this.own = markersOf(run, manifest, clock, stage.store.runs[run.index]!, stage.labels);
    this.others = manifest.runs
      .filter((other) => other !== run && !stage.hidden.has(other.index))
      .flatMap((other) => markersOf(other, manifest, stage.clocks[other.index]!, stage.store.runs[other.index]!, stage.labels));
    this.paintEpochs(ctx, run, x, width, height);
    this.batches.paint(ctx, stage, run, x, SIGNS + 2, height - EPOCHS - 2, resolved("--red", this.root));
    this.paintMarkers(ctx, run, x, width, height);
    this.look();
  }

  /** Whole epochs of the selected run, every one or as many as have room; on an axis where runs differ, the label says whose they are. */
  private paintEpochs(ctx: CanvasRenderingContext2D, run: RunInfo, x: (value: number) => number, width: number, height: number): void {
    const { stage } = this,
      clock = stage.clocks[run.index]!,
      { axis } = stage;
    ctx.strokeStyle = resolved("--line", this.root);
    ctx.fillStyle = resolved("--quiet", this.root);
    ctx.font = this.font;
    ctx.lineWidth = 1;
    const whose = axis === "examples" || axis === "epochs" ? "" : tr(` of B = ${run.batchSize}`, `（B = ${run.batchSize}）`);
    let first = true,
      free = -Infinity;
    for (const epoch of epochsBetween(
      clock,
      clock.toUpdates(axis, stage.from),
      clock.toUpdates(axis, stage.to),
      Math.min(16, width / 70),
    )) {
      const at = Math.min(width - 0.5, Math.round(x(clock.toAxis(axis, clock.toUpdates("epochs", epoch)))) + 0.5);
      ctx.beginPath();
      ctx.moveTo(at, 0);
      ctx.lineTo(at, height);
      ctx.stroke();
      const text = first ? tr(`epoch ${epoch}${whose}`, `第 ${epoch} 轮${whose}`) : String(epoch);
      const room = ctx.measureText(text).width,
        left = at + 4 + room > width ? at - room - 4 : at + 4;
      if (left < free) continue;
      ctx.fillText(text, left, height - 3);
      free = left + room + 6;
      first = false;
    }
  }

  private paintMarkers(ctx: CanvasRenderingContext2D, run: RunInfo, x: (value: number) => number, width: number, height: number): void {
    const { stage } = this,
      { axis } = stage,
      text = resolved("--text", this.root),
      red = resolved("--red", this.root);
    const at = ({ run: of, update }: Marker): number => x(stage.clocks[of]!.toAxis(axis, update));
    ctx.lineWidth = 1.5;
    ctx.globalAlpha = 0.45;
    for (const marker of this.others) {
      const px = at(marker);
      if (px < -5 || px > width + 5) continue;
      ctx.fillStyle = ctx.strokeStyle = marker.kind === "diverged" ? red : stage.styles[marker.run]!.colour[stage.theme];
      paintGlyph(ctx, marker.kind, px, SIGNS / 2 + 1);
    }
    ctx.globalAlpha = 1;
    ctx.fillStyle = resolved("--quiet", this.root);
    let before = -Infinity;
    for (const update of this.keyframes.updates) {
      const px = x(stage.clocks[run.index]!.toAxis(axis, update));
      if (px < 0 || px > width || px - before < 4) continue;
      before = px;
      paintGlyph(ctx, "keyframe", Math.min(width - 1, Math.max(1, px)), height - EPOCHS);
    }
    before = -Infinity;
    for (const marker of this.own) {
      const px = at(marker);
      if (px < -5 || px > width + 5 || (px - before < 3 && marker.kind === "rate")) continue;
      before = px;
      ctx.fillStyle = ctx.strokeStyle = marker.kind === "diverged" ? red : text;
      ctx.globalAlpha = 0.35;
      ctx.fillRect(Math.round(px), SIGNS, 1, height - SIGNS - EPOCHS);
      ctx.globalAlpha = 1;
      paintGlyph(ctx, marker.kind, Math.min(width - 5, Math.max(5, px)), SIGNS / 2 + 1);
    }
  }

  /** What lies within so many pixels of a moment, of the selected run first. */
  private marksAt(moment: number, reach: number): Marker[] {
    const { stage } = this,
      pixel = (stage.to - stage.from) / (this.root.clientWidth || 1);
    const place = ({ run, update }: Marker): number => stage.clocks[run]!.toAxis(stage.axis, update) / pixel;
    const own = nearest(this.own, place, moment / pixel, reach);
    if (own.length > 0) return own;
    const run = stage.stepRun;
    if (run === undefined) return [];
    const keyframes = this.keyframes.updates.map((update): Marker => ({
      kind: "keyframe",
      run: run.index,
      update,
      words: tr(`Keyframe: weights kept after update ${whole(update)}`, `关键帧：保留了第 ${whole(update)} 次更新后的权重`),
    }));
    const kept = nearest(keyframes, place, moment / pixel, Math.min(reach, 3));
    return kept.length > 0
      ? kept
      : nearest(this.others, place, moment / pixel, reach).map((marker) => ({
          ...marker,
          words: `${stage.labels[marker.run]!}: ${marker.words}`,
        }));
  }

  /** The update whose batch lies at a moment. */
  private updateAt(run: RunInfo, moment: number): number {
    const { stage } = this,
      { made } = stage.store.runs[run.index]!;
    return Math.max(1, Math.min(made, Math.floor(stage.clocks[run.index]!.toUpdates(stage.axis, moment) + 1e-9) + 1));
  }

  private hover(event: PointerEvent): void {
    if (event.pointerType === "touch" || this.stage.manifest === null) return;
    this.pointer = { x: event.clientX, y: event.clientY };
    this.look();
  }

  /** What is under the pointer now, which the track may have moved away from under it. */
  private look(): void {
    const { stage, pointer } = this;
    if (pointer === null) return;
    const at = this.valueAt(pointer.x),
      box = this.root.getBoundingClientRect(),
      lane = pointer.y - box.top;
    stage.setCursor(Math.max(0, at));
    const inSigns = lane < SIGNS + 3,
      inEpochs = lane > box.height - EPOCHS - 4;
    const words =
      inSigns || inEpochs
        ? this.marksAt(at, REACH)
            .map(({ words }) => words)
            .join(" · ")
        : "";
    this.tell(words || this.describe(at), pointer.x - box.left, box.width);
  }

  /** The batch under the pointer, or the moment. */
  private describe(at: number): string {
    const { stage } = this,
      run = stage.stepRun;
    if (run === undefined || at < 0) return "";
    const clock = stage.clocks[run.index]!,
      { made } = stage.store.runs[run.index]!;
    if (made === 0 || clock.toUpdates(stage.axis, at) > made) return "";
    const update = this.updateAt(run, at),
      column = columnIndex(stage.manifest!, COLUMN.loss);
    const name = tr(
      `${stage.labels[run.index]!} · update ${whole(update)} · epoch ${whole(clock.epochOf(update))}`,
      `${stage.labels[run.index]!} · 第 ${whole(update)} 次更新 · 第 ${whole(clock.epochOf(update))} 轮`,
    );
    if (column < 0 || !stage.store.at(run.index, column, update, row)) return name;
    const loss = row.level === 0 ? figure(row.last[0]!) : `${figure(row.min[0]!, 2)}–${figure(row.max[0]!, 2)}`;
    const short = clock.isRemainder(update)
      ? tr(
          ` · short batch, ${whole(clock.batchOf(update))} of ${whole(clock.batchSizeAt(update))} examples`,
          ` · 短批量，${whole(clock.batchSizeAt(update))} 个样本中的 ${whole(clock.batchOf(update))} 个`,
        )
      : "";
    return `${name}${tr(" · batch loss ", " · 批量损失 ")}${loss}${this.unit}${short}`;
  }

  private tell(words: string, at: number, width: number): void {
    this.tip.hidden = words === "";
    if (words === "") return;
    setText(this.tip, words);
    const room = this.tip.offsetWidth;
    this.tip.style.transform = `translateX(${Math.max(0, Math.min(width - room, at - room / 2)).toFixed(0)}px)`;
  }

  private leave(): void {
    this.pointer = null;
    this.tell("", 0, 0);
    this.stage.setCursor(null);
  }

  private grab(event: PointerEvent): void {
    if (event.button !== 0 || this.stage.manifest === null) return;
    const { stage, root } = this,
      start = this.valueAt(event.clientX),
      selects = event.shiftKey || stage.rangeTool;
    root.setPointerCapture(event.pointerId);
    if (event.pointerType === "touch") this.touches.set(event.pointerId, event.clientX);
    const run = stage.stepRun,
      clicks = !selects && this.batches.single && run !== undefined && this.touches.size < 2;
    let moved = false;
    const seek = (at: number): void => stage.act((playhead, extent) => playhead.seek(at, extent));
    if (!selects && !clicks && this.touches.size < 2) seek(start);
    const move = (e: PointerEvent): void => {
      if (e.pointerId !== event.pointerId) return;
      if (this.touches.size === 2) {
        moved = true;
        return this.pinch(e);
      }
      if (!moved && Math.abs(e.clientX - event.clientX) < DRAG) return;
      moved = true;
      const at = Math.max(0, this.valueAt(e.clientX));
      if (selects) stage.setRange([Math.max(0, Math.min(start, stage.extent().total)), Math.min(at, stage.extent().total)]);
      else seek(at);
    };
    root.addEventListener("pointermove", move);
    root.addEventListener(
      "lostpointercapture",
      (e) => {
        if (e.pointerId !== event.pointerId) return;
        root.removeEventListener("pointermove", move);
        this.touches.delete(event.pointerId);
        if (moved) return;
        if (selects) stage.setRange(null);
        else if (clicks && run !== undefined) this.open(run, start);
      },
      { once: true },
    );
  }

  private open(run: RunInfo, moment: number): void {
    const { stage } = this;
    if (stage.store.runs[run.index]!.made === 0) return;
    if (stage.panels.has("inspector")) stage.setPanel("inspector", true);
    stage.openBatch(run.index, this.updateAt(run, moment));
  }

  /** Two fingers: what is between them stays between them. */
  private pinch(event: PointerEvent): void {
    const { stage, touches } = this;
    const other = [...touches].find(([id]) => id !== event.pointerId);
    const before = touches.get(event.pointerId);
    if (other === undefined || before === undefined) return;
    const spread = (a: number): number => Math.max(20, Math.abs(a - other[1]));
    const middle = this.valueAt((before + other[1]) / 2),
      shift = this.valueAt(before) - this.valueAt(event.clientX);
    zoomBy(stage, spread(before) / spread(event.clientX), middle);
    if (stage.zoom !== null) stage.setZoom(panned(windowOf(stage), stage.extent().total, shift / 2));
    touches.set(event.pointerId, event.clientX);
  }

  private roll(event: WheelEvent): void {
    event.preventDefault();
    const { stage } = this,
      sideways = event.shiftKey ? event.deltaY || event.deltaX : Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : 0;
    if (sideways === 0) zoomBy(stage, (event.ctrlKey ? 1.01 : 1.0015) ** event.deltaY, this.valueAt(event.clientX));
    else if (stage.zoom !== null)
      stage.setZoom(panned(windowOf(stage), stage.extent().total, (sideways * (stage.to - stage.from)) / this.root.clientWidth));
  }

  private readonly keys = {
    far: (by: number): void =>
      this.stage.act((playhead, extent) => playhead.seek(playhead.position + by * (this.stage.to - this.stage.from), extent)),
    zoom: (factor: number): void => zoomBy(this.stage, factor, this.middle()),
    toMarker: (by: 1 | -1): void => this.toMarker(by),
    open: (): boolean => {
      const { stage } = this,
        run = stage.stepRun;
      if (run !== undefined) this.open(run, stage.clocks[run.index]!.toAxis(stage.axis, Math.max(0, stage.updateAt(run.index) - 0.5)));
      return run !== undefined;
    },
  };

  private press(event: KeyboardEvent): void {
    if (press(TRACK_KEYS, event, this.keys)) event.preventDefault();
  }

  /** Keys zoom about the playhead where it is in the window. */
  private middle(): number {
    const { position } = this.stage.playhead,
      { from, to } = this.stage;
    return position >= from && position <= to ? position : (from + to) / 2;
  }

  private toMarker(by: 1 | -1): void {
    const { stage } = this,
      run = stage.stepRun;
    if (run === undefined) return;
    const clock = stage.clocks[run.index]!,
      here = stage.playhead.position,
      { total } = stage.extent();
    const moments = [...this.own.map(({ update }) => update), ...this.keyframes.updates]
      .map((update) => clock.toAxis(stage.axis, update))
      .sort((a, b) => a - b);
    const next = by > 0 ? moments.find((at) => at > here + total * 1e-9) : moments.filter((at) => at < here - total * 1e-9).at(-1);
    if (next !== undefined) stage.act((playhead, extent) => playhead.hold(next, extent));
  }

  /** Of losses, with a space before it where there is one. */
  private get unit(): string {
    const unit = inReadersLanguage(this.stage.manifest!.columns[columnIndex(this.stage.manifest!, COLUMN.loss)]?.unit ?? "");
    return unit === "" ? "" : ` ${unit}`;
  }

  /** What the bars are, in words. */
  caption(): string {
    const { stage, batches } = this,
      run = stage.stepRun;
    if (run === undefined) return "";
    if (batches.row.count === 0)
      return tr(`${stage.labels[run.index]!}: no batches here yet`, `${stage.labels[run.index]!}：此处还没有批量`);
    const span = `${figure(batches.low, 2)}–${figure(batches.high, 2)}`,
      { unit } = this;
    return batches.single
      ? tr(
          `${stage.labels[run.index]!}: each bar is the loss of one batch, up to ${figure(batches.high, 2)}${unit}; click one to open it`,
          `${stage.labels[run.index]!}：每根柱是一个批量的损失，最大 ${figure(batches.high, 2)}${unit}；单击打开`,
        )
      : tr(
          `${stage.labels[run.index]!}: batch loss, ${span}${unit}, least to largest of ${whole(4 ** batches.row.level)} updates each`,
          `${stage.labels[run.index]!}：批量损失 ${span}${unit}，每段为 ${whole(4 ** batches.row.level)} 次更新的最小至最大值`,
        );
  }
}
