/** The colours that a run can be given: those that the colour-blind can tell apart, or that of its batch size. */
import { tr } from "../language.ts";
import type { RunInfo } from "../manifest.ts";
import type { Stage } from "../stage.ts";
import { runStyles } from "../runs.ts";
import { PALETTE } from "../style.ts";
import { el, setAttribute } from "./dom.ts";
import { press, type Keys } from "./keys.ts";

const NAMES: Readonly<Record<string, string>> = {
  orange: tr("orange", "橙色"),
  yellow: tr("yellow", "黄色"),
  green: tr("green", "绿色"),
  sky: tr("sky blue", "天蓝色"),
  blue: tr("blue", "蓝色"),
  purple: tr("purple", "紫色"),
  rose: tr("rose", "玫瑰色"),
  grey: tr("grey", "灰色"),
};

/** What keys do among the colours. */
export const PALETTE_KEYS: Keys<(by: 1 | -1) => void> = [
  {
    keys: ["ArrowLeft", "ArrowRight"],
    also: ["ArrowUp", "ArrowDown"],
    words: tr("the previous or next one", "上一个或下一个"),
    act: (step, key) => step(key === "ArrowLeft" || key === "ArrowUp" ? -1 : 1),
  },
];

export class Palette {
  readonly root = el("div", { class: "palette", popover: "auto", role: "group", "aria-label": tr("Colour of the run", "运行的颜色") });
  private from: HTMLElement | null = null;

  constructor(private readonly stage: Stage) {
    this.root.addEventListener("keydown", (event) => {
      const all = [...this.root.querySelectorAll("button")],
        at = all.indexOf(document.activeElement as HTMLButtonElement);
      const step = (by: 1 | -1): void => all[(at + by + all.length) % all.length]?.focus();
      if (press(PALETTE_KEYS, event, step)) event.preventDefault();
      if (event.key !== "Escape") event.stopPropagation(); // what the page does with its keys waits
    });
  }

  open(run: RunInfo, from: HTMLElement): void {
    const { root, stage } = this;
    this.from = from;
    const now = stage.colours[run.id];
    const choose = (name: string | null) => (): void => {
      stage.setColour(run.id, name);
      this.close();
    };
    const own = el(
      "button",
      { type: "button", class: "own", onclick: choose(null), "aria-pressed": String(now === undefined) },
      el("i", { class: "patch" }),
      tr("as its batch size", "随批量大小"),
    );
    (own.firstChild as HTMLElement).style.background = runStyles(stage.manifest!.runs)[run.index]!.colour[stage.theme];
    const patches = Object.entries(PALETTE).map(([name, colour]) => {
      const patch = el("button", {
        type: "button",
        class: "patch",
        "aria-label": NAMES[name]!,
        title: NAMES[name]!,
        onclick: choose(name),
        "aria-pressed": String(now === name),
      });
      patch.style.background = colour[stage.theme];
      return patch;
    });
    root.replaceChildren(el("div", { class: "patches" }, ...patches), own);
    root.showPopover();
    const { left, bottom } = from.getBoundingClientRect(),
      { width, height } = root.getBoundingClientRect();
    root.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
    root.style.top = `${Math.max(8, Math.min(bottom + 4, innerHeight - height - 8))}px`;
    (root.querySelector<HTMLElement>("[aria-pressed=true]") ?? own).focus();
    setAttribute(root, "aria-label", tr(`Colour of ${stage.labels[run.index]!}`, `${stage.labels[run.index]!} 的颜色`));
  }

  private close(): void {
    this.root.hidePopover();
    this.from?.closest<HTMLElement>("[role=treeitem]")?.focus();
  }
}
