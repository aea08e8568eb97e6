/** Training and evaluating, in words, for nets in which they differ: BatchNorm, dropout, losses that compare examples. Pure. */
import { tr } from "./language.ts";
import type { Manifest } from "./manifest.ts";

export const isContrastive = ({ spec }: Manifest): boolean => spec.loss === "info-nce" || spec.loss === "sigmoid-contrastive";

/** Why the records have no such column, in a sentence; null where they have it. */
export function whyUndefined(manifest: Manifest, column: string): string | null {
  if (!manifest.undefined?.includes(column)) return null;
  return isContrastive(manifest)
    ? tr("Not defined: a contrastive loss compares the examples of a batch with one another, so single examples have no gradients.", "无定义：对比损失比较批量中的样本，单个样本没有自己的梯度。")
    : tr("Not defined in train mode: with BatchNorm an example's gradient depends on its whole batch. The probe “Noise scale, exact” measures it in evaluation mode.", "训练模式下无定义：有 BatchNorm 时，单个样本的梯度取决于整个批量。探测“噪声尺度（精确）”可在评估模式下测量。");
}

/** The same in place of a figure and its unit, and in place of a note. */
export const undefinedReading = (manifest: Manifest): readonly [string, string] => [tr("not defined", "无定义"), isContrastive(manifest) ? "" : tr("in train mode", "训练模式下")];
export const undefinedNote = (manifest: Manifest): string => (isContrastive(manifest) ? tr("not defined", "无定义") : tr("not defined in train mode", "训练模式下无定义"));

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
  return [...(differs(manifest) ? [tr("in evaluation mode", "评估模式")] : []), ...(pairs === undefined ? [] : [tr(`${pairs} pairs at a time`, `每次 ${pairs} 对`)])].join(tr(", ", "，"));
}
