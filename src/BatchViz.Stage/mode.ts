/** Training and evaluating, in words, for nets in which they differ: BatchNorm, dropout, losses that compare examples. Pure. */
import { tr } from "./language.ts";
import type { Manifest } from "./manifest.ts";

export const isContrastive = ({ spec }: Manifest): boolean => spec.loss === "info-nce" || spec.loss === "sigmoid-contrastive";

/** Why the records have no such column, in a sentence; null where they have it. */
export function whyUndefined(manifest: Manifest, column: string): string | null {
  if (!manifest.undefined?.includes(column)) return null;
  return isContrastive(manifest)
    ? tr(
        "Not defined: a contrastive loss compares the examples of a batch with one another, so single examples have no gradients.",
        "无定义：对比损失比较批量中的样本，单个样本没有自己的梯度。",
      )
    : tr(
        "Not defined in train mode: with BatchNorm an example's gradient depends on its whole batch. The probe “Noise scale, exact” measures it in evaluation mode.",
        "训练模式下无定义：有 BatchNorm 时，单个样本的梯度取决于整个批量。探测“噪声尺度（精确）”可在评估模式下测量。",
      );
}

/** The same in place of a figure and its unit, and in place of a note. */
export const undefinedReading = (manifest: Manifest): readonly [string, string] => [
  tr("not defined", "无定义"),
  isContrastive(manifest) ? "" : tr("in train mode", "训练模式下"),
];
export const undefinedNote = (manifest: Manifest): string =>
  isContrastive(manifest) ? tr("not defined", "无定义") : tr("not defined in train mode", "训练模式下无定义");

/** In place of a record's value that is no number: a column about single examples has none for a batch of one; any other is not finite. */
export const noNumber = (manifest: Manifest, column: string, single: boolean): readonly [string, string] =>
  manifest.columns.some(({ name, ofExamples }) => ofExamples && name === column)
    ? [tr("not defined", "无定义"), single ? tr("for one example", "单个样本") : ""]
    : [tr("not finite", "非有限值"), ""];

/** What becomes of a batch of one example, where that is odd; else "". docs/layers.md, edge cases. */
export function ofOne(manifest: Manifest): string {
  if (manifest.spec.loss === "info-nce")
    return tr("One pair alone has nothing to be told from: its loss and gradient are 0.", "单独一对没有可比较的对象：损失与梯度均为 0。");
  if (manifest.spec.loss === "sigmoid-contrastive")
    return tr("One pair alone: only its own similarity counts.", "单独一对：只计其自身的相似度。");
  return manifest.twoModes?.includes("batchNorm")
    ? tr(
        "One example alone: a batch norm over one value gives β, and nothing goes back through it.",
        "单独一个样本：只有一个值的批归一化输出 β，梯度不会通过它。",
      )
    : "";
}

const differs = ({ twoModes }: Manifest): boolean => (twoModes?.length ?? 0) > 0;

/** How the batches of updates go through the net, where that must be said; else "". To be put behind what it is said of. */
export const trained = (manifest: Manifest): string => (differs(manifest) ? tr(" in train mode", "（训练模式）") : "");

/** How everything else does: curves on fixed sets, landscapes, probes, gradients at a moment. */
export function evaluated(manifest: Manifest): string {
  const words = evaluation(manifest);
  return words === "" ? "" : tr(`, ${words}`, `（${words}）`);
}

/** The same by itself. */
export function evaluation(manifest: Manifest): string {
  const pairs = isContrastive(manifest) ? manifest.evaluation.pairs : undefined;
  return [
    ...(differs(manifest) ? [tr("in evaluation mode", "评估模式")] : []),
    ...(pairs === undefined ? [] : [tr(`${pairs} pairs at a time`, `每次 ${pairs} 对`)]),
  ].join(tr(", ", "，"));
}
