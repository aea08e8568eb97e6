/** All runs' values under the cursor, above the chart, so that it covers no curve. Its rows are made once and refilled. */
import { AXIS_LABELS } from "../../axis.ts";
import { figure, short } from "../../format.ts";
import type { Stage } from "../../stage.ts";
import { el, setText } from "../dom.ts";
import { setRunColour } from "../swatch.ts";
import type { Drawing } from "./drawing.ts";

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

  /** At `x` pixels of a place that is `width` wide. */
  show(drawing: Drawing | null, x: number, width: number): void {
    const { stage } = this, { cursor, manifest } = stage;
    this.root.hidden = drawing?.at === undefined || cursor === null || manifest === null;
    if (this.root.hidden) return;
    setText(this.head, `${stage.axis === "epochs" ? figure(cursor!) : short(cursor!)} ${AXIS_LABELS[stage.axis]}`);
    this.count = 0;
    for (const { index } of manifest!.runs) {
      if (stage.hidden.has(index)) continue;
      const update = stage.clocks[index]!.toUpdates(stage.axis, cursor!);
      const beyond = update > stage.store.headOf(index) + 1 || update < stage.beginning(index);
      const value = beyond ? NaN : drawing!.at!(stage, index, update);
      this.fill(index, Number.isFinite(value) ? drawing!.readout(value) : "–");
    }
    for (let i = 0; i < this.lines.length; i++) this.lines[i]!.root.hidden = i >= this.count;
    const own = this.root.offsetWidth;
    this.root.style.transform = `translateX(${Math.round(Math.min(width - own - 4, Math.max(4, x - own / 2)))}px)`;
  }

  /** The same as text. */
  words(): string {
    if (this.root.hidden) return "";
    return [this.head.textContent, ...this.lines.slice(0, this.count).map(({ name, value }) => `${name.textContent} ${value.textContent}`)].join("; ");
  }

  private fill(run: number, text: string): void {
    const { stage } = this;
    const line = (this.lines[this.count] ??= this.add());
    this.count++;
    const style = stage.styles[run]!, colour = style.colour[stage.theme];
    if (line.colour !== colour) {
      line.colour = colour;
      setRunColour(line.root, style, stage.theme);
    }
    setText(line.name, stage.labels[run]!);
    setText(line.value, text);
  }

  private add(): Line {
    const name = el("span", {}), value = el("b", {});
    const root = el("li", {}, el("i", {}), name, value);
    this.list.append(root);
    return { root, name, value, colour: "" };
  }
}
