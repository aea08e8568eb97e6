/** Charts of one column of the step records each, and throughput, which follows from two. */
import { figure, short, whole } from "../../format.ts";
import { tr } from "../../language.ts";
import { columnIndex, COLUMN } from "../../manifest.ts";
import { undefinedNote, whyUndefined } from "../../mode.ts";
import type { Stage } from "../../stage.ts";
import { Band, bandOfRows, endsOf, furthest, hasSeeds, seedGroups, type Values } from "./bands.ts";
import { single } from "./csv.ts";
import { drawBand, drawDrops, markCuts } from "./curves.ts";
import type { Drawing } from "./drawing.ts";
import type { Plot } from "./plot.ts";
import type { ScaleKind } from "./scale.ts";
import { bandTable, columnCurves, columnTable, eachRow, fromBeginning, HEADER, recordOf, roomy, rounded, sortedValues } from "./series.ts";

interface Column {
  name: string;
  column: string;
  title(): string;
  unit(): string;
  note(stage: Stage): string;
  scales: readonly ScaleKind[];
  /** Share of the values at either end that must not flatten the others: those of a run that diverges, or of a batch learnt perfectly. */
  outliers: number;
  best?: "low" | "high";
  readout?(value: number): string;
  draw?: Drawing["draw"];
  empty?(stage: Stage): string | null;
}

/** Runs that leave the numbers, where others stay: they must not flatten those. */
function leaves(stage: Stage): (run: number) => boolean {
  const diverged = (run: number): boolean => stage.store.runs[run]!.state === "diverged";
  return stage.manifest!.runs.some(({ index }) => !stage.hidden.has(index) && !diverged(index)) ? diverged : () => false;
}

function columnChart({ name, column, title, unit, note, scales, outliers, best, readout, draw, empty }: Column): Drawing {
  /** Why there will never be anything to see. */
  const never = (stage: Stage): string | null => whyUndefined(stage.manifest!, column) ?? empty?.(stage) ?? null;
  return {
    name,
    title,
    unit,
    note,
    scales,
    format: short,
    readout: readout ?? figure,
    record: column,
    bands: hasSeeds,
    ...(best && { best }),
    columns: (stage) => (never(stage) === null ? [column] : []),
    at: (stage, run, update) => recordOf(stage, run, column, update),
    range(stage, kind) {
      if (never(stage) !== null) return null;
      const values = sortedValues(stage, column, kind === "log" ? 0 : -Infinity, outliers > 0 ? leaves(stage) : undefined);
      const high = values[Math.floor((1 - outliers) * (values.length - 1))],
        low = values[Math.floor(outliers * (values.length - 1))];
      if (high === undefined || low === undefined) return null;
      if (kind === "log")
        return outliers > 0 ? [rounded(Math.max(low, high * 1e-4) / 1.5, "down"), rounded(high * 1.5, "up")] : roomy(low, high, kind);
      return kind === "symlog"
        ? [low < 0 ? -rounded(-low * 1.5, "up") : 0, Math.max(1, high > 0 ? rounded(high * 1.5, "up") : 1)]
        : roomy(low, high, kind);
    },
    draw: draw ?? ((plot, stage) => columnCurves(plot, stage, column)),
    empty: (stage) =>
      columnIndex(stage.manifest!, column) < 0
        ? tr("This recording does not have these values.", "此录制中没有这些数值。")
        : (never(stage) ??
          (sortedValues(stage, column).length > 0
            ? tr(
                "All values are 0, which a logarithmic axis does not show; a linear one does.",
                "所有数值均为 0，对数轴无法显示；可改用线性轴。",
              )
            : tr("The first values appear here with the first updates.", "第一次更新后，这里会显示数值。"))),
    sentence: (stage) => (never(stage) === null ? undefined : ""),
    *table(stage) {
      yield HEADER(stage);
      yield* columnTable(stage, column);
    },
  };
}

export const gradientChart = columnChart({
  name: "gradient",
  column: COLUMN.gradientNorm,
  scales: ["log", "linear"],
  outliers: 0.01,
  title: () => tr("Gradient norm", "梯度范数"),
  unit: () => "",
  note: () => tr("of every batch, min to max", "每个批量，最小至最大"),
});

const infinityNormChart = columnChart({
  name: "infinity-norm",
  column: "gradientInfinityNorm",
  scales: ["log", "linear"],
  outliers: 0.01,
  title: () => tr("Gradient's infinity norm", "梯度的无穷范数"),
  unit: () => "",
  note: () => tr("largest component's magnitude, every batch, min to max", "最大分量的绝对值，每个批量，最小至最大"),
});

