/** Where curves are drawn: a canvas or a vector writer, a frame on it, and what value lies where. All in the canvas' pixels. */
import { Scale } from "./scale.ts";
import type { Canvas } from "./vector.ts";

export class Plot {
  readonly xs = new Scale();
  readonly ys = new Scale();
  /** The axis on the right, where a chart has one. */
  readonly rights = new Scale();
  left = 0;
  top = 0;
  width = 0;
  height = 0;
  /** Canvas pixels of one pixel of the page. */
  ratio = 1;
  font = "";
  /** For words and lines that belong to no run. */
  colours = { text: "", quiet: "", hair: "", green: "", ground: "", red: "" };

  private readonly labels: { x: number; y: number; width: number; height: number }[] = [];

  constructor(public ctx: Canvas) {}

  place(left: number, top: number, width: number, height: number): void {
    this.left = left;
    this.top = top;
    this.width = width;
    this.height = height;
    this.labels.length = 0;
  }

  /** Where a label of this size is written that would like to be here: inside the frame, below those that have the place already. */
  label(x: number, y: number, width: number, height: number): number {
    const lowest = this.top + this.height - height;
    y = Math.max(this.top, Math.min(y, lowest));
    const over = (): { y: number; height: number } | undefined =>
      this.labels.find((other) => x < other.x + other.width && other.x < x + width && y < other.y + other.height && other.y < y + height);
    for (let other = over(); other !== undefined && y < lowest; other = over()) y = Math.min(lowest, other.y + other.height);
    this.labels.push({ x, y, width, height });
    return y;
  }

  x(value: number): number {
    return this.xs.at(value);
  }

  y(value: number): number {
    return this.ys.at(value);
  }
}
