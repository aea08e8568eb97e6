/** The evaluation losses that loss chart and overview make room for. */
import { decentLoss } from "../scene/heights.ts";
import type { Stage } from "../stage.ts";

/**
 * Smallest and largest evaluation loss of the runs that are shown, without those of a run on its way to infinity; [∞, −∞] when there is
 * none.
 */
export function evaluationRange(stage: Stage): [number, number] {
  let low = Infinity,
    start = -Infinity,
    high = -Infinity;
  each(stage, (value, index) => {
    if (value < low) low = value;
    if (index === 0 && value > start) start = value;
  });
  const decent = decentLoss(start, low, stage.lossScale === "log");
  each(stage, (value) => {
    if (value > high && value <= decent) high = value;
  });
  return [low, high];
}

function each(stage: Stage, visit: (value: number, index: number) => void): void {
  stage.store.runs.forEach(({ evaluations }, run) => {
    if (stage.hidden.has(run)) return;
    for (let i = 0; i < evaluations.count; i++) {
      const value = evaluations.value(i, 0);
      if (Number.isFinite(value)) visit(value, i);
    }
  });
}
