/**
 * The overview: evaluation loss of every run over the whole budget, epochs, how far each run has come, and the playhead,
 * which pointer and keyboard move. The curves are redrawn on news; the playhead is an element of its own.
 */
import { AXIS_LABELS } from "../axis.ts";
import { niceStep, short } from "../format.ts";
import { Change, type Mount, type Stage } from "../stage.ts";
import { resolved } from "./chart.ts";
import { el, setAttribute, setText } from "./dom.ts";
import { evaluationRange } from "./range.ts";

export const mountTimeline: Mount = (element, stage) => {
  const canvas = el("canvas", { "aria-hidden": "true" });
  const handle = el("div", { class: "playhead" }, el("i"));
  const made = el("div", { class: "made" });
  const track = el("div", { class: "track", role: "slider", tabindex: 0, "aria-label": "Playhead", "aria-valuemin": 0 }, canvas, made, handle);
  const label = el("output", { class: "figures" });
  element.append(el("div", { class: "panel-head" }, el("h2", {}, "Timeline"), label), track);
  const seek = (event: PointerEvent): void => {
    const box = track.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    stage.act((playhead, extent) => playhead.seek(share * extent.total, extent));
  };
  track.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    track.setPointerCapture(event.pointerId);
    seek(event);
  });
  track.addEventListener("pointermove", (event) => {
    if (track.hasPointerCapture(event.pointerId)) seek(event);
  });
  track.addEventListener("keydown", (event) => {
    const far = event.key === "PageUp" || event.key === "ArrowUp" ? 1 : event.key === "PageDown" || event.key === "ArrowDown" ? -1 : 0;
    if (far === 0) return;
    stage.act((playhead, extent) => playhead.seek(playhead.position + (far * extent.total) / (event.key.startsWith("Page") ? 10 : 100), extent));
    event.preventDefault();
  });
  new ResizeObserver(() => stage.changed(Change.size)).observe(track);
  let font = "";
  const news = Change.manifest | Change.data | Change.axis | Change.zoom | Change.runs | Change.theme | Change.size;
  return {
    wants: news | Change.moment,
    draw(changes) {
      if (stage.manifest === null) return;
      const { total, head } = stage.extent();
      const share = Math.min(1, stage.playhead.position / total);
      handle.style.transform = `translateX(${(share * 100).toFixed(4)}%)`;
      const text = `${say(stage, stage.playhead.position)} of ${say(stage, total)} ${AXIS_LABELS[stage.axis]}`;
      setText(label, text);
      setAttribute(track, "aria-valuemax", String(Math.round(total)));
      setAttribute(track, "aria-valuenow", String(Math.round(stage.playhead.position)));
      setAttribute(track, "aria-valuetext", text);
      if ((changes & news) === 0) return;
      made.style.transform = `scaleX(${Math.min(1, head / total).toFixed(5)})`;
      if (changes & (Change.size | Change.theme) || font === "") {
        const style = getComputedStyle(document.documentElement);
        font = `${style.getPropertyValue("--chart-type")} ${style.getPropertyValue("--font")}`;
      }
      paint(canvas, stage, font);
    },
  };
};

const say = (stage: Stage, value: number): string => (stage.axis === "epochs" ? value.toFixed(2) : short(value));

function paint(canvas: HTMLCanvasElement, stage: Stage, font: string): void {
  const ratio = Math.min(2, devicePixelRatio);
  const width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const ctx = canvas.getContext("2d");
  if (ctx === null || width === 0) return;
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, width, height);
  const { total } = stage.extent();
  const x = (value: number): number => (value / total) * width;
  if (stage.zoom !== null) {
    ctx.fillStyle = resolved("--accent-faint", canvas.parentElement!);
    ctx.fillRect(x(stage.zoom[0]), 0, x(stage.zoom[1]) - x(stage.zoom[0]), height);
  }
  const room = height - 14;
  paintEpochs(ctx, stage, x, width, height, canvas.parentElement!, font);
  paintLosses(ctx, stage, x, room);
}

/** Epochs of the run that the steps belong to; on an axis where runs differ, the label says whose they are. */
function paintEpochs(ctx: CanvasRenderingContext2D, stage: Stage, x: (value: number) => number, width: number, height: number, near: HTMLElement, font: string): void {
  const run = stage.stepRun;
  if (run === undefined) return;
  const clock = stage.clocks[run.index]!;
  const epochs = clock.toAxis("epochs", clock.toUpdates(stage.axis, stage.extent().total));
  const step = Math.max(1, niceStep(epochs, Math.min(12, width / 80)));
  ctx.strokeStyle = resolved("--line", near);
  ctx.fillStyle = resolved("--quiet", near);
  ctx.font = font;
  ctx.lineWidth = 1;
  for (let epoch = step; epoch <= epochs + 1e-9; epoch += step) {
    const at = Math.min(width - 0.5, Math.round(x(clock.toAxis(stage.axis, clock.toUpdates("epochs", epoch)))) + 0.5);
    ctx.beginPath();
    ctx.moveTo(at, 0);
    ctx.lineTo(at, height);
    ctx.stroke();
    const whose = stage.axis === "examples" || stage.axis === "epochs" ? "" : ` of B = ${run.batchSize}`;
    const text = epoch === step ? `epoch ${epoch}${whose}` : String(epoch);
    const room = ctx.measureText(text).width;
    ctx.fillText(text, at + 4 + room > width ? at - room - 4 : at + 4, height - 3);
  }
}

/** The overview is logarithmic where it can be: it is for finding moments, not for reading values. */
function paintLosses(ctx: CanvasRenderingContext2D, stage: Stage, x: (value: number) => number, room: number): void {
  const [low, high] = evaluationRange(stage);
  const place = low > 0 ? (value: number) => Math.log(value / low) / (Math.log(high / low) || 1) : (value: number) => (value - low) / (high - low || 1);
  for (const { index } of stage.manifest!.runs) {
    if (stage.hidden.has(index)) continue;
    const clock = stage.clocks[index]!, { evaluations, head } = stage.store.runs[index]!;
    const { colour, dash } = stage.styles[index]!;
    ctx.strokeStyle = ctx.fillStyle = colour[stage.theme];
    ctx.lineWidth = index === stage.selected ? 2.5 : 1.5;
    ctx.setLineDash(dash as number[]);
    ctx.beginPath();
    let down = false;
    for (let i = 0; i < evaluations.count; i++) {
      const value = evaluations.value(i, 0);
      const px = x(clock.toAxis(stage.axis, evaluations.updates[i]!));
      const py = 4 + (1 - Math.min(1.2, place(value))) * (room - 6);
      if (!Number.isFinite(py)) down = false;
      else {
        if (down) ctx.lineTo(px, py);
        else ctx.moveTo(px, py);
        down = true;
      }
    }
    ctx.stroke();
    ctx.setLineDash([]);
    const end = x(clock.toAxis(stage.axis, head));
    ctx.beginPath();
    ctx.moveTo(end - 4, 0);
    ctx.lineTo(end + 4, 0);
    ctx.lineTo(end, 6);
    ctx.fill();
  }
}
