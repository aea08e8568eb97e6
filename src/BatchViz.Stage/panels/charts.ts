/**
 * Three charts: loss, test accuracy, gradient norm. Everything recorded is drawn once per news; the playhead is a veil
 * over what lies beyond it, moved by the compositor, so that playback redraws no curve. When several charts have news,
 * one is redrawn per screen frame.
 */
import type uPlot from "uplot";
import { columnIndex, COLUMN } from "../manifest.ts";
import { Change, type Mount, type Stage } from "../stage.ts";
import { Chart, type Drawing } from "./chart.ts";
import { drawBuckets, drawEvaluations, drawRing, type Emphasis } from "./curves.ts";
import { Buckets, MOST_DRAWN } from "../store.ts";
import { evaluationRange } from "./range.ts";
import { figure, percent, short, whole } from "../format.ts";

const row = new Buckets();
const RED = { dark: "#ff6b6b", light: "#c62828" } as const;

export const mountCharts: Mount = (element, stage) => {
  const charts = [lossChart, accuracyChart, gradientChart].map((drawing) => new Chart(stage, drawing));
  element.append(...charts.map((chart) => chart.root));
  const resize = new ResizeObserver(() => stage.changed(Change.size));
  for (const chart of charts) resize.observe(chart.root);
  let stale = 0, turn = 0;
  const news = Change.manifest | Change.data | Change.detail | Change.zoom | Change.axis | Change.runs | Change.theme | Change.size | Change.view;
  pointCounts = () => Object.fromEntries(charts.map((chart) => [chart.name, chart.points]));
  return {
    wants: news | Change.moment,
    draw(changes) {
      if (stage.manifest === null) return false;
      if (changes & news) stale = (1 << charts.length) - 1;
      for (const chart of charts) chart.showMoment();
      for (let i = 0; i < charts.length; i++) { // in turn, or news at every frame would starve the last
        turn = (turn + 1) % charts.length;
        if ((stale & (1 << turn)) === 0) continue;
        charts[turn]!.draw();
        stale &= ~(1 << turn);
        break;
      }
      for (const chart of charts) chart.showLoading(); // drawing is what asks for detail
      return stale !== 0;
    },
  };
};

/** Points drawn by each chart, for tests. */
export let pointCounts: () => Record<string, number> = () => ({});

function eachRun(stage: Stage, draw: (run: number, dash: readonly number[], colour: string) => void): void {
  for (const { index } of stage.manifest!.runs) {
    if (stage.hidden.has(index)) continue;
    const style = stage.styles[index]!;
    draw(index, style.dash, style.colour[stage.theme]);
  }
}

/** A fork is drawn from where it leaves its parent; before that its curve is the parent's. */
function fromBeginning(u: uPlot, stage: Stage, run: number, draw: () => void): void {
  const start = stage.beginning(run), { ctx, bbox } = u;
  const left = start === 0 ? bbox.left : Math.max(bbox.left, u.valToPos(stage.clocks[run]!.toAxis(stage.axis, start), "x", true));
  const right = bbox.left + bbox.width;
  if (left >= right) return;
  ctx.save();
  if (left > bbox.left) {
    ctx.beginPath();
    ctx.rect(left, bbox.top, right - left, bbox.height);
    ctx.clip();
  }
  draw();
  ctx.restore();
}

/** Evaluations of every run that is shown, and a ring where a fork leaves. Returns how many points. */
function evaluationCurves(u: uPlot, stage: Stage, k: number): number {
  let points = 0;
  eachRun(stage, (run, dash, colour) => {
    const { evaluations } = stage.store.runs[run]!, clock = stage.clocks[run]!, start = stage.beginning(run);
    u.ctx.strokeStyle = u.ctx.fillStyle = colour;
    fromBeginning(u, stage, run, () => drawEvaluations(u, evaluations, k, clock, stage.axis, dash));
    points += evaluations.count;
    const first = evaluations.indexAt(start);
    if (start > 0 && first >= 0) drawRing(u, clock.toAxis(stage.axis, start), evaluations.between(start, k));
  });
  return points;
}

const emphasis = (stage: Stage, run: number): Emphasis => (stage.selected < 0 ? "even" : stage.selected === run ? "selected" : "other");

/** Rows of buckets of one column for every run that is shown; asks for the detail that is missing. */
function columnCurves(stage: Stage, name: string, visit: (run: number, colour: string) => void): void {
  const column = columnIndex(stage.manifest!, name);
  if (column < 0) return;
  eachRun(stage, (run, _, colour) => {
    const clock = stage.clocks[run]!, { made } = stage.store.runs[run]!;
    const from = Math.max(0, stage.beginning(run) - 1, Math.floor(clock.toUpdates(stage.axis, stage.from)) - 1);
    const to = Math.min(made, Math.ceil(clock.toUpdates(stage.axis, stage.to)) + 1);
    if (to <= from || !stage.store.query(run, column, from, to, MOST_DRAWN, row)) return;
    if (row.missing.length > 0) stage.remote.wantTiles(run, name, row.level, row.missing);
    visit(run, colour);
  });
}

