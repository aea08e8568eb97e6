/**
 * The timeline: an overview of the whole budget with the window that charts and track share, and the track with the playhead, the
 * selected run's batches, markers and the selected range. Canvases are redrawn on news; what moves is an element of its own.
 */
import { AXIS_LABELS } from "../axis.ts";
import { askForFork } from "../fork.ts";
import { short } from "../format.ts";
import { tr } from "../language.ts";
import { Change, type Mount, type Stage } from "../stage.ts";
import { button, el, icon, setAttribute, setText } from "./dom.ts";
import { Overview, zoomBy } from "./timeline/overview.ts";
import { Track } from "./timeline/track.ts";

export const mountTimeline: Mount = (element, stage) => {
  const overview = new Overview(stage),
    track = new Track(stage);
  const label = el("output", { class: "figures" }),
    caption = el("p", { class: "quiet figures caption-line" });
  const epochBack = button(tr("One epoch back (Shift+← or ,)", "后退一轮 (Shift+← 或 ,)"), icon("epochBack"), () => stage.stepEpoch(-1));
  const epochForward = button(tr("One epoch on (Shift+→ or .)", "前进一轮 (Shift+→ 或 .)"), icon("epochForward"), () => stage.stepEpoch(1));
  const range = button(tr("Select a range by dragging (or Shift and drag)", "拖动以选择区间（或按住 Shift 拖动）"), icon("range"), () =>
    stage.setRangeTool(!stage.rangeTool),
  );
  const loop = button(tr("Play the range again and again (O)", "循环播放选区 (O)"), icon("loop"), () => stage.setLoop(!stage.loop));
  const into = button(tr("Zoom to the range (Z)", "缩放到选区 (Z)"), icon("into"), () => stage.zoomToRange());
  const closer = button(tr("Closer (+)", "放大 (+)"), icon("plus"), () => zoomBy(stage, 0.5));
  const farther = button(tr("Farther (−)", "缩小 (−)"), icon("minus"), () => zoomBy(stage, 2));
  const all = button(tr("The whole budget (Esc)", "全部预算 (Esc)"), icon("all"), () => stage.setZoom(null));
  const fork = el(
    "button",
    {
      type: "button",
      class: "fork-here",
      "aria-label": tr("Fork here…", "在此分叉…"),
      title: tr(
        "Go on from here as a new run, with another batch size, learning rate or optimiser",
        "从此处以另一批量大小、学习率或优化器作为新运行继续",
      ),
      onclick: () => stage.stepRun && askForFork(stage, stage.stepRun),
    },
    icon("fork"),
    el("span", {}, tr("Fork here…", "在此分叉…")),
  );
  for (const zoom of [closer, farther]) zoom.dataset["role"] = "zoom"; // fingers pinch
  const group = (name: string, ...buttons: HTMLElement[]): HTMLElement =>
    el("div", { class: "tools", role: "group", "aria-label": name }, ...buttons);
  element.append(
    el(
      "div",
      { class: "panel-head" },
      el("h2", {}, tr("Timeline", "时间轴")),
      caption,
      label,
      group(tr("Epochs", "轮"), epochBack, epochForward),
      group(tr("Window", "窗口"), farther, closer, all),
      group(tr("Range", "选区"), range, loop, into),
      fork,
    ),
    overview.root,
    track.place,
  );
  const news =
    Change.manifest | Change.data | Change.axis | Change.zoom | Change.runs | Change.theme | Change.size | Change.detail | Change.view;
  return {
    wants: news | Change.moment | Change.range | Change.cursor | Change.session,
    draw(changes, now) {
      if (stage.manifest === null || element.clientWidth === 0) return;
      if (changes & news) {
        overview.draw();
        track.draw(changes, now);
        setText(caption, track.caption());
        caption.title = caption.textContent;
      }
      if (changes & (news | Change.range)) {
        track.showRange();
        setAttribute(range, "aria-pressed", String(stage.rangeTool));
        setAttribute(loop, "aria-pressed", String(stage.loop));
        into.disabled = stage.range === null;
        all.disabled = farther.disabled = stage.zoom === null;
        track.root.toggleAttribute("data-selects", stage.rangeTool);
      }
      if (changes & (Change.cursor | Change.zoom)) track.showCursor();
      fork.hidden = stage.session.role !== "owner" || stage.connection === "offline";
      if ((changes & (news | Change.moment | Change.range)) === 0) return;
      overview.showMoment();
      const text = timelineNote(stage);
      setText(label, text);
      track.showMoment(text);
    },
  };
};

/** Where the playhead is, and what is selected. */
function timelineNote(stage: Stage): string {
  const unit = AXIS_LABELS[stage.axis],
    say = (value: number): string => (stage.axis === "epochs" ? value.toFixed(2) : short(value));
  const { position } = stage.playhead,
    { total } = stage.extent(),
    { range } = stage;
  const selected =
    range === null ? "" : tr(` · range ${say(range[0])} to ${say(range[1])}`, ` · 选区 ${say(range[0])} 至 ${say(range[1])}`);
  return tr(`${say(position)} of ${say(total)} ${unit}`, `${say(position)} / ${say(total)} ${unit}`) + selected;
}
