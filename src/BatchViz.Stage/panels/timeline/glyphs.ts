/** The markers' signs: shapes tell them apart, colour only says whose they are. */
import type { MarkerKind } from "./markers.ts";

const SIZE = 4;

/** Fills or strokes a sign of about 8 pixels around a point. */
export function paintGlyph(ctx: CanvasRenderingContext2D, kind: MarkerKind, x: number, y: number): void {
  ctx.beginPath();
  switch (kind) {
    case "rate": // a rate goes down
      ctx.moveTo(x - SIZE, y - 3);
      ctx.lineTo(x + SIZE, y - 3);
      ctx.lineTo(x, y + SIZE);
      return ctx.fill();
    case "batch":
      ctx.moveTo(x, y - SIZE);
      ctx.lineTo(x + SIZE, y);
      ctx.lineTo(x, y + SIZE);
      ctx.lineTo(x - SIZE, y);
      return ctx.fill();
    case "fork":
      ctx.moveTo(x, y + SIZE);
      ctx.lineTo(x, y);
      ctx.lineTo(x - 3.5, y - SIZE);
      ctx.moveTo(x, y);
      ctx.lineTo(x + 3.5, y - SIZE);
      return ctx.stroke();
    case "diverged":
      ctx.moveTo(x - 3.5, y - 3.5);
      ctx.lineTo(x + 3.5, y + 3.5);
      ctx.moveTo(x + 3.5, y - 3.5);
      ctx.lineTo(x - 3.5, y + 3.5);
      return ctx.stroke();
    case "keyframe":
      ctx.rect(x - 1, y - 2, 2, 4);
      return ctx.fill();
  }
}
