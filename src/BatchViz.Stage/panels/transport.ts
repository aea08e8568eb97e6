/** ⏮ ‹ ▶ › ⏭ and the speed: moves the viewer's playhead and nothing else. */
import { tr } from "../language.ts";
import { SPEEDS } from "../playhead.ts";
import { Change, type Mount } from "../stage.ts";
import { button, el, icon, setAttribute } from "./dom.ts";

export const mountTransport: Mount = (element, stage) => {
  const play = button(tr("Play", "播放"), icon("play"), () => stage.act((playhead, extent) => playhead.toggle(extent)), "play");
  const back = button(tr("One update back", "后退一次更新"), icon("back"), () => stage.step(-1));
  const forward = button(tr("One update on", "前进一次更新"), icon("forward"), () => stage.step(1));
  const speed = el(
    "select",
    {
      "aria-label": tr("Playback speed", "播放速度"),
      title: tr("Playback speed: at 1× the whole budget takes 90 seconds", "播放速度：1× 时全部预算用 90 秒"),
      onchange: () => stage.act((playhead) => (playhead.speed = Number(speed.value))),
    },
    ...SPEEDS.map((s) => el("option", { value: s }, `${s}×`)),
  );
  element.append(
    button(tr("To the start", "到开头"), icon("start"), () => stage.act((playhead, extent) => playhead.hold(0, extent))),
    back,
    play,
    forward,
    button(tr("To the end", "到结尾"), icon("end"), () => stage.act((playhead, extent) => playhead.toEnd(extent))),
    speed,
  );
  let playing: boolean | null = null;
  return {
    wants: Change.moment | Change.runs | Change.manifest,
    draw() {
      const now = stage.playhead.mode !== "paused";
      if (now !== playing) {
        playing = now;
        play.replaceChildren(icon(now ? "pause" : "play"));
        setAttribute(play, "aria-label", now ? tr("Pause", "暂停") : tr("Play", "播放"));
        setAttribute(
          play,
          "title",
          !now
            ? tr("Play", "播放")
            : stage.connection === "offline"
              ? tr("Pause", "暂停")
              : tr("Pause the playback; the training goes on", "暂停播放；训练照常进行"),
        );
      }
      const run = stage.stepRun;
      const whose = run ? stage.labels[run.index]! : "";
      setAttribute(back, "title", tr(`Back by one update of ${whose} (←)`, `后退一次更新，${whose} (←)`));
      setAttribute(forward, "title", tr(`On by one update of ${whose} (→)`, `前进一次更新，${whose} (→)`));
      speed.value = String(stage.playhead.speed);
    },
  };
};
