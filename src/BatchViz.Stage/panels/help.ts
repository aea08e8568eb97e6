/** Keyboard shortcuts: the page's own, the one handler for them, and the sheet that shows these and those of every part of the page. */
import { AXES } from "../axis.ts";
import { tr } from "../language.ts";
import { CAMERA_KEYS } from "../scene/camera.ts";
import { SCENE_KEYS } from "../scene/scene.ts";
import type { Mount, PanelName, Stage } from "../stage.ts";
import { CHART_KEYS } from "./chart.ts";
import { button, el, keysAreTaken } from "./dom.ts";
import { TREE_KEYS } from "./hierarchy.ts";
import { HISTORY_KEYS } from "./history.ts";
import { press, written, type Keys } from "./keys.ts";
import { BORDER_KEYS, PANEL_KEYS } from "./layout.ts";
import { PALETTE_KEYS } from "./palette.ts";
import { WINDOW_KEYS } from "./timeline/overview.ts";
import { TRACK_KEYS } from "./timeline/track.ts";

const PLAY_KEYS: Keys<Stage> = [
  { keys: [" ", "k"], words: tr("Play or pause", "播放或暂停"), act: (stage) => stage.act((playhead, extent) => playhead.toggle(extent)) },
  {
    keys: ["ArrowLeft", "ArrowRight"],
    words: tr("One update back or on", "后退或前进一次更新"),
    act: (stage, key) => stage.step(key === "ArrowLeft" ? -1 : 1),
  },
  {
    keys: ["Shift+ArrowLeft", "Shift+ArrowRight", ",", "."],
    words: tr("One epoch back or on", "后退或前进一轮"),
    act: (stage, key) => stage.stepEpoch(key === "," || key.endsWith("Left") ? -1 : 1),
  },
  { keys: ["Home"], words: tr("To the start", "到开头"), act: (stage) => stage.act((playhead, extent) => playhead.hold(0, extent)) },
  { keys: ["End"], words: tr("To the end", "到结尾"), act: (stage) => stage.act((playhead, extent) => playhead.toEnd(extent)) },
  { keys: ["l"], words: tr("Live", "直播"), act: (stage) => stage.act((playhead) => playhead.goLive()) },
  { keys: ["<"], words: tr("Slower", "减慢"), act: (stage) => stage.act((playhead) => playhead.faster(-1)) },
  { keys: [">"], words: tr("Faster", "加快"), act: (stage) => stage.act((playhead) => playhead.faster(1)) },
];

const PAGE_KEYS: Keys<Stage> = [
  {
    keys: ["a"],
    words: tr("Next axis", "下一个坐标轴"),
    act: (stage) => stage.setAxis(AXES[(AXES.indexOf(stage.axis) + 1) % AXES.length]!),
  },
  { keys: ["["], words: tr("Show or hide the hierarchy", "显示或隐藏层级"), act: (stage) => toggle(stage, "hierarchy") },
  { keys: ["]"], words: tr("Show or hide the inspector", "显示或隐藏检查器"), act: (stage) => toggle(stage, "inspector") },
  { keys: ["\\"], words: tr("Show or hide the charts", "显示或隐藏图表"), act: (stage) => toggle(stage, "charts") },
  {
    keys: ["p"],
    words: tr("Projector: large type and lines", "投影模式：大字号与粗线"),
    act: (stage) => stage.setProjector(!stage.isProjecting),
  },
  { keys: ["?"], words: tr("This sheet", "本列表"), act: () => document.querySelector<HTMLDialogElement>("dialog.sheet")?.showModal() },
];

const VIEW_KEYS: Keys<Stage> = [
  {
    keys: ["g"],
    words: tr("Loss scale: linear or logarithmic", "损失刻度：线性或对数"),
    act: (stage) => stage.setLossScale(stage.lossScale === "log" ? "linear" : "log"),
  },
  { keys: ["s"], words: tr("Stems", "垂线"), act: (stage) => stage.setOverlay("stems", !stage.overlays.has("stems")) },
  {
    keys: ["v"],
    words: tr("All runs in one picture, or a pane for each batch size", "所有运行叠加，或每个批量大小一个分窗"),
    act: (stage) => stage.setPanes(stage.panes === "split" ? "overlay" : "split"),
  },
  { keys: ["t"], words: tr("Look from the top", "俯视"), act: (stage) => stage.setCamera("top") },
  { keys: ["r"], words: tr("Bring the camera back", "相机复位"), act: (stage) => stage.setCamera("reset") },
  { keys: ["f"], words: tr("Frame the selected run's path", "对准所选运行的轨迹"), act: (stage) => stage.setCamera("frame") },
  { keys: ["h"], words: tr("Follow the selected run's head", "跟随所选运行"), act: (stage) => stage.setFollow(!stage.follow) },
  { keys: ["i"], words: tr("Save the scene as a picture (PNG)", "将场景保存为图片 (PNG)"), act: (stage) => stage.takePicture?.() },
];

