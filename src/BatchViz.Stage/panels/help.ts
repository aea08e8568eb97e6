/** Keyboard shortcuts: the table, the sheet that shows it, and the one handler. */
import { AXES } from "../axis.ts";
import { tr } from "../language.ts";
import type { Mount, PanelName, Stage } from "../stage.ts";
import { button, el } from "./dom.ts";

/** Where on the sheet a key stands, in this order. */
const GROUPS = {
  playback: tr("Playback", "播放"),
  page: tr("Page", "页面"),
  scene: tr("Scene", "场景"),
  charts: tr("Charts and timeline", "图表与时间轴"),
  hierarchy: tr("Hierarchy", "层级"),
} as const;
type Group = keyof typeof GROUPS;

/** A key without an action is handled where it belongs, and stands here for the sheet alone. */
const KEYS: readonly (readonly [keys: readonly string[], group: Group, words: string, act?: (stage: Stage) => void])[] = [
  [[" ", "k"], "playback", tr("Play or pause", "播放或暂停"), (stage) => stage.act((playhead, extent) => playhead.toggle(extent))],
  [["ArrowLeft", "ArrowRight"], "playback", tr("One update back or on", "后退或前进一次更新")],
  [["Shift+ArrowLeft", "Shift+ArrowRight", ",", "."], "playback", tr("One epoch back or on", "后退或前进一轮")],
  [["Home"], "playback", tr("To the start", "到开头"), (stage) => stage.act((playhead, extent) => playhead.hold(0, extent))],
  [["End"], "playback", tr("To the end", "到结尾"), (stage) => stage.act((playhead, extent) => playhead.toEnd(extent))],
  [["l"], "playback", tr("Live", "直播"), (stage) => stage.act((playhead) => playhead.goLive())],
  [["<"], "playback", tr("Slower", "减慢"), (stage) => stage.act((playhead) => playhead.faster(-1))],
  [[">"], "playback", tr("Faster", "加快"), (stage) => stage.act((playhead) => playhead.faster(1))],
  [["a"], "page", tr("Next axis", "下一个坐标轴"), (stage) => stage.setAxis(AXES[(AXES.indexOf(stage.axis) + 1) % AXES.length]!)],
  [["Ctrl+Z"], "page", tr("Undo", "撤销")],
  [["Ctrl+Shift+Z"], "page", tr("Redo", "重做")],
  [["F6", "Shift+F6"], "page", tr("Next or previous panel", "下一个或上一个面板")],
  [["["], "page", tr("Show or hide the hierarchy", "显示或隐藏层级"), (stage) => toggle(stage, "hierarchy")],
  [["]"], "page", tr("Show or hide the inspector", "显示或隐藏检查器"), (stage) => toggle(stage, "inspector")],
  [["\\"], "page", tr("Show or hide the charts", "显示或隐藏图表"), (stage) => toggle(stage, "charts")],
  [["p"], "page", tr("Projector: large type and lines", "投影模式：大字号与粗线"), (stage) => stage.setProjector(!stage.isProjecting)],
  [["?"], "page", tr("This sheet", "本列表")],
  [["g"], "scene", tr("Loss scale: linear or logarithmic", "损失刻度：线性或对数"), (stage) => stage.setLossScale(stage.lossScale === "log" ? "linear" : "log")],
  [["s"], "scene", tr("Stems", "垂线"), (stage) => stage.setOverlay("stems", !stage.overlays.has("stems"))],
  [["v"], "scene", tr("All runs in one picture, or a pane for each batch size", "所有运行叠加，或每个批量大小一个分窗"), (stage) => stage.setPanes(stage.panes === "split" ? "overlay" : "split")],
  [["t"], "scene", tr("Look from the top", "俯视"), (stage) => stage.setCamera("top")],
  [["r"], "scene", tr("Bring the camera back", "相机复位"), (stage) => stage.setCamera("reset")],
  [["f"], "scene", tr("Frame the selected run's path", "对准所选运行的轨迹"), (stage) => stage.setCamera("frame")],
  [["h"], "scene", tr("Follow the selected run's head", "跟随所选运行"), (stage) => stage.setFollow(!stage.follow)],
  [["i"], "scene", tr("Save the scene as a picture (PNG)", "将场景保存为图片 (PNG)"), (stage) => stage.takePicture?.()],
  [["b"], "charts", tr("The range begins at the playhead", "选区从播放头开始"), (stage) => stage.markRange("from")],
  [["e"], "charts", tr("The range ends at the playhead", "选区到播放头结束"), (stage) => stage.markRange("to")],
  [["o"], "charts", tr("Play the range again and again", "循环播放选区"), (stage) => stage.setLoop(!stage.loop)],
  [["z"], "charts", tr("Zoom to the range", "缩放到选区"), (stage) => stage.zoomToRange()],
  [["+", "−"], "charts", tr("On the timeline: closer, farther", "在时间轴上：放大、缩小")],
  [["n", "Shift+N"], "charts", tr("On the timeline: to the next or previous marker", "在时间轴上：到下一个或上一个标记")],
  [["Escape"], "charts", tr("Clear the range; show the whole budget again", "清除选区；重新显示全部预算"), (stage) => (stage.range === null ? stage.setZoom(null) : stage.setRange(null))],
  [["1", "…", "9"], "hierarchy", tr("Select a run", "选择运行")],
  [["↑", "↓"], "hierarchy", tr("Through the tree", "在树中移动")],
  [["←", "→"], "hierarchy", tr("In the tree: close or open a branch", "在树中：收起或展开分支")],
  [["Enter"], "hierarchy", tr("In the tree: select", "在树中：选择")],
  [["Space", "Shift+Space"], "hierarchy", tr("In the tree: hide or show; alone", "在树中：隐藏或显示；只显示它")],
  [["C"], "hierarchy", tr("In the tree: the run's colour", "在树中：运行的颜色")],
];
const NAMES: Readonly<Record<string, string>> = { " ": tr("Space", "空格"), ArrowLeft: "←", ArrowRight: "→", Escape: "Esc", "Shift+ArrowLeft": "Shift+←", "Shift+ArrowRight": "Shift+→", "Shift+Space": tr("Shift+Space", "Shift+空格") };
const written = (key: string): string => NAMES[key] ?? (/^[a-z]$/.test(key) ? key.toUpperCase() : key);

