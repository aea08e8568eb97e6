/** What a screen reader is told unasked: a run has ended or diverged, the connection is lost or back. Nothing smaller. */
import { tr } from "../language.ts";
import { Change, type Panel, type Stage } from "../stage.ts";
import { hasEnded } from "../store.ts";
import { el } from "./dom.ts";

/** Runs that end together are told together. */
const TOGETHER = 700;

export function announcer(stage: Stage): Panel {
  const region = el("div", { class: "unseen", role: "log", "aria-live": "polite", "aria-label": tr("What has happened", "发生的事件") });
  (document.querySelector("main") ?? document.body).append(region);
  const known = new Map<string, boolean>();
  let generation = -1,
    lost = false,
    timer: ReturnType<typeof setTimeout> | undefined;
  const news: string[] = [];
  const tell = (sentence: string): void => {
    news.push(sentence);
    timer ??= setTimeout(() => {
      timer = undefined;
      region.replaceChildren(el("p", {}, news.splice(0).join(" ")));
    }, TOGETHER);
  };
  return {
    wants: Change.data | Change.runs | Change.session | Change.manifest,
    draw() {
      const { manifest } = stage;
      if (manifest !== null) {
        const begun = manifest.generation === generation;
        if (!begun) known.clear();
        generation = manifest.generation;
        for (const run of manifest.runs) {
          const { state } = stage.store.runs[run.index]!,
            ended = hasEnded(state),
            label = stage.labels[run.index]!;
          if (begun && ended && known.get(run.id) === false) {
            if (state === "diverged") tell(tr(`${label} has diverged.`, `${label} 已发散。`));
            else if (state === "failed") tell(tr(`${label} has failed.`, `${label} 失败。`));
            else tell(tr(`${label} has ended.`, `${label} 已结束。`));
          }
          known.set(run.id, ended);
        }
      }
      if (stage.connection === "reconnecting" && !lost) tell(tr("The connection is lost.", "连接已断开。"));
      else if (stage.connection === "connected" && lost) tell(tr("The connection is back.", "连接已恢复。"));
      if (stage.connection !== "connecting") lost = stage.connection === "reconnecting";
    },
  };
}
