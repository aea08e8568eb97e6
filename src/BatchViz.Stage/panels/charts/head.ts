/** A chart's head: the chooser, what is drawn, the value under the pointer, and a menu for scales, places and files. */
import { tr } from "../../language.ts";
import type { Stage } from "../../stage.ts";
import type { Chart } from "../chart.ts";
import { button, el, icon, setText } from "../dom.ts";
import { noteOf } from "./bands.ts";
import type { Drawing } from "./drawing.ts";
import { save, type FileKind } from "./files.ts";
import { MOST_PLACES, registry } from "./registry.ts";

type Registry = ReturnType<typeof registry>;
const known = new WeakMap<Stage, Registry>();

/** The one registry of a stage. */
export function drawingsOf(stage: Stage): Registry {
  if (!known.has(stage)) known.set(stage, registry(stage));
  return known.get(stage)!;
}

export class Head {
  readonly root = el("figcaption", {});
  private readonly chooser: HTMLSelectElement;
  private readonly unit = el("span", { class: "quiet unit" });
  private readonly note = el("span", { class: "note quiet" });
  private readonly value = el("output", { class: "figures" });
  private readonly menu = el("div", { class: "chart-menu", popover: "auto" });
  private readonly opener: HTMLButtonElement;
  private readonly extra = el("div", { class: "extra" });
  private controls: Drawing["controls"];

  constructor(
    private readonly stage: Stage,
    private readonly chart: Chart,
    private readonly place: number,
  ) {
    const groups = drawingsOf(stage).map(([label, drawings]) =>
      el("optgroup", { label }, ...drawings.map((drawing) => el("option", { value: drawing.name }, drawing.title()))),
    );
    this.chooser = el(
      "select",
      {
        class: "chooser",
        "aria-label": tr(`Chart ${place + 1}`, `图表 ${place + 1}`),
        title: tr("Choose what this chart shows", "选择此图表显示的内容"),
        onchange: () => this.choose(),
      },
      ...groups,
    );
    this.opener = button(
      tr(`Options of chart ${place + 1}`, `图表 ${place + 1} 的选项`),
      icon("more"),
      () => this.menu.togglePopover(),
      "plain more",
    );
    this.opener.setAttribute("aria-haspopup", "dialog");
    this.menu.addEventListener("beforetoggle", (event) => {
      if ((event as ToggleEvent).newState === "open") this.fill();
    });
    this.menu.addEventListener("toggle", (event) => this.toggled((event as ToggleEvent).newState === "open"));
    this.root.append(this.chooser, this.unit, this.extra, this.note, this.value, this.opener, this.menu);
  }

  take(drawing: Drawing): void {
    this.chooser.value = drawing.name;
    this.controls = drawing.controls;
    this.extra.replaceChildren(...(this.controls === undefined ? [] : [this.controls.root]));
    this.extra.hidden = this.controls === undefined;
    this.read("");
  }

  show(): void {
    const {
      stage,
      chart: { drawing },
    } = this;
    setText(this.unit, drawing.unit(stage));
    const words = noteOf(drawing, stage);
    setText(this.note, words);
    if (this.note.title !== words) this.note.title = words;
    if (this.controls !== undefined) this.controls.show(stage);
  }

  /** The value under the pointer. */
  read(text: string): void {
    setText(this.value, text);
    this.root.toggleAttribute("data-reading", text !== "");
  }

  /** A chart that is shown elsewhere changes places with this one. */
  private choose(): void {
    const { stage, place } = this,
      charts = [...stage.charts],
      other = charts.indexOf(this.chooser.value);
    if (other >= 0) charts[other] = charts[place]!;
    charts[place] = this.chooser.value;
    stage.setCharts(charts);
  }

  private fill(): void {
    const { stage, chart, place } = this,
      { drawing } = chart;
    const items: Node[] = [];
    if (drawing.scales.length > 1) {
      const [bent] = drawing.scales.filter((kind) => kind !== "linear");
      const name =
        bent === "symlog"
          ? tr("Logarithmic values (linear about 0)", "数值取对数（0 附近为线性）")
          : tr("Logarithmic values", "数值取对数");
      items.push(tick(name, chart.kind !== "linear", (on) => stage.setChartScale(drawing.name, on ? "log" : "linear")));
    }
    if (drawing.frame === undefined)
      items.push(tick(tr("Logarithmic time, all charts", "时间轴取对数（所有图表）"), stage.logTime, (on) => stage.setLogTime(on)));
    if (drawing.bands?.(stage))
      items.push(
        tick(tr("Seeds as mean and interval", "随机种子显示为均值与区间"), stage.seeds === "band", (on) =>
          stage.setSeeds(on ? "band" : "lines"),
        ),
      );
    if (items.length > 0) items.push(el("hr", {}));
    const files: readonly (readonly [FileKind, string])[] = [
      ["png", tr("Save as PNG", "保存为 PNG")],
      ["svg", tr("Save as SVG", "保存为 SVG")],
      ["csv", tr("Save the values as CSV", "将数值保存为 CSV")],
    ];
    for (const [kind, words] of files) items.push(this.item(words, () => void save(kind, drawing, stage, chart.look, chart.words)));
    items.push(el("hr", {}));
    const free = drawingsOf(stage)
      .flatMap(([, drawings]) => drawings)
      .find(({ name }) => !stage.charts.includes(name));
    if (stage.charts.length < MOST_PLACES && free !== undefined)
      items.push(
        this.item(tr("Add a chart", "添加图表"), () =>
          stage.setCharts([...stage.charts.slice(0, place + 1), free.name, ...stage.charts.slice(place + 1)]),
        ),
      );
    if (stage.charts.length > 1)
      items.push(this.item(tr("Remove this chart", "移除此图表"), () => stage.setCharts(stage.charts.filter((_, i) => i !== place))));
    this.menu.replaceChildren(...items);
  }

  private item(words: string, act: () => void): HTMLElement {
    return el(
      "button",
      {
        type: "button",
        class: "plain",
        onclick: () => {
          this.menu.hidePopover();
          act();
        },
      },
      words,
    );
  }

  /** Above its button, inside the page. */
  private toggled(open: boolean): void {
    this.opener.setAttribute("aria-expanded", String(open));
    if (!open) return;
    const button = this.opener.getBoundingClientRect(),
      { offsetWidth, offsetHeight } = this.menu;
    this.menu.style.left = `${Math.max(8, Math.min(innerWidth - offsetWidth - 8, button.right - offsetWidth))}px`;
    this.menu.style.top = `${Math.max(8, button.top - offsetHeight - 4)}px`;
    this.menu.querySelector<HTMLElement>("input, button")?.focus();
  }
}

function tick(words: string, checked: boolean, change: (on: boolean) => void): HTMLElement {
  const box = el("input", { type: "checkbox", checked, onchange: () => change(box.checked) });
  return el("label", {}, box, words);
}
