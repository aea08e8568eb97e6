/** What one kind of chart is: an entry of registry.ts. The frame around it, its head and its files are made by others from this. */
import type { Stage } from "../../stage.ts";
import type { Plot } from "./plot.ts";
import type { ScaleKind } from "./scale.ts";

export type Row = readonly (string | number)[];

export interface Drawing {
  readonly name: string;
  title(): string;
  unit(stage: Stage): string;
  /** What is drawn, in a few words beside the title. */
  note(stage: Stage): string;
  /** Vertical scales, the chart's own first. */
  readonly scales: readonly ScaleKind[];
  /** False: a logarithm of these values would hide some. */
  isPositive?(stage: Stage): boolean;
  /** Ticks, and a value as it is read. */
  format(value: number): string;
  readout(value: number): string;
  /** Visible values, null while there are none. `aspect` is the frame's width over its height. */
  range(stage: Stage, kind: ScaleKind, aspect: number): readonly [number, number] | null;
  /** Draws the curves, clipped to the frame; returns how many points. */
  draw(plot: Plot, stage: Stage): number;
  /** Why there is nothing to see. */
  empty(stage: Stage): string;
  /** The place on the page has this shape; a file takes what there is in it. */
  fit?(aspect: number): void;
  /** Header and rows of the file that a viewer can take away. */
  table(stage: Stage): Iterable<Row>;

  /** A run's value after so many updates; charts over time have it. */
  at?(stage: Stage, run: number, update: number): number;
  /** Which value leads. */
  readonly best?: "low" | "high";
  /** The column whose single records it draws. */
  readonly record?: string;
  /** Columns that it draws, and therefore asks for. */
  columns?(stage: Stage): readonly string[];
  /** Another horizontal axis than that of the page. */
  readonly frame?: Frame;
  /** A second vertical axis. */
  readonly right?: { range(stage: Stage): readonly [number, number] | null; format(value: number): string };
  /** The playhead has moved; true when the picture must be drawn anew for it. */
  moment?(stage: Stage): boolean;
  /** There are seeds that it knows how to draw as a band. */
  bands?(stage: Stage): boolean;
  /** Something is on its way that no column is. */
  busy?(): boolean;
  readonly controls?: { readonly root: HTMLElement; show(stage: Stage): void };
  /** What it shows, in a sentence, where it is not a value for each run; "": why there is nothing to see. */
  sentence?(stage: Stage): string | undefined;
  /** It is no longer on the page. */
  leave?(): void;
}

export interface Frame {
  range(stage: Stage, aspect: number): readonly [number, number];
  label(stage: Stage): string;
  ticks(stage: Stage, values: readonly number[]): string[];
  /** Where ticks lie, where that is not for the axis to say. */
  splits?(): number[];
  /** The value at a place of the axis, where it goes through the same values again. */
  valueAt?(place: number): number;
}
