/** The selected run: its figures at the playhead, and its settings. Units stand beside numbers, quieter. */
import { figure, percent, short, whole } from "../format.ts";
import { columnIndex, COLUMN, type Manifest, type RunInfo } from "../manifest.ts";
import { Change, type Mount, type Stage } from "../stage.ts";
import { Buckets } from "../store.ts";
import { BatchSection } from "./batch.ts";
import { el, line, table, type Reading } from "./dom.ts";
import { foldable } from "./fold.ts";
import { setRunColour, swatch } from "./swatch.ts";

const NONE: Reading = ["–", ""];
const row = new Buckets();

/** What is read off at the playhead. */
const FIGURES: readonly (readonly [string, (stage: Stage, run: RunInfo, update: number) => Reading])[] = [
  ["update", (_, __, update) => [whole(update), ""]],
  ["epoch", (stage, run, update) => [stage.clocks[run.index]!.toAxis("epochs", update).toFixed(2), ""]],
  ["examples", (stage, run, update) => [whole(stage.clocks[run.index]!.toAxis("examples", update)), ""]],
  ["batch loss", (stage, run, update) => record(stage, run, COLUMN.loss, update)],
  ["evaluation loss", (stage, run, update) => evaluation(stage, run, update, 0)],
  ["test loss", (stage, run, update) => evaluation(stage, run, update, 1)],
  ["test accuracy", (stage, run, update) => evaluation(stage, run, update, 2)],
  ["gradient norm", (stage, run, update) => record(stage, run, COLUMN.gradientNorm, update)],
  ["lane time", (stage, run, update) => seconds(stage, run, update)],
  ["throughput", (stage, run, update) => throughput(stage, run, update)],
];

const SETTINGS: readonly (readonly [string, (manifest: Manifest, run: RunInfo) => Reading])[] = [
  ["learning rate", ({ spec }, run) => (run.learningRate === null ? NONE : [figure(run.learningRate), spec.schedule ? "before its schedule" : ""])],
  ["updates in all", (_, run) => (run.totalUpdates === null ? NONE : [whole(run.totalUpdates), ""])],
  ["parameters", (_, run) => [whole(run.parameters), ""]],
  ["per example", (_, run) => [short(run.flopsPerExample), "FLOPs"]],
  ["remainder", (manifest) => [manifest.remainder, ""]],
  ["train examples", (manifest) => [whole(manifest.data.trainExamples), ""]],
  ["test examples", (manifest) => [manifest.data.testExamples > 0 ? whole(manifest.data.testExamples) : "none", ""]],
  ["engine", (manifest) => [manifest.engine.description, ""]],
];

export const mountInspector: Mount = (element, stage) => {
  const name = el("p", { class: "subject" });
  const figures = FIGURES.map(([label]) => line(label));
  const batch = new BatchSection(stage);
  const settings = SETTINGS.map(([label]) => line(label));
  element.append(foldable(element, "Inspector", "right", stage), el("div", { class: "panel-body", tabindex: 0, role: "group", "aria-label": "Figures of one run" },
    name, el("h3", {}, "At the playhead"), table(figures), batch.root, el("h3", {}, "Settings"), table(settings)));
  let subject = "";
  return {
    wants: Change.manifest | Change.moment | Change.data | Change.runs | Change.axis | Change.theme | Change.batch | Change.detail,
    draw() {
      const run = stage.stepRun, { manifest } = stage;
      if (run === undefined || manifest === null) return;
      if (subject !== run.id) {
        subject = run.id;
        const words = run.fork ? stage.labels[run.index]! : `B = ${run.batchSize} · seed ${run.seed}`;
        name.replaceChildren(swatch(stage.styles[run.index]!), el("span", { class: "figures" }, words));
      }
      setRunColour(element, stage.styles[run.index]!, stage.theme);
      const update = stage.updateAt(run.index);
      batch.show(run, update);
      FIGURES.forEach(([, read], i) => figures[i]!.show(read(stage, run, update)));
      SETTINGS.forEach(([, read], i) => settings[i]!.show(read(manifest, run)));
    },
  };
};

/** A record's value; where only a bucket around it is known, its range. */
function record(stage: Stage, run: RunInfo, column: string, update: number): Reading {
  const index = columnIndex(stage.manifest!, column);
  if (index < 0 || !stage.store.at(run.index, index, update, row)) return NONE;
  const unit = stage.manifest!.columns[index]!.unit;
  return row.level === 0 ? [figure(row.last[0]!), unit] : [`${figure(row.min[0]!, 2)}–${figure(row.max[0]!, 2)}`, unit];
}

function evaluation(stage: Stage, run: RunInfo, update: number, k: number): Reading {
  const { evaluations } = stage.store.runs[run.index]!;
  const i = evaluations.indexAt(update);
  const value = i < 0 ? NaN : evaluations.value(i, k);
  if (i < 0 || (Number.isNaN(value) && k > 0)) return NONE;
  return k === 2 ? [percent(value, 1).replace(" %", ""), "%"] : [figure(value), ""];
}

function seconds(stage: Stage, run: RunInfo, update: number): Reading {
  const clock = stage.clocks[run.index]!;
  return clock.measured > 0 ? [figure(clock.toAxis("seconds", update)), "s"] : NONE;
}

function throughput(stage: Stage, run: RunInfo, update: number): Reading {
  const clock = stage.clocks[run.index]!;
  const time = clock.toAxis("seconds", update);
  return time > 0 ? [short(clock.toAxis("examples", update) / time), "ex/s"] : NONE;
}
