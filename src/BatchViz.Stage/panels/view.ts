/** How the scene is looked at: panes, overlays, loss scale, camera. Which plane is cut is the owner's choice, and in the header. */
import { tr } from "../language.ts";
import { Change, OVERLAYS, type Mount, type Overlay, type Stage } from "../stage.ts";
import { button, choice, el, icon, setAttribute } from "./dom.ts";

const WORDS: Readonly<Record<Overlay, readonly [name: string, what: string]>> = {
  trails: [tr("Fading trails", "渐隐轨迹"), tr("Older parts of a path are fainter", "轨迹越旧的部分越淡")],
  epochs: [
    tr("Epochs", "轮 (epoch)"),
    tr("A mark where each epoch ends, or every second, fifth, tenth … of many", "每轮结束处的标记；轮数多时每 2、5、10…… 轮一个"),
  ],
  ends: [tr("Ends of runs", "运行终点"), tr("A ring where a run has ended, red where it diverged", "运行结束处的圆环，发散为红色")],
  stems: [tr("Stems", "垂线"), tr("From each path's true loss to the slice: how far off it is", "从轨迹的真实损失到切面：偏离多少")],
  gradients: [
    tr("Gradients and noise", "梯度与噪声"),
    tr(
      "While paused: the next batch's gradient, that of all examples, and the noise's ellipse",
      "暂停时：下一批的梯度、全部样本的梯度、噪声椭圆",
    ),
  ],
  axes: [
    tr("Axes and scale", "坐标轴与比例尺"),
    tr("Labels at the edges, the axes and a length in the corner", "边缘标注、角落的坐标轴与长度"),
  ],
};

export const mountView: Mount = (element, stage) => {
  const panes = choice(
    tr("Panes", "分窗"),
    [
      ["overlay", tr("overlay", "叠加")],
      ["split", tr("split", "分屏")],
    ] as const,
    (value) => stage.setPanes(value),
  );
  panes.root.title = tr("All runs in one picture, or a pane for each batch size (V)", "所有运行在一幅图中，或每个批量大小一个分窗 (V)");
  const scale = choice(
    tr("Loss scale, of the scene's height and of the loss chart", "损失刻度（场景高度与损失图表）"),
    [
      ["log", tr("log", "对数")],
      ["linear", tr("linear", "线性")],
    ] as const,
    (value) => stage.setLossScale(value),
  );
  const boxes = OVERLAYS.map((name) => {
    const box = el("input", { type: "checkbox", "data-overlay": name, onchange: () => stage.setOverlay(name, box.checked) });
    const [title, what] = WORDS[name];
    return { name, box, row: el("label", {}, box, el("span", {}, title, el("small", {}, what))) };
  });
  const menu = el(
    "div",
    { id: "view-menu", popover: "auto", class: "view-menu", role: "group", "aria-label": tr("View", "视图") },
    el("div", { class: "view-row" }, el("span", {}, tr("Height: loss", "高度：损失")), scale.root),
    ...boxes.map(({ row }) => row),
  );
  const open = el(
    "button",
    {
      type: "button",
      popovertarget: "view-menu",
      "aria-expanded": "false",
      title: tr("What lies over the slice, and the scale of its height", "切面上叠加显示什么，以及高度刻度"),
    },
    tr("View", "视图"),
    icon("down"),
  );
  menu.addEventListener("toggle", (event) => setAttribute(open, "aria-expanded", String((event as ToggleEvent).newState === "open")));
  const camera = cameraButtons(stage),
    inMenu = cameraButtons(stage);
  menu.append(el("div", { class: "view-row camera-row" }, el("span", {}, tr("Camera", "相机")), inMenu.root));
  const picture = button(
    tr("Save the scene as a picture, PNG (I)", "将场景保存为 PNG 图片 (I)"),
    icon("picture"),
    () => stage.takePicture?.(),
    "only-icon",
  );
  element.append(panes.root, open, menu, camera.root, picture);
  return {
    wants: Change.view | Change.manifest | Change.runs,
    draw() {
      scale.show(stage.lossScale);
      panes.show(stage.panes);
      for (const { name, box } of boxes) box.checked = stage.overlays.has(name);
      camera.draw();
      inMenu.draw();
      picture.disabled = stage.takePicture === null;
      const several = new Set(stage.manifest?.runs.filter((run) => !stage.hidden.has(run.index)).map((run) => run.batchSize)).size > 1;
      for (const option of panes.root.querySelectorAll("button")) option.disabled = !several && option.dataset["value"] === "split";
    },
  };
};

/** Beside the other controls; a phone has them in the menu. */
function cameraButtons(stage: Stage): { root: HTMLElement; draw(): void } {
  const frame = button(tr("Frame the selected run's path (F)", "对准所选运行的轨迹 (F)"), icon("frame"), () => stage.setCamera("frame"));
  const follow = button(tr("Follow the selected run's head (H)", "跟随所选运行 (H)"), icon("follow"), () => stage.setFollow(!stage.follow));
  const top = button(tr("Look from the top (T)", "俯视 (T)"), icon("top"), () =>
    stage.setCamera(stage.cameraView === "top" ? "reset" : "top"),
  );
  const home = button(tr("Bring the camera back (R)", "相机复位 (R)"), icon("home"), () => stage.setCamera("reset"));
  return {
    root: el("div", { class: "segmented icons", role: "group", "aria-label": tr("Camera", "相机") }, frame, follow, top, home),
    draw() {
      setAttribute(top, "aria-pressed", String(stage.cameraView === "top"));
      setAttribute(follow, "aria-pressed", String(stage.follow));
    },
  };
}
