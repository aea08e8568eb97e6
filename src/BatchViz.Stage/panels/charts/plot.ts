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

  constructor(public ctx: Canvas) {}

  place(left: number, top: number, width: number, height: number): void {
    this.left = left;
    this.top = top;
    this.width = width;
    this.height = height;
  }

  x(value: number): number {
    return this.xs.at(value);
  }

  y(value: number): number {
    return this.ys.at(value);
  }
}
