/** Where the panels lie: which are shown, how large they are, the projector's type, and ways from one to the next (F6, a phone's tabs). */
import { tr } from "../language.ts";
import { remember, remembered } from "../remember.ts";
import { Change, type Mount, type PanelName, type Stage } from "../stage.ts";
import { button, el, icon, setAttribute, keysAreTaken } from "./dom.ts";
import { press, type Keys } from "./keys.ts";

const NAMES: Readonly<Record<PanelName, string>> = {
  header: tr("Header", "页眉"),
  hierarchy: tr("Hierarchy", "层级"),
  inspector: tr("Inspector", "检查器"),
  charts: tr("Charts", "图表"),
  timeline: tr("Timeline", "时间轴"),
  legend: tr("Legend", "图例"),
  view: tr("Scene's controls", "场景控件"),
};
/** What the menu offers: without the header there would be no menu to bring it back. */
const OFFERED: readonly (readonly [PanelName, string])[] = [
  ["hierarchy", "["],
  ["inspector", "]"],
  ["charts", "\\"],
  ["timeline", ""],
  ["legend", ""],
  ["view", ""],
];
const REGIONS = ".top, .scene, .timeline, .hierarchy, .charts, .inspector";

export const mountLayout: Mount = (element, stage) => {
  const { documentElement: root } = document;
  const boxes = OFFERED.map(([name, key]) => {
    const box = el("input", { type: "checkbox", onchange: () => stage.setPanel(name, box.checked) });
    return { name, box, row: el("label", {}, box, NAMES[name], ...(key === "" ? [] : [el("kbd", {}, key)])) };
  });
  const projector = el("input", { type: "checkbox", onchange: () => stage.setProjector(projector.checked) });
  const menu = el(
    "div",
    { class: "menu", popover: "auto", id: "panels-menu", role: "group", "aria-label": tr("Panels", "面板") },
    ...boxes.map(({ row }) => row),
    el("label", { class: "apart" }, projector, tr("Projector", "投影模式"), el("kbd", {}, "P")),
  );
  const open = button(tr("Panels and projector", "面板与投影模式"), icon("panels"), () => {}, "panels");
  open.setAttribute("popovertarget", "panels-menu");
  element.append(open, menu);
  stage.wide.addEventListener("change", () => stage.changed(Change.size | Change.view | Change.theme));
  addSplitters(stage);
  addTabs();
  document.addEventListener("keydown", (event) => {
    if (!keysAreTaken() && press(PANEL_KEYS, event, null)) event.preventDefault();
  });
  return {
    wants: Change.size | Change.view,
    draw() {
      root.toggleAttribute("data-projector", stage.isProjecting);
      setAttribute(root, "data-hide", [...stage.panels].join(" "));
      projector.checked = stage.isProjecting;
      for (const { name, box } of boxes) box.checked = !stage.panels.has(name);
    },
  };
};

/** The focus goes to the next panel that is shown, in reading order. */
function cycle(by: 1 | -1): void {
  const regions = [...document.querySelectorAll<HTMLElement>(REGIONS)].filter((region) => region.getClientRects().length > 0);
  const at = regions.findIndex((region) => region.contains(document.activeElement));
  const next = regions[at < 0 ? (by > 0 ? 0 : regions.length - 1) : (at + by + regions.length) % regions.length];
  if (next === undefined) return;
  const first = next.querySelector<HTMLElement>("[role=tree] [tabindex='0'], canvas[tabindex='0']");
  if (first === null && !next.hasAttribute("tabindex")) next.tabIndex = -1;
  (first ?? next).focus();
}

/** A border that can be moved: the panel before or after it, the variable with its size, and how small and large that may be. */
const BORDERS = [
  { panel: "hierarchy", variable: "--hierarchy", axis: "x", sign: 1, least: 160, most: 480 },
  { panel: "inspector", variable: "--inspector", axis: "x", sign: -1, least: 200, most: 560 },
  { panel: "charts", variable: "--charts", axis: "y", sign: -1, least: 100, most: 600 },
] as const;
const STEP = 16;

interface Border {
  move(by: 1 | -1, along: "x" | "y"): boolean;
  toEnd(by: 1 | -1): void;
  usual(): void;
}

/** What keys do on a border. */
export const BORDER_KEYS: Keys<Border> = [
  { keys: ["ArrowLeft", "ArrowRight"], words: tr("move it", "移动"), act: (border, key) => border.move(key === "ArrowLeft" ? -1 : 1, "x") },
  {
    keys: ["ArrowUp", "ArrowDown"],
    words: tr("move the one over the charts", "移动图表上方的边界"),
    act: (border, key) => border.move(key === "ArrowUp" ? -1 : 1, "y"),
  },
  {
    keys: ["Home", "End"],
    words: tr("as small or as large as it goes", "最小或最大"),
    act: (border, key) => border.toEnd(key === "Home" ? -1 : 1),
  },
  { keys: ["Enter"], words: tr("the usual size", "恢复默认大小"), act: (border) => border.usual() },
];

/** What F6 does anywhere. */
export const PANEL_KEYS: Keys<null> = [
  { keys: ["F6", "Shift+F6"], words: tr("Next or previous panel", "下一个或上一个面板"), act: (_, key) => cycle(key === "F6" ? 1 : -1) },
];

