/** ⏮ ‹ ▶ › ⏭ and the speed: moves the viewer's playhead and nothing else. */
import { SPEEDS } from "../playhead.ts";
import { Change, type Mount } from "../stage.ts";
import { button, el, icon, setAttribute } from "./dom.ts";

export const mountTransport: Mount = (element, stage) => {
  const play = button("Play", icon("play"), () => stage.act((playhead, extent) => playhead.toggle(extent)), "play");
  const back = button("One update back", icon("back"), () => stage.step(-1));
  const forward = button("One update on", icon("forward"), () => stage.step(1));
  const speed = el("select", {
    "aria-label": "Playback speed", title: "Playback speed: at 1× the whole budget takes 90 seconds",
    onchange: () => stage.act((playhead) => (playhead.speed = Number(speed.value))),
  }, ...SPEEDS.map((s) => el("option", { value: s }, `${s}×`)));
  element.append(
    button("To the start", icon("start"), () => stage.act((playhead, extent) => playhead.hold(0, extent))),
    back, play, forward,
    button("To the end", icon("end"), () => stage.act((playhead, extent) => playhead.toEnd(extent))),
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
        setAttribute(play, "aria-label", now ? "Pause" : "Play");
        setAttribute(play, "title", !now ? "Play" : stage.connection === "offline" ? "Pause" : "Pause the playback; the training goes on");
      }
      const run = stage.stepRun;
      const one = run ? `one update of ${stage.labels[run.index]!}` : "one update";
      setAttribute(back, "title", `Back by ${one}`);
      setAttribute(forward, "title", `On by ${one}`);
      speed.value = String(stage.playhead.speed);
    },
  };
};