const toggle = (stage: Stage, panel: PanelName): void => stage.setPanel(panel, stage.panels.has(panel));

export const mountHelp: Mount = (element, stage) => {
  const offline = stage.connection === "offline";
  const close = el("button", { type: "button", onclick: () => sheet.close() }, tr("Close", "关闭"));
  const groups = Object.entries(GROUPS).map(([group, name]) => el("section", {},
    el("h3", {}, name),
    el("dl", {}, ...KEYS.filter(([keys, of]) => of === group && !(offline && keys.includes("l"))).flatMap(([keys, , words]) =>
      [el("dt", {}, ...keys.map((key) => el("kbd", {}, written(key)))), el("dd", {}, words)]))));
  const sheet = el("dialog", { class: "sheet", "aria-labelledby": "help-title" },
    el("h2", { id: "help-title" }, tr("Keyboard", "键盘")),
    el("div", { class: "key-groups" }, ...groups),
    el("p", { class: "quiet" }, (offline ? "" : tr("Playing and pausing move only your own view; the training goes on. ", "播放与暂停只影响你自己的视图；训练照常进行。"))
      + tr("In the scene, arrow keys turn the camera and + and − zoom. On a chart, drag to zoom, click to move the playhead. Borders between panels can be dragged, or moved with arrow keys.",
        "在场景中，方向键转动相机，+ 与 − 缩放。在图表上拖动可缩放，单击可移动播放头。面板之间的边界可以拖动，或用方向键移动。")),
    close);
  element.append(button(tr("Keyboard shortcuts (?)", "键盘快捷键 (?)"), "?", () => sheet.showModal()), sheet);
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
    const by = event.key === "ArrowLeft" ? -1 : 1;
    if (event.shiftKey) stage.stepEpoch(by);
    else stage.step(by);
    return true;
  }
  if (event.key === "," || event.key === ".") {
    stage.stepEpoch(event.key === "," ? -1 : 1);
    return true;
  }
  if (/^[1-9]$/.test(event.key)) {
    const run = Number(event.key) - 1;
    if (run < (stage.manifest?.runs.length ?? 0)) stage.select(run);
    return true;
  }
  const entry = KEYS.find(([keys, , , act]) => act !== undefined && keys.includes(event.key.length === 1 ? event.key.toLowerCase() : event.key));
  entry?.[3]!(stage);
  return entry !== undefined;
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || (target instanceof HTMLElement && target.isContentEditable);
