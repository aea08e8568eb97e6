/** Keyboard shortcuts: the table, the sheet that shows it, and the one handler. */
import { AXES } from "../axis.ts";
import { tr } from "../language.ts";
import type { Mount, Stage } from "../stage.ts";
import { button, el } from "./dom.ts";

const KEYS: readonly (readonly [keys: readonly string[], words: string, act: (stage: Stage) => void])[] = [
  [[" ", "k"], "Play or pause", (stage) => stage.act((playhead, extent) => playhead.toggle(extent))],
  [["ArrowLeft", "ArrowRight"], "One update back or on", () => {}],
  [["Home"], "To the start", (stage) => stage.act((playhead, extent) => playhead.hold(0, extent))],
  [["End"], "To the end", (stage) => stage.act((playhead, extent) => playhead.toEnd(extent))],
  [["l"], "Live", (stage) => stage.act((playhead) => playhead.goLive())],
  [["<"], "Slower", (stage) => stage.act((playhead) => playhead.faster(-1))],
  [[">"], "Faster", (stage) => stage.act((playhead) => playhead.faster(1))],
  [["a"], "Next axis", (stage) => stage.setAxis(AXES[(AXES.indexOf(stage.axis) + 1) % AXES.length]!)],
  [["g"], "Loss scale: linear or logarithmic", (stage) => stage.setLossScale(stage.lossScale === "log" ? "linear" : "log")],
  [["s"], tr("Stems", "垂线"), (stage) => stage.setOverlay("stems", !stage.overlays.has("stems"))],
  [["v"], tr("All runs in one picture, or a pane for each batch size", "所有运行叠加，或每个批量大小一个分窗"), (stage) => stage.setPanes(stage.panes === "split" ? "overlay" : "split")],
  [["t"], "Look from the top", (stage) => stage.setCamera("top")],
  [["r"], tr("Bring the camera back", "相机复位"), (stage) => stage.setCamera("reset")],
  [["f"], tr("Frame the selected run's path", "对准所选运行的轨迹"), (stage) => stage.setCamera("frame")],
  [["h"], tr("Follow the selected run's head", "跟随所选运行"), (stage) => stage.setFollow(!stage.follow)],
  [["p"], tr("Save the scene as a picture (PNG)", "将场景保存为图片 (PNG)"), (stage) => stage.takePicture?.()],
  [["Escape"], "Show the whole budget again", (stage) => stage.setZoom(null)],
];
const NAMES: Readonly<Record<string, string>> = { " ": "Space", ArrowLeft: "←", ArrowRight: "→", k: "K", l: "L", a: "A", g: "G", s: "S", t: "T", r: "R", f: "F", h: "H", p: "P", v: "V", Escape: "Esc" };

export const mountHelp: Mount = (element, stage) => {
  const offline = stage.connection === "offline";
  const rows = [...KEYS.filter(([keys]) => !(offline && keys.includes("l"))).map(([keys, words]) => [keys.map((key) => NAMES[key] ?? key), words] as const), [["1", "…", "9"], "Select a run"] as const, [["?"], "This sheet"] as const];
  const close = el("button", { type: "button", onclick: () => sheet.close() }, "Close");
  const sheet = el("dialog", { class: "sheet", "aria-labelledby": "help-title" },
    el("h2", { id: "help-title" }, "Keyboard"),
    el("dl", {}, ...rows.flatMap(([keys, words]) => [el("dt", {}, ...keys.map((key) => el("kbd", {}, key))), el("dd", {}, words)])),
    el("p", { class: "quiet" }, `${offline ? "" : "Playing and pausing move only your own view; the training goes on. "}In the scene, arrow keys turn the camera and + and − zoom. On a chart, drag to zoom, click to move the playhead.`),
    close);
  element.append(button("Keyboard shortcuts", "?", () => sheet.showModal()), sheet);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target) || document.querySelector("dialog[open]") !== null) return;
    if (event.key === "Escape" && document.querySelector(":popover-open") !== null) return; // that closes the menu
    if (event.key === "?") sheet.showModal();
    else if (!press(event, stage)) return;
    event.preventDefault();
  });
  return { wants: 0, draw() {} };
};

function press(event: KeyboardEvent, stage: Stage): boolean {
  const onButton = event.target instanceof HTMLButtonElement;
  if (event.key === " " && onButton) return false; // Space presses the button that has the focus
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    stage.step(event.key === "ArrowLeft" ? -1 : 1);
    return true;
  }
  if (/^[1-9]$/.test(event.key)) {
    const run = Number(event.key) - 1;
    if (run < (stage.manifest?.runs.length ?? 0)) stage.select(run);
    return true;
  }
  const entry = KEYS.find(([keys]) => keys.includes(event.key.length === 1 ? event.key.toLowerCase() : event.key));
  entry?.[2](stage);
  return entry !== undefined;
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || (target instanceof HTMLElement && target.isContentEditable);
