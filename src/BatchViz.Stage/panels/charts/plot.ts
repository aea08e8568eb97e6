/** Where curves are drawn: a canvas or a vector writer, a frame on it, and what value lies where. All in the canvas' pixels. */
import { Scale } from "./scale.ts";
import type { Canvas } from "./vector.ts";

/** How near a pointer must come to a mark, in pixels of the page. */
const NEAR = 6;

/** Values that the scale does not reach: they are cut at the frame, where a mark says so. */
export interface Cut {
  /** The run, or of a band its first seed. */
  readonly run: number;
  /** Of which updates, from the one after `from` to `to`. */
  readonly from: number;
  readonly to: number;
  /** From where to where, in the canvas' pixels. */
  readonly left: number;
  readonly right: number;
  /** The farthest of them. */
  readonly value: number;
  readonly above: boolean;
}

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

  /** What the picture cuts, filled while it is drawn. */
  readonly cuts: Cut[] = [];
  /** Words beside curves, at the canvas' pixels, to be written over all of them. */
  readonly notes: { readonly x: number; readonly y: number; readonly words: string; readonly colour: string }[] = [];
  private readonly labels: { x: number; y: number; width: number; height: number }[] = [];

  constructor(public ctx: Canvas) {}

  place(left: number, top: number, width: number, height: number): void {
    this.left = left;
    this.top = top;
    this.width = width;
    this.height = height;
    this.labels.length = this.cuts.length = this.notes.length = 0;
  }

  /** The farthest value that is cut about a place across, of one run or of all; null where there is none. */
  cutAt(x: number, run: number | null, above: boolean | null = null): Cut | null {
    let found: Cut | null = null;
    for (const cut of this.cuts) {
      if (x < cut.left - NEAR * this.ratio || x > cut.right + NEAR * this.ratio) continue;
      if ((run !== null && cut.run !== run) || (above !== null && cut.above !== above)) continue;
      if (found === null || (cut.above ? cut.value > found.value : cut.value < found.value)) found = cut;
    }
    return found;
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
