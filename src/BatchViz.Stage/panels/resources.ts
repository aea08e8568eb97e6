/** What a run takes of the machine: its memory, part by part, and where it stands under one core's roofline. */
import { figure, short } from "../format.ts";
import { tr } from "../language.ts";
import type { MachineInfo, MemoryBytes, MemoryInfo } from "../manifest.ts";
import { roofline, sayRoofline, type Roofline } from "../roofline.ts";
import { el, setAttribute, setText, svg } from "./dom.ts";

const PARTS: readonly (readonly [Exclude<keyof MemoryBytes, "total">, string])[] = [
  ["weights", tr("weights", "权重")],
  ["optimizerState", tr("optimiser state", "优化器状态")],
  ["gradients", tr("gradients", "梯度")],
  ["activations", tr("activations", "激活值")],
  ["batch", tr("batch", "批量")],
  ["workspace", tr("workspace", "工作区")],
];

export class MemorySection {
  readonly root = el("section", { "aria-label": tr("Memory", "内存") });
  private readonly sentence = el("p", { class: "quiet figures" });
  private readonly bar = el("div", { class: "stack", "aria-hidden": "true" });
  private readonly table = el("table", { class: "figures" });
  private shown: string | undefined;

  constructor() {
    this.root.append(el("h3", {}, tr("Memory", "内存")), this.bar, this.table, this.sentence);
  }

  show(memory: MemoryInfo | null): void {
    const key = JSON.stringify(memory);
    if (key === this.shown) return;
    this.shown = key;
    this.bar.hidden = this.table.hidden = memory === null;
    if (memory === null) {
      setText(this.sentence, tr("The memory that this run takes is not known here.", "此处尚不知道该运行所占的内存。"));
      return;
    }
    const { predicted, reserved, seeds } = memory,
      bytes = reserved ?? predicted;
    this.bar.replaceChildren(
      ...PARTS.filter(([part]) => bytes[part] > 0).map(([part]) => {
        const piece = el("i", { class: part });
        piece.style.flexGrow = String(bytes[part]);
        return piece;
      }),
    );
    const row = (head: Node | string, part: keyof MemoryBytes, patch?: Node): HTMLElement =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, ...(patch ? [patch] : []), head),
        el("td", {}, ...size(predicted[part])),
        ...(reserved ? [el("td", {}, ...size(reserved[part]))] : []),
      );
    this.table.replaceChildren(
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          el("td", {}),
          el("th", { scope: "col" }, tr("predicted", "预测")),
          ...(reserved ? [el("th", { scope: "col" }, tr("reserved", "已分配"))] : []),
        ),
      ),
      el(
        "tbody",
        {},
        ...PARTS.map(([part, name]) => row(name, part, el("i", { class: `patch ${part}` }))),
        row(tr("in all", "合计"), "total"),
      ),
    );
    setText(
      this.sentence,
      (seeds > 1 ? tr(`For ${seeds} seeds that train together. `, `共 ${seeds} 个一起训练的随机种子。`) : "") +
        (reserved ? "" : tr("Not reserved yet.", "尚未分配。")),
    );
  }
}

/** Decimal units, as disks and rates have them. */
function size(bytes: number): (Node | string)[] {
  const at = bytes >= 1e9 ? 2 : bytes >= 1e6 ? 1 : 0;
  return [figure(bytes / 1000 ** (at + 1)), el("small", {}, ` ${["kB", "MB", "GB"][at]!}`)];
}

const WIDTH = 208,
  HEIGHT = 112,
  LEFT = 30,
  BOTTOM = 22,
  TOP = 8,
  RIGHT = 8;

export class RooflineSection {
  readonly root = el("section", { "aria-label": tr("Roofline", "屋顶线") });
  private readonly chart = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "roofline", role: "img" });
  private readonly sentence = el("p", { class: "quiet figures" });
  private shown = "";

  constructor() {
    this.chart.toggleAttribute("hidden", true); // a picture without a name until there is something in it
    this.root.append(el("h3", {}, tr("Roofline of one core", "单核屋顶线")), this.chart, this.sentence);
  }

  show(machine: MachineInfo | null, flops: number, bytes: number | null, updatesPerSecond: number): void {
    const at = machine === null || bytes === null ? null : roofline(machine, flops, bytes, updatesPerSecond);
    const text =
      machine === null || bytes === null
        ? tr("The machine's ceilings are not measured here.", "此处没有测得机器的上限。")
        : at === null
          ? tr("Its speed is known after some updates.", "若干次更新之后才知道其速度。")
          : sayRoofline(at, machine);
    if (text === this.shown) return;
    this.shown = text;
    setText(this.sentence, text);
    this.chart.toggleAttribute("hidden", at === null);
    setAttribute(this.chart, "aria-label", text);
    if (at !== null) this.chart.replaceChildren(...drawing(at, machine!));
  }
}

/** Both axes are logarithmic, from a decade below to a decade above what is shown. */
function drawing({ intensity, reached, ridge }: Roofline, { fmaGflops, memoryGBs }: MachineInfo): Node[] {
  const x0 = Math.floor(Math.log10(Math.min(intensity, ridge)) - 0.5),
    x1 = Math.ceil(Math.log10(Math.max(intensity, ridge)) + 0.5);
  const low = Math.min(reached, fmaGflops, memoryGBs * Math.min(intensity, ridge));
  const y0 = Math.floor(Math.log10(low) - 0.2),
    y1 = Math.ceil(Math.log10(Math.max(fmaGflops, reached)) + 0.1);
  const x = (value: number): number => LEFT + ((Math.log10(value) - x0) / (x1 - x0)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => HEIGHT - BOTTOM - ((Math.log10(value) - y0) / (y1 - y0)) * (HEIGHT - BOTTOM - TOP);
  const from = Math.max(10 ** x0, 10 ** y0 / memoryGBs);
  const words = (text: string, place: Record<string, string | number>): SVGElement => {
    const node = svg("text", place);
    node.textContent = text;
    return node;
  };
  const decades = (a: number, b: number): number[] => Array.from({ length: b - a + 1 }, (_, i) => 10 ** (a + i));
  return [
    ...decades(x0, x1).flatMap((v) => [
      svg("path", { class: "grid", d: `M${x(v)} ${TOP}V${HEIGHT - BOTTOM}` }),
      words(short(v), { x: x(v), y: HEIGHT - BOTTOM + 9, "text-anchor": "middle" }),
    ]),
    ...decades(y0, y1).flatMap((v) => [
      svg("path", { class: "grid", d: `M${LEFT} ${y(v)}H${WIDTH - RIGHT}` }),
      words(short(v), { x: LEFT - 3, y: y(v) + 3, "text-anchor": "end" }),
    ]),
    svg("path", { class: "roof", d: `M${x(from)} ${y(from * memoryGBs)}L${x(ridge)} ${y(fmaGflops)}H${WIDTH - RIGHT}` }),
    svg("path", { class: "drop", d: `M${x(intensity)} ${y(Math.min(fmaGflops, memoryGBs * intensity))}V${y(reached)}` }),
    svg("circle", { class: "here", cx: x(intensity), cy: y(reached), r: 4 }),
    words(tr("FLOP/byte", "FLOP/字节"), { x: WIDTH - RIGHT, y: HEIGHT - 2, "text-anchor": "end" }),
    words("GFLOP/s", { x: 0, y: HEIGHT - 2 }),
  ];
}
