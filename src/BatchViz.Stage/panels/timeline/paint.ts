/** Canvas help that overview and track share. */
import type { Stage } from "../../stage.ts";
import { evaluationRange } from "../range.ts";

/** Sized to its element and cleared; null while it has no room. */
export function begin(canvas: HTMLCanvasElement): { ctx: CanvasRenderingContext2D; width: number; height: number } | null {
  const ratio = Math.min(2, devicePixelRatio),
    width = canvas.clientWidth,
    height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const ctx = canvas.getContext("2d");
  if (ctx === null || width === 0) return null;
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, width, height);
  return { ctx, width, height };
}

/** Evaluation losses of all runs, logarithmic where they can be: for finding moments, not for reading values. */
export function paintLosses(ctx: CanvasRenderingContext2D, stage: Stage, x: (value: number) => number, room: number): void {
  const [low, high] = evaluationRange(stage);
  const place =
    low > 0 ? (value: number) => Math.log(value / low) / (Math.log(high / low) || 1) : (value: number) => (value - low) / (high - low || 1);
  for (const { index } of stage.manifest!.runs) {
    if (stage.hidden.has(index)) continue;
    const clock = stage.clocks[index]!,
      { evaluations, head } = stage.store.runs[index]!;
    const { colour, dash } = stage.styles[index]!;
    ctx.strokeStyle = ctx.fillStyle = colour[stage.theme];
    ctx.lineWidth = index === stage.selected ? 2 : 1.25;
    ctx.setLineDash(dash as number[]);
    ctx.beginPath();
    let down = false;
    for (let i = 0; i < evaluations.count; i++) {
      const px = x(clock.toAxis(stage.axis, evaluations.updates[i]!));
      const py = 3 + (1 - Math.min(1.2, place(evaluations.value(i, 0)))) * (room - 6);
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