function addSplitters(stage: Stage): void {
  const main = document.querySelector<HTMLElement>("main")!;
  for (const { panel, variable, axis, sign, least, most } of BORDERS) {
    const element = document.querySelector<HTMLElement>(`[data-stage="${panel}"]`);
    if (element === null) continue;
    element.id ||= panel;
    const measure = (): number => Math.round(axis === "x" ? element.offsetWidth : element.offsetHeight);
    const limit = (): number => Math.min(most, (axis === "x" ? innerWidth : innerHeight) * 0.45);
    const say = (): void => {
      setAttribute(splitter, "aria-valuenow", String(Math.max(least, Math.min(limit(), measure()))));
      setAttribute(splitter, "aria-valuemax", String(Math.round(limit())));
    };
    const resize = (size: number | null): void => {
      if (size === null) main.style.removeProperty(variable);
      else main.style.setProperty(variable, `${Math.round(Math.max(least, Math.min(limit(), size)))}px`);
      remember(`size-${panel}`, size === null ? "" : String(measure()));
      say();
      stage.changed(Change.size);
    };
    const label = tr(`Size of the panel “${NAMES[panel]}”`, `“${NAMES[panel]}”面板的大小`);
    const splitter = el("div", {
      class: `splitter along-${axis}`,
      role: "separator",
      tabindex: 0,
      "aria-label": label,
      "aria-controls": element.id,
      "aria-valuemin": least,
      "aria-orientation": axis === "x" ? "vertical" : "horizontal",
      title: tr("Drag, or use arrow keys; double-click for the usual size", "拖动或用方向键调整；双击恢复默认大小"),
    });
    splitter.addEventListener("pointerdown", (event) => {
      const start = axis === "x" ? event.clientX : event.clientY,
        size = measure();
      splitter.setPointerCapture(event.pointerId);
      const move = (e: PointerEvent): void => resize(size + sign * ((axis === "x" ? e.clientX : e.clientY) - start));
      splitter.addEventListener("pointermove", move);
      splitter.addEventListener("lostpointercapture", () => splitter.removeEventListener("pointermove", move), { once: true });
      event.preventDefault();
      splitter.focus();
    });
    splitter.addEventListener("dblclick", () => resize(null));
    const keys: Border = {
      move: (by, along) => along === axis && (resize(measure() + sign * by * STEP), true),
      toEnd: (by) => resize(by < 0 ? least : limit()),
      usual: () => resize(null),
    };
    splitter.addEventListener("keydown", (event) => {
      if (press(BORDER_KEYS, event, keys)) event.preventDefault();
    });
    const kept = Number(remembered(`size-${panel}`));
    if (kept >= least) main.style.setProperty(variable, `${Math.min(kept, most)}px`);
    element.append(splitter);
    stage.addPanel({ wants: Change.size, draw: say });
  }
}

/**
 * On a phone the panels are sheets to swipe through, and the bar says which one is there. Their offsets count from .sheets, which is
 * positioned.
 */
function addTabs(): void {
  const sheets = document.querySelector<HTMLElement>(".sheets");
  if (sheets === null) return;
  const batch = (): HTMLElement | null => sheets.querySelector(".inspector .batch");
  const places: readonly (readonly [string, () => HTMLElement | null])[] = [
    [NAMES.charts, () => sheets.querySelector(".charts")],
    [NAMES.hierarchy, () => sheets.querySelector(".hierarchy")],
    [NAMES.inspector, () => sheets.querySelector(".inspector")],
    [tr("Batch", "批量"), batch],
  ];
  const bar = el(
    "nav",
    { class: "tabs", "aria-label": tr("Panels", "面板") },
    ...places.map(([name, place]) =>
      el(
        "button",
        {
          type: "button",
          onclick: () => {
            const target = place();
            const sheet = target?.closest<HTMLElement>(".sheets > *");
            if (target === null || !sheet) return;
            sheets.scrollTo({
              left: sheet.offsetLeft,
              behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth",
            });
            const body = sheet.querySelector<HTMLElement>(".panel-body");
            if (body !== null) body.scrollTop = target === sheet ? 0 : target.offsetTop - body.offsetTop;
          },
        },
        name,
      ),
    ),
  );
  sheets.before(bar);
  const show = (): void => {
    const middle = sheets.scrollLeft + sheets.clientWidth / 2;
    const at = [...sheets.children].find(
      (sheet): sheet is HTMLElement =>
        sheet instanceof HTMLElement && sheet.offsetLeft <= middle && sheet.offsetLeft + sheet.offsetWidth > middle,
    );
    const section = batch(),
      body = section?.closest<HTMLElement>(".panel-body");
    const inBatch =
      section &&
      body &&
      at?.contains(section) === true &&
      body.scrollTop > 0 &&
      section.offsetTop - body.offsetTop <= body.scrollTop + body.clientHeight / 3;
    [...bar.children].forEach((tab, i) => {
      const here = i === 3 ? inBatch === true : places[i]![1]() === at && !(i === 2 && inBatch);
      if (here) setAttribute(tab, "aria-current", "true");
      else tab.removeAttribute("aria-current");
    });
  };
  sheets.addEventListener("scroll", show, { capture: true, passive: true });
  addEventListener("resize", show);
  show();
}
