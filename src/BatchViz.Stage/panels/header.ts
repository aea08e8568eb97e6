/** The small residents of the header: axis, live, theme, language. */
import { AXES, AXIS_LABELS, type Axis } from "../axis.ts";
import { language, tr } from "../language.ts";
import { rememberLanguage } from "../remember.ts";
import { Change, type Mount } from "../stage.ts";
import { button, el, icon, setAttribute, setText } from "./dom.ts";

const SHORT: Readonly<Record<Axis, string>> = {
  examples: tr("examples", "样本"),
  updates: tr("updates", "更新"),
  epochs: tr("epochs", "轮"),
  seconds: tr("lane seconds", "通道秒"),
  flops: "FLOPs",
};

/** One switch for all panels: which budget the runs are compared by. */
export const mountAxis: Mount = (element, stage) => {
  const select = el(
    "select",
    { id: "axis", "aria-label": tr("Compare runs by", "比较各运行的依据"), onchange: () => stage.setAxis(select.value as Axis) },
    ...AXES.map((axis) => el("option", { value: axis }, SHORT[axis])),
  );
  element.append(el("label", { for: "axis", "aria-hidden": "true" }, tr("by", "按")), select);
  return {
    wants: Change.axis | Change.manifest,
    draw() {
      select.value = stage.axis;
      setAttribute(
        select,
        "title",
        tr(`All panels compare runs by ${AXIS_LABELS[stage.axis]} (A)`, `所有面板按${AXIS_LABELS[stage.axis]}比较各运行 (A)`),
      );
    },
  };
};

const WORDS = {
  live: tr("live", "直播"),
  held: tr("held", "已暂停"),
  ended: tr("ended", "已结束"),
  recorded: tr("recorded", "录制"),
} as const;
const TITLES = {
  live: tr("Follow the training as it happens (L)", "实时跟随训练 (L)"),
  held: tr("The training is held; this goes to its head (L)", "训练已暂停；跳到最新处 (L)"),
  ended: tr("Every run has ended; this goes to the end (L)", "所有运行都已结束；跳到结尾 (L)"),
  recorded: tr("A recording, all of it in this file; this goes to the end", "这是一份录制，内容全部在此文件中；跳到结尾"),
} as const;

/** ● live: pressed while the playhead is at the head. */
export const mountLive: Mount = (element, stage) => {
  const label = el("span", {}, WORDS.live);
  const watching = el("span", { class: "quiet figures" });
  const live = el(
    "button",
    { type: "button", class: "live", onclick: () => stage.act((playhead) => playhead.goLive()) },
    el("i", { class: "dot" }),
    label,
    watching,
  );
  element.append(live);
  return {
    wants: Change.moment | Change.data | Change.session | Change.manifest | Change.runs,
    draw() {
      const extent = stage.extent();
      const state = stage.connection === "offline" ? "recorded" : extent.finished ? "ended" : stage.held ? "held" : "live";
      setText(label, WORDS[state]);
      setText(watching, stage.watching > 1 ? tr(`${stage.watching} watching`, `${stage.watching} 人观看`) : "");
      setAttribute(live, "data-state", state === "recorded" || stage.connection === "connected" || extent.finished ? state : "lost");
      setAttribute(live, "aria-pressed", String(stage.playhead.isLive(extent)));
      setAttribute(live, "title", TITLES[state]);
    },
  };
};

/** Dark or light: what was chosen here, else what the system prefers. And the other language, which loads the page again. */
export const mountTheme: Mount = (element, stage) => {
  const system = matchMedia("(prefers-color-scheme: light)");
  system.addEventListener("change", () => stage.useTheme());
  const toggle = button(tr("Theme", "主题"), icon("theme"), () => stage.setTheme(stage.theme === "dark" ? "light" : "dark"));
  toggle.id = "theme-toggle";
  const other = language === "zh" ? "en" : "zh";
  const speak = el(
    "button",
    {
      type: "button",
      lang: other === "zh" ? "zh-Hans" : "en",
      "aria-label": other === "zh" ? "简体中文" : "EN English",
      title: other === "zh" ? "简体中文" : "English",
      onclick: () => {
        const address = new URL(location.href);
        if (stage.connection === "offline")
          address.searchParams.set("lang", other); // a file has no cookies
        else {
          rememberLanguage(other);
          address.searchParams.delete("lang");
        }
        // An address that differs in its fragment only, or not at all, would not load the page again.
        if (address.search === location.search) location.reload();
        else location.assign(address);
      },
    },
    other === "zh" ? icon("language") : "EN",
  );
  element.append(speak, toggle);
  stage.useTheme();
  return {
    wants: Change.theme,
    draw() {
      const label = stage.theme === "dark" ? tr("Use the light theme", "使用浅色主题") : tr("Use the dark theme", "使用深色主题");
      setAttribute(toggle, "aria-label", label);
      setAttribute(toggle, "title", label);
    },
  };
};
