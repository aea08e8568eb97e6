/** Forks are the owner's: Stage asks in an event, and whoever has the dialog for it (wwwroot/js/owner.js) opens it, filled in. */
import { tr } from "./language.ts";
import type { RunInfo } from "./manifest.ts";
import type { Stage } from "./stage.ts";

const NOTE_SECONDS = 6;

/** At the playhead, with these settings to begin with. */
export function askForFork(stage: Stage, run: RunInfo, set: Readonly<Record<string, string | number>> = {}): void {
  const asked = new CustomEvent("batchviz:fork", { cancelable: true, detail: { run: run.id, update: stage.updateAt(run.index), set } });
  if (!document.dispatchEvent(asked)) return; // somebody has taken it
  stage.say(tr("The owner's controls are not there yet; try again in a moment.", "主持人的控件尚未就绪；请稍后再试。"));
  setTimeout(() => stage.say(null), 1000 * NOTE_SECONDS);
}