const lossChart: Drawing = {
  name: "loss",
  column: COLUMN.loss,
  title: "Loss",
  unit: (stage) => stage.manifest?.columns.find((c) => c.name === COLUMN.loss)?.unit ?? "",
  note: (stage) => `thin: every batch (min–max band) · bold: ${whole(stage.manifest!.evaluation.examples)} ${stage.manifest!.evaluation.split === "train" ? "training" : stage.manifest!.evaluation.split} examples`,
  logarithmic: (stage) => stage.lossScale === "log" && evaluationRange(stage)[0] > 0,
  format: short,
  readout: figure,
  /** The evaluation set's losses set the scale; single batches may leave it and are cut at the frame. */
  range(stage) {
    let [low, high] = evaluationRange(stage);
    if (!(high > low)) {
      columnCurves(stage, COLUMN.loss, () => {
        for (let i = 0; i < row.count; i++) {
          const value = row.last[i]!;
          if (value > 1e-4 && value < low) low = value;
          if (value < Infinity && value > high) high = value;
        }
      });
    }
    if (!(high > low)) return null;
    return this.logarithmic(stage) ? [rounded(low / 2, Math.floor), rounded(high * 1.5, Math.ceil)] : [low < 0 ? low - 0.05 * (high - low) : 0, high + 0.15 * (high - low)];
  },
  draw(u, stage) {
    let points = 0;
    columnCurves(stage, COLUMN.loss, (run, colour) => {
      u.ctx.strokeStyle = u.ctx.fillStyle = colour;
      fromBeginning(u, stage, run, () => drawBuckets(u, row, stage.clocks[run]!, stage.axis, emphasis(stage, run), RED[stage.theme]));
      points += row.count;
    });
    return points + evaluationCurves(u, stage, 0);
  },
  empty: () => "The loss of every batch appears here with the first updates.",
};

const accuracyChart: Drawing = {
  name: "accuracy",
  column: null,
  title: "Test accuracy",
  unit: () => "",
  note: (stage) => (stage.manifest!.data.testExamples > 0 ? `${whole(stage.manifest!.data.testExamples)} test examples` : ""),
  logarithmic: () => false,
  format: (value) => `${Number((100 * value).toPrecision(4))} %`,
  readout: (value) => percent(value),
  range(stage) {
    let low = Infinity, high = -Infinity;
    eachRun(stage, (run) => {
      const { evaluations } = stage.store.runs[run]!;
      for (let i = 0; i < evaluations.count; i++) {
        const value = evaluations.value(i, 2);
        if (value < low) low = value;
        if (value > high) high = value;
      }
    });
    return high >= low ? [Math.max(0, low - 0.03), Math.min(1.02, high + 0.03)] : null;
  },
  draw: (u, stage) => evaluationCurves(u, stage, 2),
  empty: (stage) => {
    if (stage.manifest!.data.testExamples === 0) return "There is no test split, so there is no test accuracy.";
    return stage.manifest!.data.task === "classification" ? "The first test accuracy appears with the first evaluation." : "Accuracy is defined for classification only; this is regression.";
  },
};

const gradientChart: Drawing = {
  name: "gradient",
  column: COLUMN.gradientNorm,
  title: "Gradient norm",
  unit: () => "",
  note: () => "of every batch (min–max band)",
  logarithmic: () => true,
  format: short,
  readout: figure,
  range(stage) {
    const values: number[] = [];
    columnCurves(stage, COLUMN.gradientNorm, () => {
      for (let i = 0; i < row.count; i++) if (row.last[i]! > 0 && row.last[i]! < Infinity) values.push(row.last[i]!);
    });
    values.sort((a, b) => a - b);
    // A run that diverges, or a batch that is learnt perfectly, must not flatten the others.
    const high = values[Math.floor(0.99 * (values.length - 1))], low = values[Math.floor(0.01 * (values.length - 1))];
    return high === undefined || low === undefined ? null : [rounded(Math.max(low, high * 1e-4) / 1.5, Math.floor), rounded(high * 1.5, Math.ceil)];
  },
  draw(u, stage) {
    let points = 0;
    columnCurves(stage, COLUMN.gradientNorm, (run, colour) => {
      u.ctx.strokeStyle = u.ctx.fillStyle = colour;
      fromBeginning(u, stage, run, () => drawBuckets(u, row, stage.clocks[run]!, stage.axis, emphasis(stage, run), RED[stage.theme]));
      points += row.count;
    });
    return points;
  },
  empty: (stage) => (columnIndex(stage.manifest!, COLUMN.gradientNorm) < 0 ? "This recording has no gradient norms." : "The gradient norm of every batch appears here with the first updates."),
};


/** 1, 2 or 5 times a power of ten, down or up, so that a logarithmic axis begins and ends at a tick. */
function rounded(value: number, towards: (x: number) => number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const steps = [1, 2, 5, 10].map((step) => step * power);
  return towards === Math.floor ? steps.filter((step) => step <= value * 1.0001).at(-1)! : steps.find((step) => step >= value * 0.9999)!;
}