export const gradientNormCharts = [gradientChart, infinityNormChart];

/** Negative while |G|² is lost in the noise, undefined for single examples: asinh shows both signs and every size. */
export const noiseChart = columnChart({
  name: "noise",
  column: "noiseScale",
  scales: ["symlog", "linear"],
  outliers: 0.02,
  title: () => tr("Gradient noise scale", "梯度噪声尺度"),
  unit: () => tr("examples", "样本"),
  note: (stage) =>
    whyUndefined(stage.manifest!, "noiseScale") !== null
      ? undefinedNote(stage.manifest!)
      : tr(
          "tr Σ / |G|² over about 100 updates; below 0 while |G|² is lost in the noise",
          "tr Σ / |G|²，约 100 次更新的平均；|G|² 淹没在噪声中时为负",
        ) + (ofSingles(stage) ? tr("; undefined for B = 1", "；B = 1 时无定义") : ""),
  draw(plot, stage) {
    zeroLine(plot);
    return columnCurves(plot, stage, "noiseScale", { red: false });
  },
  empty: (stage) =>
    ofSingles(stage) && shown(stage).every((run) => run.batchSize === 1)
      ? tr(
          "Undefined for B = 1: the variance of gradients needs a batch of two examples or more.",
          "B = 1 时无定义：梯度的方差至少需要两个样本。",
        )
      : null,
});

const shown = (stage: Stage): { batchSize: number }[] => stage.manifest!.runs.filter((run) => !stage.hidden.has(run.index));
const ofSingles = (stage: Stage): boolean => shown(stage).some((run) => run.batchSize === 1);

export function zeroLine(plot: Plot): void {
  const { ctx, ratio } = plot,
    y = plot.y(0);
  if (y <= plot.top || y >= plot.top + plot.height) return;
  ctx.strokeStyle = plot.colours.quiet;
  ctx.lineWidth = ratio;
  ctx.setLineDash([3 * ratio, 3 * ratio]);
  ctx.beginPath();
  ctx.moveTo(plot.left, y);
  ctx.lineTo(plot.left + plot.width, y);
  ctx.stroke();
  ctx.setLineDash([]);
}

export const rateChart = columnChart({
  name: "rate",
  column: "learningRate",
  scales: ["log", "linear"],
  outliers: 0,
  title: () => tr("Learning rate", "学习率"),
  unit: () => "",
  note: () => tr("η of every update", "每次更新的 η"),
  draw: (plot, stage) => columnCurves(plot, stage, "learningRate", { setting: true }),
});

export const batchSizeChart = columnChart({
  name: "batch-size",
  column: "batchSize",
  scales: ["log", "linear"],
  outliers: 0,
  readout: whole,
  title: () => tr("Batch size", "批量大小"),
  unit: () => tr("examples", "样本"),
  note: () => tr("of every update; an epoch may end with a short one", "每次更新；每轮末尾的批量可能较小"),
  draw: (plot, stage) => columnCurves(plot, stage, "batchSize", { setting: true }),
});

export const ratioChart = columnChart({
  name: "ratio",
  column: "updateRatio",
  scales: ["log", "linear"],
  outliers: 0.01,
  title: () => tr("Update-to-weight ratio", "更新与权重之比"),
  unit: () => "",
  note: () => tr("‖Δw‖ / ‖w‖ of every update", "每次更新的 ‖Δw‖ / ‖w‖"),
});

/** Buckets in a window: fewer than elsewhere, for a rate over few records is mostly the clock's jitter. */
const STEPS = 96;

/** Visits examples per lane second between the ends of neighbouring buckets. */
function eachRate(stage: Stage, visit: (run: number, from: number, to: number, rate: number) => void): void {
  eachRow(
    stage,
    COLUMN.seconds,
    (row, run) => {
      const clock = stage.clocks[run]!;
      for (let i = 1; i < row.count; i++) {
        const from = row.to[i - 1]!,
          to = row.to[i]!,
          seconds = row.last[i]! - row.last[i - 1]!;
        const rate = (clock.toAxis("examples", to) - clock.toAxis("examples", from)) / seconds;
        if (rate > 0 && rate < Infinity) visit(run, from, to, rate);
      }
    },
    STEPS,
  );
}

