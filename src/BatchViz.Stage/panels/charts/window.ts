/** The charts' visible window on the page's axis. */
import type { Stage } from "../../stage.ts";
import { bent } from "./scale.ts";

/** On a logarithmic axis it begins with the first update of the fastest run, for there is no zero. */
export function windowFrom(stage: Stage): number {
  if (!stage.logTime) return stage.from;
  let first = Infinity;
  for (const clock of stage.clocks) {
    const value = clock.toAxis(stage.axis, 1);
    if (value > 0 && value < first) first = value;
  }
  return Math.max(stage.from, Math.min(first, stage.to / 10));
}

/** How far across the window a moment lies, 0 to 1 inside it. */
export function shareOf(stage: Stage, at: number): number {
  const kind = stage.logTime ? "log" : "linear",
    from = bent(kind, windowFrom(stage));
  return (bent(kind, Math.max(at, 1e-12)) - from) / (bent(kind, stage.to) - from);
}
