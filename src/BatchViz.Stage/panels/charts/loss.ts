/** Losses and accuracy: every batch, and what was measured on the evaluation and test sets. */
import { figure, percent, short, whole } from "../../format.ts";
import { tr } from "../../language.ts";
import { COLUMN } from "../../manifest.ts";
import { evaluated, isContrastive, trained } from "../../mode.ts";
import type { Stage } from "../../stage.ts";
import { evaluationRange } from "../range.ts";
import { hasSeeds } from "./bands.ts";
import type { Drawing } from "./drawing.ts";
import { columnCurves, columnTable, eachRow, evaluationCurves, evaluationSpan, evaluationTable, HEADER, roomy, rounded } from "./series.ts";

const lossUnit = (stage: Stage): string => stage.manifest?.columns.find((c) => c.name === COLUMN.loss)?.unit ?? "";

export const lossChart: Drawing = {
  name: "loss",
  title: () => tr("Loss", "损失"),
  unit: lossUnit,
  note(stage) {
    const { examples, split } = stage.manifest!.evaluation,
      count = whole(examples),
      train = trained(stage.manifest!),
      mode = evaluated(stage.manifest!);
    return split === "train"
      ? tr(
          `thin: every batch${train}, min to max · bold: ${count} training examples${mode}`,
          `细线：每个批量${train}，最小至最大 · 粗线：${count} 个训练样本${mode}`,
        )
      : tr(
          `thin: every batch${train}, min to max · bold: ${count} ${split} examples${mode}`,
          `细线：每个批量${train}，最小至最大 · 粗线：${count} 个测试样本${mode}`,
        );
  },
  scales: ["log", "linear"],
  isPositive: (stage) => evaluationRange(stage)[0] > 0,
  format: short,
  readout: figure,
  best: "low",
  record: COLUMN.loss,
  bands: hasSeeds,
  columns: () => [COLUMN.loss],
  at: (stage, run, update) => stage.store.runs[run]!.evaluations.between(update, 0),
  /** The evaluation set's losses set the scale; single batches may leave it and are cut at the frame. */
  range(stage, kind) {
    let [low, high] = evaluationRange(stage);
    if (!(high > low)) {
      eachRow(stage, COLUMN.loss, (row) => {
        for (let i = 0; i < row.count; i++) {
          const value = row.last[i]!;
          if (value > 1e-4 && value < low) low = value;
          if (value < Infinity && value > high) high = value;
        }
      });
    }
    if (!(high >= low)) return null;
    if (high === low) return roomy(low, high, kind);
    return kind === "log"
      ? [rounded(low / 2, "down"), rounded(high * 1.5, "up")]
      : [low < 0 ? low - 0.05 * (high - low) : 0, high + 0.15 * (high - low)];
  },
  draw: (plot, stage) => columnCurves(plot, stage, COLUMN.loss, { behind: true }) + evaluationCurves(plot, stage, 0),
  empty: () => tr("The loss of every batch appears here with the first updates.", "第一次更新后，这里会显示每个批量的损失。"),
  *table(stage) {
    yield HEADER(stage);
    yield* columnTable(stage, COLUMN.loss, "batch loss");
    yield* evaluationTable(stage, 0, `loss on ${stage.manifest!.evaluation.examples} ${stage.manifest!.evaluation.split} examples`);
  },
};

const noTest = (stage: Stage): string | null =>
  stage.manifest!.data.testExamples === 0
    ? tr("There is no test split, so nothing is measured on one.", "没有测试集，因此没有测试结果。")
    : null;
const testNote = (stage: Stage): string =>
  stage.manifest!.data.testExamples > 0
    ? tr(`${whole(stage.manifest!.data.testExamples)} test examples`, `${whole(stage.manifest!.data.testExamples)} 个测试样本`) +
      evaluated(stage.manifest!)
    : "";

export const testLossChart: Drawing = {
  name: "test-loss",
  title: () => tr("Test loss", "测试损失"),
  unit: lossUnit,
  note: testNote,
  scales: ["log", "linear"],
  isPositive: (stage) => (evaluationSpan(stage, 1)?.[0] ?? 1) > 0,
  format: short,
  readout: figure,
  best: "low",
  bands: hasSeeds,
  at: (stage, run, update) => stage.store.runs[run]!.evaluations.between(update, 1),
  range(stage, kind) {
    const span = evaluationSpan(stage, 1);
    if (span === null) return null;
    const [low, high] = span;
    return kind === "log" ? [rounded(low / 1.2, "down"), rounded(high * 1.2, "up")] : [low < 0 ? low : 0, high + 0.1 * (high - low || 1)];
  },
  draw: (plot, stage) => evaluationCurves(plot, stage, 1),
  empty: (stage) => noTest(stage) ?? tr("The first test loss appears with the first evaluation.", "第一次评估后会显示测试损失。"),
  *table(stage) {
    yield HEADER(stage);
    yield* evaluationTable(stage, 1, "test loss");
  },
};

export const accuracyChart: Drawing = {
  name: "accuracy",
  title: () => tr("Test accuracy", "测试准确率"),
  unit: () => "",
  note: (stage) =>
    (isContrastive(stage.manifest!) && stage.manifest!.data.testExamples > 0
      ? tr("pairs whose second view is the most similar: of ", "第二视图最相似的样本对：")
      : "") + testNote(stage),
  scales: ["linear"],
  format: (value) => `${Number((100 * value).toPrecision(4))} %`,
  readout: (value) => percent(value),
  best: "high",
  bands: hasSeeds,
  at: (stage, run, update) => stage.store.runs[run]!.evaluations.between(update, 2),
  range(stage) {
    const span = evaluationSpan(stage, 2);
    return span && [Math.max(0, span[0] - 0.03), Math.min(1.02, span[1] + 0.03)];
  },
  draw: (plot, stage) => evaluationCurves(plot, stage, 2),
  empty: (stage) =>
    noTest(stage) ??
    (stage.manifest!.data.task === "classification"
      ? tr("The first test accuracy appears with the first evaluation.", "第一次评估后会显示测试准确率。")
      : tr("Accuracy is defined for classification only; this is regression.", "准确率只对分类任务有定义；当前是回归任务。")),
  *table(stage) {
    yield HEADER(stage);
    yield* evaluationTable(stage, 2, "test accuracy");
  },
};
