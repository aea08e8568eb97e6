/**
 * All runs' values under the cursor, or those of their bands, above the chart, so that it covers no curve. Its rows are made once and
 * refilled.
 */
import { AXIS_LABELS } from "../../axis.ts";
import { figure, short } from "../../format.ts";
import type { Stage } from "../../stage.ts";
import { el, setText } from "../dom.ts";
import { setRunColour } from "../swatch.ts";
import { isBand, saySeeds, seedGroups } from "./bands.ts";
import type { Drawing } from "./drawing.ts";
import { Interval } from "./interval.ts";
import type { Cut } from "./plot.ts";

interface Line {
  root: HTMLElement;
  name: HTMLElement;
  value: HTMLElement;
  colour: string;
}

export class Readout {
  readonly root = el("div", { class: "cursor-values figures", hidden: true, "aria-hidden": "true" });
  private readonly head = el("p", { class: "quiet" });
  private readonly list = el("ul", {});
  private readonly lines: Line[] = [];
  private count = 0;

  constructor(private readonly stage: Stage) {
    this.root.append(this.head, this.list);
  }

  /** At `x` pixels of a place that is `width` wide; `cutOf`: what the picture cuts there. */
  show(drawing: Drawing | null, x: number, width: number, cutOf: CutOf): void {
    const { stage } = this,
      { cursor, manifest } = stage;
    this.root.hidden = drawing?.at === undefined || cursor === null || manifest === null;
    if (this.root.hidden) return;
    setText(this.head, `${stage.axis === "epochs" ? figure(cursor!) : short(cursor!)} ${AXIS_LABELS[stage.axis]}`);
    this.count = 0;
    for (const { run, name, text } of readings(stage, drawing!, cursor!, cutOf)) this.fill(run, name, text);
    for (let i = 0; i < this.lines.length; i++) this.lines[i]!.root.hidden = i >= this.count;
    const own = this.root.offsetWidth;
    this.root.style.transform = `translateX(${Math.round(Math.min(width - own - 4, Math.max(4, x - own / 2)))}px)`;
  }

  /** The same as text. */
  words(): string {
    if (this.root.hidden) return "";
    return [
      this.head.textContent,
      ...this.lines.slice(0, this.count).map(({ name, value }) => `${name.textContent} ${value.textContent}`),
    ].join("; ");
  }

  private fill(run: number, label: string, text: string): void {
    const { stage } = this;
    const line = (this.lines[this.count] ??= this.add());
    this.count++;
    const style = stage.styles[run]!,
      colour = style.colour[stage.theme];
    if (line.colour !== colour) {
      line.colour = colour;
      setRunColour(line.root, style, stage.theme);
    }
    setText(line.name, label);
    setText(line.value, text);
  }

  private add(): Line {
    const name = el("span", {}),
      value = el("b", {});
    const root = el("li", {}, el("i", {}), name, value);
    this.list.append(root);
    return { root, name, value, colour: "" };
  }
}

/** The farthest value of a run that the picture cuts under the cursor. */
export type CutOf = (run: number) => Cut | null;

/** A line of the readout; of a band, its first seed gives the colour. */
export interface Reading {
  run: number;
  name: string;
  text: string;
}

/** What a chart over time says of every run, or of every band of seeds, at a place of the axis. */
export function readings(stage: Stage, drawing: Drawing, at: number, cutOf: CutOf = () => null): Reading[] {
  const shown = stage.manifest!.runs.map(({ index }) => index).filter((run) => !stage.hidden.has(run));
  const groups = isBand(drawing, stage) ? seedGroups(stage) : shown.map((run) => [run]);
  return groups.map((group) => {
    const run = group[0]!,
      cut = cutOf(run);
    const reading =
      group.length > 1 ? ofBand(stage, drawing, group, at) : { run, name: stage.labels[run]!, text: ofRun(stage, drawing, run, at) };
    return cut === null ? reading : { ...reading, text: `${reading.text} ${cut.above ? "↑" : "↓"} ${drawing.readout(cut.value)}` };
  });
}

/** NaN where the run has not been, or is no more. */
function valueAt(stage: Stage, drawing: Drawing, run: number, at: number): number {
  const update = stage.clocks[run]!.toUpdates(stage.axis, at);
  const beyond = update > stage.store.headOf(run) + 1 || update < stage.beginning(run);
  return beyond ? NaN : drawing.at!(stage, run, update);
}

function ofRun(stage: Stage, drawing: Drawing, run: number, at: number): string {
  const value = valueAt(stage, drawing, run, at);
  return Number.isFinite(value) ? drawing.readout(value) : "–";
}

/** Mean ± half the 95 % interval, and of how many seeds where it is not of all. */
function ofBand(stage: Stage, drawing: Drawing, group: readonly number[], at: number): Reading {
  const interval = new Interval(),
    gone = group.filter((run) => {
      const value = valueAt(stage, drawing, run, at);
      if (Number.isFinite(value)) interval.add(value);
      return !Number.isFinite(value);
    });
  const mean = interval.count === 0 ? "–" : drawing.readout(interval.mean);
  const half = interval.count < 2 ? "" : ` ± ${drawing.readout(interval.half)}`;
  const seeds =
    gone.length === 0
      ? ""
      : ` · ${saySeeds(
          interval.count,
          gone.map((run) => stage.store.runs[run]!.state),
        )}`;
  return { run: group[0]!, name: `B = ${stage.manifest!.runs[group[0]!]!.batchSize}`, text: `${mean}${half}${seeds}` };
}
