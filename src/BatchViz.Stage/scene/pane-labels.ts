/** The panes' edges and what each of them shows. */
import { figure } from "../format.ts";
import { tr } from "../language.ts";
import { el, setText } from "../panels/dom.ts";
import { setRunColour, swatch } from "../panels/swatch.ts";
import type { Stage } from "../stage.ts";
import type { Pane } from "./panes.ts";

/** Milliseconds between two readings while the playhead moves: faster nobody reads. */
const EVERY = 100;

export class PaneLabels {
  readonly root = el("div", { class: "panes" });
  private readings: HTMLElement[] = [];
  private signature = "";
  private writtenAt = 0;

  place(panes: readonly Pane[], stage: Stage): void {
    const split = panes.length > 1;
    this.root.hidden = !split;
    const signature = split
      ? `${stage.theme}/${stage.manifest?.generation}/${panes.map(({ batchSize, runs, x, y, width, height }) => [batchSize, runs, x, y, width, height].join()).join(";")}`
      : "";
    if (signature === this.signature) return;
    this.signature = signature;
    this.readings = [];
    this.root.replaceChildren(
      ...(split ? panes : []).map((pane) => {
        const run = pane.runs[0]!,
          style = stage.styles[run]!,
          reading = el("span", { class: "quiet figures" });
        this.readings.push(reading);
        const label = el("p", { class: "pane-label" }, swatch(style), el("strong", {}, `B = ${pane.batchSize}`), reading);
        setRunColour(label, style, stage.theme);
        const frame = el("div", { class: "pane" }, label);
        frame.style.transform = `translate(${pane.x}px, ${pane.y}px)`;
        frame.style.width = `${pane.width}px`;
        frame.style.height = `${pane.height}px`;
        return frame;
      }),
    );
    this.writtenAt = 0;
  }

  write(panes: readonly Pane[], stage: Stage, now: number): boolean {
    if (this.root.hidden) return false;
    if (now - this.writtenAt < EVERY) return true;
    this.writtenAt = now;
    panes.forEach(({ runs }, i) => {
      const losses = runs.map((run) => stage.drawn[run]!.loss).filter(Number.isFinite);
      const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
      setText(
        this.readings[i]!,
        losses.length === 0
          ? ""
          : runs.length === 1
            ? tr(`loss ${figure(mean)}`, `损失 ${figure(mean)}`)
            : tr(`mean loss ${figure(mean)} of ${losses.length}`, `${losses.length} 个运行的平均损失 ${figure(mean)}`),
      );
    });
    return false;
  }
}
