/** A chart in one sentence, for those who do not see it: what is shown, at which moment, and who leads. */
import { AXIS_LABELS } from "../../axis.ts";
import { short } from "../../format.ts";
import { tr } from "../../language.ts";
import type { Stage } from "../../stage.ts";
import type { Drawing } from "./drawing.ts";

export function sentenceOf(drawing: Drawing, stage: Stage): string {
  const own = drawing.sentence?.(stage);
  if (own !== undefined) return own === "" ? drawing.empty(stage) : own;
  const runs = stage.manifest!.runs.filter((run) => !stage.hidden.has(run.index));
  const values = runs
    .map(({ index }) => ({ index, value: drawing.at!(stage, index, stage.drawn[index]?.update ?? 0) }))
    .filter(({ value }) => Number.isFinite(value))
    .sort((a, b) => a.value - b.value);
  const where = `${short(stage.playhead.position)} ${AXIS_LABELS[stage.axis]}`;
  const title = drawing.title();
  if (values.length === 0) return tr(`${title}: nothing is known yet at ${where}.`, `${title}：在 ${where} 处尚无数值。`);
  const say = ({ index, value }: { index: number; value: number }): string => `${stage.labels[index]!} ${drawing.readout(value)}`;
  const first = values[0]!,
    last = values.at(-1)!;
  if (values.length === 1) return tr(`${title} at ${where}: ${say(first)}.`, `${title}，在 ${where} 处：${say(first)}。`);
  if (drawing.best === undefined)
    return tr(
      `${title} of ${values.length} runs at ${where}: from ${say(first)} up to ${say(last)}.`,
      `${title}，${values.length} 个运行，在 ${where} 处：从 ${say(first)} 到 ${say(last)}。`,
    );
  const [leader, behind] = drawing.best === "low" ? [first, last] : [last, first];
  return tr(
    `${title} of ${values.length} runs at ${where}: ${say(leader)} leads, ${say(behind)} is last.`,
    `${title}，${values.length} 个运行，在 ${where} 处：${say(leader)} 领先，${say(behind)} 居末。`,
  );
}