export const throughputChart: Drawing = {
  name: "throughput",
  title: () => tr("Throughput", "吞吐量"),
  unit: () => tr("examples / lane second", "样本 / 通道秒"),
  note: (stage) =>
    tr("shared machine", "共享的机器") +
    (hasSeeds(stage) ? tr("; seeds that are trained together share one clock", "；一起训练的随机种子共用一个时钟") : ""),
  scales: ["log", "linear"],
  format: short,
  readout: (value) => `${short(value)} /s`,
  best: "high",
  bands: hasSeeds,
  columns: () => [COLUMN.seconds],
  at(stage, run, update) {
    let rate = NaN;
    eachRate(stage, (r, from, to, value) => {
      if (r === run && update > from && update <= to) rate = value;
    });
    return rate;
  },
  range(stage, kind) {
    const rates: number[] = [];
    eachRate(stage, (_run, _from, _to, rate) => rates.push(rate));
    rates.sort((a, b) => a - b);
    const low = rates[Math.floor(0.02 * (rates.length - 1))],
      high = rates[Math.floor(0.98 * (rates.length - 1))];
    return low === undefined || high === undefined ? null : kind === "log" ? roomy(low, high, "log") : [0, 1.1 * high];
  },
  draw(plot, stage) {
    const { ctx } = plot,
      stairs = stairsOf(stage);
    let points = 0;
    for (const group of seedGroups(stage)) {
      const run = furthest(stage, group),
        clock = stage.clocks[run]!,
        known = stairs.get(run);
      ctx.strokeStyle = ctx.fillStyle = stage.styles[run]!.colour[stage.theme];
      if (group.length > 1) {
        if (!bandOfRates(stage, group, stairs, band)) continue;
        drawBand(plot, band, group[0]!, clock, stage.axis, [], 1.25, true);
        drawDrops(plot, band, stage, group, clock);
        points += band.count;
        continue;
      }
      if (known === undefined) continue;
      const { count, from, to, last } = known;
      ctx.lineWidth = 1.25 * plot.ratio;
      fromBeginning(plot, stage, run, () => {
        ctx.beginPath();
        for (let i = 0; i < count; i++) {
          ctx.lineTo(plot.x(clock.toAxis(stage.axis, from[i]!)), plot.y(last[i]!));
          ctx.lineTo(plot.x(clock.toAxis(stage.axis, to[i]!)), plot.y(last[i]!));
        }
        ctx.stroke();
        markCuts(
          plot,
          run,
          count,
          (i) => [plot.x(clock.toAxis(stage.axis, from[i]!)), plot.x(clock.toAxis(stage.axis, to[i]!))],
          from,
          to,
          last,
          last,
        );
      });
      points += count;
    }
    return points;
  },
  empty: () => tr("The first rates appear here with the first seconds of training.", "训练几秒后，这里会显示吞吐量。"),
  *table(stage) {
    yield HEADER(stage);
    if (stage.seeds === "band" && hasSeeds(stage)) {
      const stairs = stairsOf(stage);
      return yield* bandTable(stage, "examples per lane second", (group, out) => bandOfRates(stage, group, stairs, out));
    }
    const lines: (string | number)[][] = [];
    eachRate(stage, (run, _from, to, rate) =>
      lines.push([
        "examples per lane second",
        stage.manifest!.runs[run]!.id,
        to,
        stage.clocks[run]!.toAxis(stage.axis, to),
        single(rate),
        single(rate),
        single(rate),
      ]),
    );
    yield* lines;
  },
};

const band = new Band();

interface Stairs {
  count: number;
  readonly from: number[];
  readonly to: number[];
  readonly last: number[];
}

const NO_VALUES: Values = { count: 0, to: [], last: [] };

function bandOfRates(stage: Stage, group: readonly number[], stairs: ReadonlyMap<number, Stairs>, out: Band): boolean {
  bandOfRows(
    group.map((run) => stairs.get(run) ?? NO_VALUES),
    endsOf(stage, group),
    out,
  );
  return out.count > 0;
}

/** The rates of every run that has some. */
function stairsOf(stage: Stage): ReadonlyMap<number, Stairs> {
  const runs = new Map<number, Stairs>();
  eachRate(stage, (run, from, to, rate) => {
    if (!runs.has(run)) runs.set(run, { count: 0, from: [], to: [], last: [] });
    const stairs = runs.get(run)!;
    stairs.from.push(from);
    stairs.to.push(to);
    stairs.count = stairs.last.push(rate);
  });
  return runs;
}
