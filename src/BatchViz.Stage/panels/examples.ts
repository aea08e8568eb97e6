/** The examples of a batch, drawn: images as they are, examples of two inputs as points among all the others. */
import type { Example, Examples, Points } from "../answers.ts";
import { figure, whole } from "../format.ts";
import { tr } from "../language.ts";
import type { Theme } from "../style.ts";
import { fromBase64 } from "../wire.ts";
import { classColour } from "./charts/boundary.ts";
import { el } from "./dom.ts";

/** An image as the network sees it, brightest where the input is largest; views of it side by side. */
export function drawImage(
  example: Example,
  { image, channels = 1, views = 1 }: Pick<Examples, "image" | "channels" | "views">,
): HTMLCanvasElement {
  const [rows, columns] = image!,
    plane = rows * columns;
  const name = tr(`Example ${whole(example.index)}, ${targetOf(example)}`, `样本 ${whole(example.index)}，${targetOf(example)}`);
  const canvas = el("canvas", { class: "digit", width: columns * views, height: rows, role: "img", "aria-label": name, title: name });
  const ctx = canvas.getContext("2d");
  if (ctx === null || example.pixels === null) return canvas;
  const pixels = fromBase64(example.pixels),
    picture = ctx.createImageData(columns * views, rows);
  for (let view = 0; view < views; view++) {
    for (let i = 0; i < plane; i++) {
      const at = 4 * (Math.floor(i / columns) * columns * views + view * columns + (i % columns));
      for (let c = 0; c < 3; c++) picture.data[at + c] = pixels[(view * channels + Math.min(c, channels - 1)) * plane + i]!;
      picture.data[at + 3] = 255;
    }
  }
  ctx.putImageData(picture, 0, 0);
  return canvas;
}

/** "7", "0.31, −0.2", or "" where there is no target. */
export function targetOf({ target }: Example): string {
  if (target === null) return "";
  return typeof target === "number" ? String(target) : target.map((value) => (value === null ? "–" : figure(value))).join(", ");
}

export class Scatter {
  readonly root = el("canvas", { class: "scatter", role: "img" });

  /** The data set faint, the batch's examples large; `marked`: one of them that is pointed at. */
  draw(points: Points, { examples }: Examples, theme: Theme, tones: { text: string; ground: string }, marked = -1): void {
    const canvas = this.root,
      ratio = Math.min(2, devicePixelRatio),
      width = canvas.clientWidth || 200,
      height = canvas.clientHeight || 140;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const ctx = canvas.getContext("2d");
    if (ctx === null) return;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    const own = examples.filter(
      (example): example is Example & { values: [number, number] } =>
        example.values?.length === 2 && example.values.every((value) => value !== null),
    );
    const [x, y] = scales(
      [...points.x, ...own.map(({ values }) => values[0])],
      [...points.y, ...own.map(({ values }) => values[1])],
      width,
      height,
    );
    const colour = (target: Example["target"]): string => (typeof target === "number" ? classColour(target) : tones.text);
    ctx.globalAlpha = theme === "dark" ? 0.4 : 0.5;
    points.x.forEach((px, i) => {
      ctx.fillStyle = colour(points.target[i] ?? null);
      dot(ctx, x(px), y(points.y[i]!), 1.5);
    });
    ctx.globalAlpha = 1;
    ctx.lineWidth = 1.5;
    for (const { index, target, values } of own) {
      ctx.fillStyle = colour(target);
      ctx.strokeStyle = index === marked ? tones.text : tones.ground;
      dot(ctx, x(values[0]), y(values[1]), index === marked ? 7 : 4.5);
      ctx.stroke();
    }
    canvas.setAttribute(
      "aria-label",
      tr(
        `${whole(own.length)} examples of this batch among ${whole(points.total)}`,
        `${whole(points.total)} 个样本中本批量的 ${whole(own.length)} 个`,
      ),
    );
  }
}

function dot(ctx: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 7);
  ctx.fill();
}

/** Both axes in the same unit, so that distances are what they are. */
export function scales(
  xs: readonly number[],
  ys: readonly number[],
  width: number,
  height: number,
  margin = 9,
): [(value: number) => number, (value: number) => number] {
  const [x0, x1] = ends(xs),
    [y0, y1] = ends(ys);
  const scale = Math.min((width - 2 * margin) / (x1 - x0 || 1), (height - 2 * margin) / (y1 - y0 || 1));
  return [(value) => width / 2 + (value - (x0 + x1) / 2) * scale, (value) => height / 2 - (value - (y0 + y1) / 2) * scale];
}

function ends(values: readonly number[]): [number, number] {
  let low = Infinity,
    high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 1];
}