const RANGE_KEYS: Keys<Stage> = [
  { keys: ["b"], words: tr("The range begins at the playhead", "选区从播放头开始"), act: (stage) => stage.markRange("from") },
  { keys: ["e"], words: tr("The range ends at the playhead", "选区到播放头结束"), act: (stage) => stage.markRange("to") },
  { keys: ["o"], words: tr("Play the range again and again", "循环播放选区"), act: (stage) => stage.setLoop(!stage.loop) },
  { keys: ["z"], words: tr("Zoom to the range", "缩放到选区"), act: (stage) => stage.zoomToRange() },
  {
    keys: ["Escape"],
    words: tr("Clear the range; show the whole budget again", "清除选区；重新显示全部预算"),
    act: (stage) => (stage.range === null ? stage.setZoom(null) : stage.setRange(null)),
  },
];

const RUN_KEYS: Keys<Stage> = [
  {
    keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"],
    shown: ["1", "…", "9"],
    words: tr("Select a run", "选择运行"),
    act(stage, key) {
      if (Number(key) <= (stage.manifest?.runs.length ?? 0)) stage.select(Number(key) - 1);
    },
  },
];

/** Those that work everywhere but in a field. */
export const EVERYWHERE: Keys<Stage> = [...PLAY_KEYS, ...PAGE_KEYS, ...VIEW_KEYS, ...RANGE_KEYS, ...RUN_KEYS];

type Sheet = readonly (readonly [group: string, parts: readonly (readonly [where: string, table: Keys<never>])[]])[];

/** All tables of keys there are, by where on the sheet they stand and what must have the focus; "": nothing in particular. */
export const SHEET: Sheet = [
  [tr("Playback", "播放"), [["", PLAY_KEYS]]],
  [
    tr("Page", "页面"),
    [
      ["", PAGE_KEYS],
      ["", HISTORY_KEYS],
      ["", PANEL_KEYS],
      [tr("On a border between panels", "在面板边界上"), BORDER_KEYS],
    ],
  ],
  [
    tr("Scene", "场景"),
    [
      ["", VIEW_KEYS],
      [tr("In the scene", "在场景中"), CAMERA_KEYS],
      [tr("In the scene", "在场景中"), SCENE_KEYS],
    ],
  ],
  [tr("Charts", "图表"), [[tr("On a chart", "在图表上"), CHART_KEYS]]],
  [
    tr("Timeline", "时间轴"),
    [
      ["", RANGE_KEYS],
      [tr("On the track", "在轨道上"), TRACK_KEYS],
      [tr("On the overview's window", "在总览窗口上"), WINDOW_KEYS],
    ],
  ],
  [
    tr("Hierarchy", "层级"),
    [
      ["", RUN_KEYS],
      [tr("In the tree", "在树中"), TREE_KEYS],
      [tr("Among the colours", "在颜色中"), PALETTE_KEYS],
    ],
  ],
];

const toggle = (stage: Stage, panel: PanelName): void => stage.setPanel(panel, stage.panels.has(panel));

export const mountHelp: Mount = (element, stage) => {
  const offline = stage.connection === "offline";
  const close = el("button", { type: "button", onclick: () => sheet.close() }, tr("Close", "关闭"));
  const groups = SHEET.map(([name, parts]) =>
    el(
      "section",
      {},
      el("h3", {}, name),
      ...parts.flatMap(([where, table], i) => [
        ...(where === "" || where === parts[i - 1]?.[0] ? [] : [el("h4", {}, where)]),
        el(
          "dl",
          {},
          ...table
            .filter((row) => !(offline && table === PLAY_KEYS && row.keys.includes("l")))
            .flatMap(({ keys, shown, words }) => [
              el("dt", {}, ...(shown ?? keys).map((key) => el("kbd", {}, written(key)))),
              el("dd", {}, words),
            ]),
        ),
      ]),
    ),
  );
  const sheet = el(
    "dialog",
    { class: "sheet", "aria-labelledby": "help-title" },
    el("div", { class: "sheet-head" }, el("h2", { id: "help-title" }, tr("Keyboard", "键盘")), close),
    el("div", { class: "key-groups" }, ...groups),
    el(
      "p",
      { class: "quiet" },
      (offline
        ? ""
        : tr("Playing and pausing move only your own view; the training goes on. ", "播放与暂停只影响你自己的视图；训练照常进行。")) +
        tr(
          "On a chart, drag to zoom, click to move the playhead. Borders between panels can be dragged.",
          "在图表上拖动可缩放，单击可移动播放头。面板之间的边界可以拖动。",
        ),
    ),
  );
  element.append(
    button(tr("Keyboard shortcuts (?)", "键盘快捷键 (?)"), "?", () => sheet.showModal()),
    sheet,
  );
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || isTyping(event.target) || keysAreTaken()) return;
    if (event.key === "Escape" && document.querySelector(":popover-open") !== null) return; // that closes the menu
    if (event.key === " " && event.target instanceof HTMLButtonElement) return; // Space presses the button that has the focus
    if (press(EVERYWHERE, event, stage)) event.preventDefault();
  });
  return { wants: 0, draw() {} };
};

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLInputElement ||
  target instanceof HTMLTextAreaElement ||
  target instanceof HTMLSelectElement ||
  (target instanceof HTMLElement && target.isContentEditable);
