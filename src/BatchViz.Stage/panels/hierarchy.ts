/** The experiment and its runs: look, state, visibility, selection. */
import type { RunInfo } from "../manifest.ts";
import { Change, type Mount, type Stage } from "../stage.ts";
import { button, el, icon, setAttribute, setText } from "./dom.ts";
import { foldable } from "./fold.ts";
import { percent, whole } from "../format.ts";
import { asTree, settings } from "../runs.ts";
import { setRunColour, swatch } from "./swatch.ts";

export const mountHierarchy: Mount = (element, stage) => {
  const name = el("p", { class: "experiment" });
  const list = el("ul", { class: "runs" });
  element.append(foldable(element, "Hierarchy", "left", stage), el("div", { class: "panel-body", tabindex: 0, role: "group", "aria-label": "Runs" }, name, list));
  let rows: Row[] = [];
  let key = "";
  return {
    wants: Change.manifest | Change.runs | Change.data | Change.theme | Change.session,
    draw() {
      const { manifest } = stage;
      if (manifest === null) return;
      setText(name, manifest.name);
      const now = `${manifest.generation}:${manifest.runs.map((run) => run.id).join()}`;
      if (now !== key) {
        key = now;
        rows = asTree(manifest.runs).map(({ run, depth }) => new Row(run, depth, stage));
        list.replaceChildren(...rows.map((row) => row.root));
      }
      for (const row of rows) row.draw(manifest.runs[row.index]!);
    },
  };
};

class Row {
  readonly root: HTMLElement;
  readonly index: number;
  private readonly choose: HTMLButtonElement;
  private readonly eye: HTMLButtonElement;
  private readonly state = el("span", { class: "state quiet figures" });
  private readonly why = el("p", { class: "why" });
  private visible: boolean | null = null;

  constructor(run: RunInfo, depth: number, private readonly stage: Stage) {
    this.index = run.index;
    // Where a fork stands says whose it is; the line beneath says since when and how it differs.
    const name = depth > 0 ? `B = ${run.batchSize}` : stage.labels[run.index]!;
    this.choose = el("button", { type: "button", class: "run", "data-run": run.id, onclick: () => stage.select(run.index) },
      swatch(stage.styles[run.index]!), el("span", { class: "name figures" }, name), this.state);
    if (depth > 0) setAttribute(this.choose, "aria-label", stage.labels[run.index]!);
    this.eye = button("", icon("eye"), () => stage.setVisible(run.index, stage.hidden.has(run.index)), "eye");
    const since = el("p", { class: "since quiet figures", hidden: !run.fork }, run.fork ? `from update ${whole(run.fork.update)}: ${settings(run) || "nothing else set"}`.replaceAll(" = ", "\u00a0=\u00a0") : "");
    this.root = el("li", {}, this.choose, this.eye, since, this.why);
    this.root.style.setProperty("--depth", String(Math.min(depth, 3)));
  }

  draw(run: RunInfo): void {
    const { stage } = this;
    const timeline = stage.store.runs[run.index]!;
    setRunColour(this.root, stage.styles[run.index]!, stage.theme);
    setAttribute(this.choose, "aria-pressed", String(stage.selected === run.index));
    const visible = !stage.hidden.has(run.index);
    if (visible !== this.visible) {
      this.visible = visible;
      this.eye.replaceChildren(icon(visible ? "eye" : "hidden"));
      setAttribute(this.eye, "aria-label", `${visible ? "Hide" : "Show"} ${stage.labels[run.index]!}`);
      setAttribute(this.eye, "title", visible ? "Hide this run" : "Show this run");
      this.root.toggleAttribute("data-hidden", !visible);
    }
    const state = timeline.state;
    setAttribute(this.root, "data-state", state);
    const share = run.totalUpdates ? percent(timeline.made / run.totalUpdates, 0) : "";
    setText(this.state, state === "running" ? (stage.held ? `held ${share}` : share || "running") : state);
    const why = state === "diverged" || state === "failed" || state === "stopped" ? (run.message ?? "") : "";
    setText(this.why, why);
    this.why.hidden = why === "";
  }
}
