/** The small residents of the header: axis, live, theme. */
import { AXES, AXIS_LABELS, type Axis } from "../axis.ts";
import { remembered } from "../remember.ts";
import { Change, type Mount } from "../stage.ts";
import { button, el, icon, setAttribute, setText } from "./dom.ts";

/** One switch for all panels: which budget the runs are compared by. */
export const mountAxis: Mount = (element, stage) => {
  const select = el("select", { id: "axis", "aria-label": "Compare runs by", onchange: () => stage.setAxis(select.value as Axis) },
    ...AXES.map((axis) => el("option", { value: axis }, axis === "flops" ? "FLOPs" : axis === "seconds" ? "lane seconds" : axis)));
  element.append(el("label", { for: "axis", "aria-hidden": "true" }, "by"), select);
  return {
    wants: Change.axis | Change.manifest,
    draw() {
      select.value = stage.axis;
      setAttribute(select, "title", `All panels compare runs by ${AXIS_LABELS[stage.axis]}`);
    },
  };
};

const TITLES = {
  live: "Follow the training as it happens",
  held: "The training is held; this goes to its head",
  ended: "Every run has ended; this goes to the end",
  recorded: "A recording, all of it in this file; this goes to the end",
} as const;

/** ● live: pressed while the playhead is at the head. */
export const mountLive: Mount = (element, stage) => {
  const label = el("span", {}, "live");
  const watching = el("span", { class: "quiet figures" });
  const live = el("button", { type: "button", class: "live", onclick: () => stage.act((playhead) => playhead.goLive()) }, el("i", { class: "dot" }), label, watching);
  element.append(live);
  return {
    wants: Change.moment | Change.data | Change.session | Change.manifest | Change.runs,
    draw() {
      const extent = stage.extent();
      const state = stage.connection === "offline" ? "recorded" : extent.finished ? "ended" : stage.held ? "held" : "live";
      setText(label, state);
      setText(watching, stage.watching > 1 ? `${stage.watching} watching` : "");
      setAttribute(live, "data-state", state === "recorded" || stage.connection === "connected" || extent.finished ? state : "lost");
      setAttribute(live, "aria-pressed", String(stage.playhead.isLive(extent)));
      setAttribute(live, "title", TITLES[state]);
    },
  };
};

/** Dark or light: what was chosen here, else what the system prefers. */
export const mountTheme: Mount = (element, stage) => {
  const system = matchMedia("(prefers-color-scheme: light)");
  const use = (): void => {
    const chosen = remembered("theme");
    stage.theme = chosen === "dark" || chosen === "light" ? chosen : stage.systemTheme;
    document.documentElement.dataset["theme"] = stage.theme;
    stage.changed(Change.theme);
  };
  system.addEventListener("change", use);
  const toggle = button("Theme", icon("theme"), () => stage.setTheme(stage.theme === "dark" ? "light" : "dark"));
  toggle.id = "theme-toggle";
  element.append(toggle);
  use();
  return {
    wants: Change.theme,
    draw() {
      const other = stage.theme === "dark" ? "light" : "dark";
      setAttribute(toggle, "aria-label", `Use the ${other} theme`);
      setAttribute(toggle, "title", `Use the ${other} theme`);
    },
  };
};
