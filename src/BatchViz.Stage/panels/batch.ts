/** "This batch": the update at which the playhead stands, recomputed; its figures and its examples. It loads by itself while it is unfolded. */
import { BatchLoader, type Batch, type BatchView } from "../batch.ts";
import { figure, percent, whole } from "../format.ts";
import type { RunInfo } from "../manifest.ts";
import { remember, remembered } from "../remember.ts";
import { Change, type Stage } from "../stage.ts";
import { el, line, setAttribute, setText, table, type Reading } from "./dom.ts";

/** Columns of the record that are worth a line, in few words. */
const COLUMNS = [["loss", "batch loss"], ["gradientNorm", "gradient norm"], ["updateNorm", "update norm"], ["learningRate", "learning rate"], ["noiseScale", "noise scale"]] as const;
const EXAMPLES = 12;

export class BatchSection {
  readonly root = el("section", { class: "batch", "aria-label": "This batch" });
  private readonly toggle = el("button", { type: "button", class: "plain", "aria-controls": "batch-body", onclick: () => this.fold() }, "This batch");
  private readonly body = el("div", { id: "batch-body" });
  private readonly sentence = el("p", { class: "quiet figures", role: "status" });
  private readonly bar = el("progress", { max: 1, "aria-label": "Recomputing this batch" });
  private readonly details = el("div");
  private readonly loader: BatchLoader;
  private open = remembered("batch") !== "folded";
  private shown: BatchView | null = null;

  constructor(private readonly stage: Stage) {
    this.loader = new BatchLoader((run, update, cancel) => stage.remote.batch(run, update, cancel), () => stage.changed(Change.batch));
    this.body.append(this.sentence, this.bar, this.details);
    this.root.append(el("h3", {}, this.toggle), this.body);
  }

  /** The run that the inspector shows, and its update at the playhead. */
  show(run: RunInfo, update: number): void {
    const { stage, loader } = this;
    setAttribute(this.toggle, "aria-expanded", String(this.open));
    this.body.hidden = !this.open;
    const paused = stage.playhead.mode === "paused" || (stage.held && stage.playhead.position >= stage.extent().head);
    if (this.open && paused && update >= 1 && update <= stage.store.runs[run.index]!.made) loader.look(stage.manifest!.generation, run.index, update);
    else loader.leave();
    const { view } = loader;
    if (view.kind === "nothing") setText(this.sentence, update < 1 ? "Before the first update there is no batch." : "Pause at an update to see its batch.");
    if (view === this.shown) return;
    this.shown = view;
    if (view.kind === "progress" || view.kind === "refused") setText(this.sentence, say(view));
    else if (view.kind === "shown") setText(this.sentence, origin(view.batch, stage.manifest!.engine.bitExact));
    this.bar.hidden = view.kind !== "progress";
    if (view.kind === "progress") this.bar.value = view.progress;
    // While the next batch is on its way the last one stays, fainter: nothing jumps as one steps along.
    this.root.toggleAttribute("data-waiting", view.kind === "waiting" || view.kind === "progress");
    if (view.kind === "shown") this.details.replaceChildren(...this.figures(view.batch));
    else if (view.kind !== "waiting" && view.kind !== "progress") this.details.replaceChildren();
  }

  private fold(): void {
    this.open = !this.open;
    remember("batch", this.open ? "open" : "folded");
    this.stage.changed(Change.batch);
  }

  private figures(batch: Batch): HTMLElement[] {
    const { columns } = this.stage.manifest!;
    const lines: [string, Reading][] = [["update", [whole(batch.update), ""]], ["examples", [whole(batch.examples.length), ""]]];
    for (const [name, label] of COLUMNS) {
      const column = columns.find((c) => c.name === name);
      if (column === undefined || !(name in batch.record)) continue;
      const value = batch.record[name];
      lines.push([label, value == null ? ["not defined", ""] : [figure(value, 4), column.unit]]);
    }
    const list = table(lines.map(([label, reading]) => {
      const l = line(label);
      l.show(reading);
      return l;
    }));
    return [list, this.examples(batch)];
  }

  private examples({ examples }: Batch): HTMLElement {
    const unit = this.stage.manifest!.columns.find((c) => c.name === "loss")?.unit;
    const sorted = [...examples].sort((a, b) => (b.loss ?? Infinity) - (a.loss ?? Infinity));
    const heads = ["example", unit ? `loss, ${unit}` : "loss", "gradient norm"].map((text) => el("th", { scope: "col" }, text));
    const rows = sorted.slice(0, EXAMPLES).map((e) => el("tr", {}, el("th", { scope: "row" }, whole(e.index)), el("td", {}, finite(e.loss)), el("td", {}, finite(e.gradientNorm))));
    const more = examples.length - rows.length;
    return el("div", {},
      el("table", { class: "figures" }, el("caption", { class: "quiet" }, "Its examples, largest loss first"), el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows)),
      el("p", { class: "quiet figures", hidden: more === 0 }, `… ${whole(more)} more`));
  }
}

const finite = (value: number | null): string => (value === null ? "not finite" : figure(value));

function say(view: BatchView & { kind: "progress" | "refused" }): string {
  return view.kind === "refused" ? view.error : `Recomputing ${whole(view.updates)} updates, ${percent(view.progress, 0)}`;
}

/** Where these figures come from, and whether they are what was recorded. */
function origin({ recorded, deviation, updatesReplayed }: Batch, bitExact: boolean): string {
  const replayed = `${whole(updatesReplayed)} ${updatesReplayed === 1 ? "update" : "updates"} replayed`;
  if (!recorded) return `${replayed}; only coarser buckets of it were kept.`;
  if (deviation === 0) return `${replayed}: the same bits as recorded.`;
  return `${replayed}: ${deviation === null ? "it differs from" : `up to ${figure(deviation)} off`} what was recorded${bitExact ? "" : ", as on this engine it may be"}.`;
}
