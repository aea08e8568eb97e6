/** A chart as a picture of its own: title, axes, curves and legend, drawn by the same calls on a canvas (PNG) or as SVG. */
import { AXIS_LABELS } from "../../axis.ts";
import { short } from "../../format.ts";
import type { Stage } from "../../stage.ts";
import { noteOf } from "./bands.ts";
import { writeNotes } from "./curves.ts";
import type { Drawing } from "./drawing.ts";
import { Plot } from "./plot.ts";
import { ticksOf, type ScaleKind } from "./scale.ts";
import type { Canvas } from "./vector.ts";
import { windowFrom } from "./window.ts";

export const WIDTH = 960,
  HEIGHT = 540;
const FONT = '"Inter Variable", Inter, system-ui, sans-serif';
const MARGIN = { left: 64, right: 32, top: 72, bottom: 84 };

export interface Look {
  kind: ScaleKind;
  colours: Plot["colours"];
}

/** Draws on `ctx` in `ratio` pixels to one of the picture's. False when there is nothing to show. */
export function paintPicture(ctx: Canvas, drawing: Drawing, stage: Stage, { kind, colours }: Look, ratio = 1): boolean {
  const plot = new Plot(ctx),
    right = drawing.right?.range(stage) ?? null;
  const width = WIDTH - MARGIN.left - MARGIN.right - (right === null ? 0 : 24),
    height = HEIGHT - MARGIN.top - MARGIN.bottom;
  const range = drawing.range(stage, kind, width / height);
  if (range === null) return false;
  const [from, to] = drawing.frame?.range(stage, width / height) ?? [windowFrom(stage), stage.to];
  const timeKind = drawing.frame === undefined && stage.logTime ? "log" : "linear";
  plot.ratio = ratio;
  plot.colours = colours;
  plot.font = `${12 * ratio}px ${FONT}`;
  plot.place(MARGIN.left * ratio, MARGIN.top * ratio, width * ratio, height * ratio);
  const { left, top } = plot,
    bottom = plot.top + plot.height,
    end = plot.left + plot.width;
  plot.xs.set(timeKind, from, to, left, end);
  plot.ys.set(kind, range[0], range[1], bottom, top);
  if (right !== null) plot.rights.set("linear", right[0], right[1], bottom, top);
  const text = (words: string, x: number, y: number, align: CanvasTextAlign, colour = colours.quiet, font = plot.font): void => {
    ctx.font = font;
    ctx.textAlign = align;
    ctx.textBaseline = "middle";
    ctx.fillStyle = colour;
    ctx.fillText(words, x, y);
  };

  ctx.fillStyle = colours.ground;
  ctx.fillRect(0, 0, WIDTH * ratio, HEIGHT * ratio);
  const unit = drawing.unit(stage);
  text(
    unit === "" ? drawing.title() : `${drawing.title()}, ${unit}`,
    left,
    24 * ratio,
    "left",
    colours.text,
    `600 ${17 * ratio}px ${FONT}`,
  );
  text(stage.manifest!.name, end, 24 * ratio, "right");
  text(noteOf(drawing, stage), left, 48 * ratio, "left");

  ctx.strokeStyle = colours.hair;
  ctx.lineWidth = ratio;
  const xTicks = drawing.frame?.splits?.() ?? ticksOf(timeKind, from, to, 8),
    xTexts = drawing.frame?.ticks(stage, xTicks) ?? xTicks.map(short);
  xTicks.forEach((tick, i) => {
    line(ctx, plot.x(tick), top, plot.x(tick), bottom);
    text(xTexts[i]!, plot.x(tick), bottom + 16 * ratio, "center");
  });
  for (const tick of ticksOf(kind, range[0], range[1], 7)) {
    line(ctx, left, plot.y(tick), end, plot.y(tick));
    text(drawing.format(tick), left - 8 * ratio, plot.y(tick), "right");
  }
  if (right !== null)
    for (const tick of ticksOf("linear", right[0], right[1], 6))
      text(drawing.right!.format(tick), end + 8 * ratio, plot.rights.at(tick), "left", colours.green);
  text(drawing.frame?.label(stage) ?? AXIS_LABELS[stage.axis], left + plot.width / 2, bottom + 38 * ratio, "center");

  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, plot.width, plot.height);
  ctx.clip();
  ctx.lineJoin = "round";
  drawing.draw(plot, stage);
  writeNotes(plot);
  ctx.restore();
  if (drawing.at !== undefined || drawing.name === "histogram") legend(ctx, stage, left, bottom + 62 * ratio, end, ratio, text);
  return true;
}

function line(ctx: Canvas, x0: number, y0: number, x1: number, y1: number): void {
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}

/** Runs that look alike are named once; what has no room in one line is counted. */
function legend(
  ctx: Canvas,
  stage: Stage,
  left: number,
  y: number,
  end: number,
  ratio: number,
  text: (words: string, x: number, y: number, align: CanvasTextAlign) => void,
): void {
  const looks = new Map<string, number>();
  for (const { index, batchSize, fork } of stage.manifest!.runs) {
    const key = fork ? `run ${index}` : `B = ${batchSize}`;
    if (!stage.hidden.has(index) && !looks.has(key)) looks.set(key, index);
  }
  let x = left,
    named = 0;
  for (const [key, index] of looks) {
    const words = key.startsWith("run") ? stage.labels[index]! : key,
      room = (40 + 7 * words.length) * ratio;
    if (x + room > end) {
      text(`+ ${looks.size - named}`, x, y, "left");
      break;
    }
    const { colour, dash } = stage.styles[index]!;
    ctx.strokeStyle = colour[stage.theme];
    ctx.lineWidth = 2 * ratio;
    ctx.setLineDash(dash.map((d) => d * ratio));
    line(ctx, x, y, x + 24 * ratio, y);
    ctx.setLineDash([]);
    text(words, x + 30 * ratio, y, "left");
    x += room + 8 * ratio;
    named++;
  }
}
