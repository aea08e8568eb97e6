/** The experiment and its runs as a tree: look, state, visibility, selection, colour. Keys as in the ARIA pattern for trees. */
import { percent, whole } from "../format.ts";
import { tr } from "../language.ts";
import type { RunInfo } from "../manifest.ts";
import { settings } from "../runs.ts";
import { inReadersLanguage } from "../serverMessages.ts";
import { Change, type Mount, type Stage } from "../stage.ts";
import type { RunState } from "../wire.ts";
import { seen, tree, type Node } from "../tree.ts";
import { saySeeds } from "./charts/bands.ts";
import { el, icon, setAttribute, setText, svg } from "./dom.ts";
import { foldable } from "./fold.ts";
import { press, type Keys } from "./keys.ts";
import { Palette } from "./palette.ts";
import { setRunColour, swatch } from "./swatch.ts";

const STATES: Readonly<Record<RunState, string>> = {
  waiting: tr("waiting", "等待"),
  running: tr("running", "运行中"),
  finished: tr("finished", "已完成"),
  diverged: tr("diverged", "已发散"),
  stopped: tr("stopped", "已停止"),
  failed: tr("failed", "失败"),
};

/** What ends a seed before the others. */
const LOST: ReadonlySet<RunState> = new Set<RunState>(["diverged", "failed", "stopped"]);

interface TreePlace {
  step(by: 1 | -1): void;
  toEnd(by: 1 | -1): void;
  open(): void;
  close(): void;
  toggle(alone: boolean): void;
  choose(): void;
  pick(): boolean;
}

/** What keys do on a row of the tree. */
export const TREE_KEYS: Keys<TreePlace> = [
  { keys: ["ArrowUp", "ArrowDown"], words: tr("through the tree", "在树中移动"), act: (row, key) => row.step(key === "ArrowUp" ? -1 : 1) },
  {
    keys: ["Home", "End"],
    words: tr("to the first or last row", "到第一行或最后一行"),
    act: (row, key) => row.toEnd(key === "Home" ? -1 : 1),
  },
  {
    keys: ["ArrowLeft", "ArrowRight"],
    words: tr("close or open a branch", "收起或展开分支"),
    act: (row, key) => (key === "ArrowLeft" ? row.close() : row.open()),
  },
  { keys: ["Enter"], words: tr("select", "选择"), act: (row) => row.choose() },
  { keys: [" ", "Shift+ "], words: tr("hide or show; alone", "隐藏或显示；只显示它"), act: (row, key) => row.toggle(key !== " ") },
  { keys: ["c"], words: tr("the run's colour", "运行的颜色"), act: (row) => row.pick() },
];

export const mountHierarchy: Mount = (element, stage) => {
  const list = el("ul", { class: "runs", role: "tree", "aria-label": tr("Runs", "运行") });
  const palette = new Palette(stage);
  element.append(foldable(element, "hierarchy", "left", stage), el("div", { class: "panel-body" }, list), palette.root);
  let rows: Row[] = [],
    key = "",
    focus = "";

  const shown = (): Row[] => rows.filter((row) => !row.root.hidden);
  const moveTo = (row: Row | undefined): void => {
    if (row === undefined) return;
    focus = row.node.key;
    for (const other of rows) other.root.tabIndex = other === row ? 0 : -1;
    row.root.focus();
  };
  // Whoever selects with the pointer goes on with the keys of the playback; those of the tree are for who has gone there by key.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("focusin", (event) => {
    const row = rows.find(({ root }) => root.contains(event.target as globalThis.Node));
    if (row === undefined || row.node.key === focus) return;
    focus = row.node.key;
    for (const other of rows) other.root.tabIndex = other === row ? 0 : -1;
  });
  list.addEventListener("keydown", (event) => {
    const visible = shown(),
      at = visible.findIndex(({ root }) => root === event.target),
      row = visible[at];
    if (row === undefined) return;
    const { node } = row,
      open = node.children > 0 && !stage.collapsed.has(node.key);
    const done = press(TREE_KEYS, event, {
      step: (by) => moveTo(visible[at + by]),
      toEnd: (by) => moveTo(visible.at(by < 0 ? 0 : -1)),
      open() {
        if (open) moveTo(visible[at + 1]);
        else if (node.children > 0) stage.setCollapsed(node.key, false);
      },
      close() {
        if (open) stage.setCollapsed(node.key, true);
        else moveTo(visible.find((other) => other.node.key === node.parent));
      },
      toggle: (alone) => row.toggle(alone),
      choose: () => row.choose(),
      pick: () => node.run !== null && (row.pick(palette), true),
    });
    if (done) event.preventDefault();
  });

  return {
    wants: Change.manifest | Change.runs | Change.data | Change.theme | Change.session,
    draw() {
      const { manifest } = stage;
      if (manifest === null) return;
      const now = `${manifest.generation}:${manifest.name}:${manifest.runs.map((run) => run.id).join()}`;
      if (now !== key) {
        const hadFocus = list.contains(document.activeElement);
        key = now;
        rows = tree(manifest.runs).map((node) => new Row(node, stage, palette));
        list.replaceChildren(...rows.map((row) => row.root));
        const at = rows.find((row) => row.node.key === focus) ?? rows[0];
        if (at !== undefined) at.root.tabIndex = 0;
        if (hadFocus) at?.root.focus();
      }
      const open = new Set(
        seen(
          rows.map((row) => row.node),
          stage.collapsed,
        ),
      );
      for (const row of rows) {
        row.root.hidden = !open.has(row.node);
        row.draw();
      }
      // The focus never stays on what was closed away.
      if (rows.some(({ root }) => root.hidden && root.tabIndex === 0)) {
        const closed = rows.find(({ root }) => root.tabIndex === 0)!,
          hadFocus = closed.root.contains(document.activeElement);
        const parent = shown()
          .filter(({ node }) => node.runs.some((run) => closed.node.runs.includes(run)))
          .at(-1);
        closed.root.tabIndex = -1;
        if (parent !== undefined) {
          focus = parent.node.key;
          parent.root.tabIndex = 0;
          if (hadFocus) parent.root.focus();
        }
      }
    },
  };
};

class Row {
  readonly root: HTMLElement;
  private readonly twist: HTMLElement;
  private readonly colour: HTMLButtonElement;
  private readonly eye: HTMLButtonElement;
  private readonly state = el("span", { class: "state quiet figures" });
  private readonly why = el("span", { class: "why", hidden: true });
  private readonly said: string;
  private looks = "";
  private visibility = "";

  constructor(
    readonly node: Node,
    private readonly stage: Stage,
    palette: Palette,
  ) {
    const { run, level } = node;
    const label = nameOf(node, stage);
    this.twist = el(
      "span",
      { class: "twist", "aria-hidden": "true" },
      svg("svg", { viewBox: "0 0 16 16", class: "icon" }, svg("path", { d: "M6 4l4 4-4 4" })),
    );
    this.twist.addEventListener("click", (event) => {
      event.stopPropagation();
      this.fold();
    });
    this.colour = el("button", {
      type: "button",
      class: "colour",
      tabindex: -1,
      "aria-label": tr(`Colour of ${label}`, `${label} 的颜色`),
      title: tr("Choose a colour (C)", "选择颜色 (C)"),
      onclick: (event) => {
        event.stopPropagation();
        this.pick(palette);
      },
    });
    this.eye = el("button", {
      type: "button",
      class: "eye",
      tabindex: -1,
      onclick: (event) => {
        event.stopPropagation();
        this.toggle((event as MouseEvent).altKey);
      },
    });
    const since = run?.fork
      ? tr(
          `from update ${whole(run.fork.update)}: ${settings(run) || "nothing else set"}`,
          `自第 ${whole(run.fork.update)} 次更新：${settings(run) || "未改其他设置"}`,
        ).replaceAll(" = ", "\u00a0=\u00a0")
      : "";
    const line = el(
      "div",
      { class: "run" },
      this.twist,
      ...(run === null ? [] : [this.colour]),
      el("span", { class: "name figures" }, label),
      " ",
      this.state,
      this.eye,
    );
    this.root = el(
      "li",
      {
        role: "treeitem",
        tabindex: -1,
        "aria-level": level,
        "aria-setsize": node.siblings,
        "aria-posinset": node.place,
        "data-kind": node.kind,
        onclick: () => this.choose(),
      },
      line,
      " ",
      ...(since === "" ? [] : [el("span", { class: "since quiet figures" }, since), " "]),
      this.why,
    );
    if (run !== null) this.root.dataset["run"] = run.id;
    this.root.style.setProperty("--depth", String(Math.min(level - 1, 4)));
    this.said = since;
    this.root.setAttribute("aria-label", label);
  }

  choose(): void {
    if (this.node.run !== null) this.stage.select(this.node.run.index);
    else this.fold();
  }

  toggle(alone: boolean): void {
    const {
      stage,
      node: { runs },
    } = this;
    if (alone) return stage.isolate(runs);
    const visible = runs.every((run) => stage.hidden.has(run));
    for (const run of runs) stage.setVisible(run, visible);
  }

  pick(palette: Palette): void {
    palette.open(this.node.run!, this.colour);
  }

  private fold(): void {
    if (this.node.children > 0) this.stage.setCollapsed(this.node.key, !this.stage.collapsed.has(this.node.key));
  }

  draw(): void {
    const { stage, node, root } = this,
      run = node.run === null ? null : stage.manifest!.runs[node.run.index]!;
    if (node.children > 0) setAttribute(root, "aria-expanded", String(!stage.collapsed.has(node.key)));
    const hidden = node.runs.filter((index) => stage.hidden.has(index)).length;
    const visibility = hidden === 0 ? "shown" : hidden === node.runs.length ? "hidden" : "mixed";
    if (visibility !== this.visibility) {
      this.visibility = visibility;
      this.eye.replaceChildren(icon(visibility === "hidden" ? "hidden" : "eye"));
      const what = nameOf(node, stage);
      setAttribute(
        this.eye,
        "aria-label",
        visibility === "hidden" ? tr(`Show ${what}`, `显示 ${what}`) : tr(`Hide ${what}`, `隐藏 ${what}`),
      );
      setAttribute(
        this.eye,
        "title",
        visibility === "hidden"
          ? tr("Show (Space); alone: Alt+click", "显示（空格）；只显示它：Alt+单击")
          : tr("Hide (Space); alone: Alt+click", "隐藏（空格）；只显示它：Alt+单击"),
      );
      setAttribute(root, "data-visibility", visibility);
    }
    if (run === null) return this.drawSeeds();
    const style = stage.styles[run.index]!;
    setRunColour(root, style, stage.theme);
    const looks = `${style.marker} ${style.dash}`;
    if (looks !== this.looks) {
      this.looks = looks;
      this.colour.replaceChildren(swatch(style));
    }
    setAttribute(root, "aria-selected", String(stage.selected === run.index));
    this.drawState(run);
  }

  /** Of a batch size: how many of its seeds are left, where some are lost. */
  private drawSeeds(): void {
    const { stage, node, root, state } = this;
    if (node.kind !== "batchSize") return;
    const seeds = node.runs.filter((index) => !stage.manifest!.runs[index]!.fork).map((index) => stage.store.runs[index]!.state);
    const lost = seeds.filter((seed) => LOST.has(seed));
    setText(state, lost.length === 0 ? "" : saySeeds(seeds.length - lost.length, lost));
    setAttribute(root, "aria-label", [nameOf(node, stage), state.textContent].filter(Boolean).join(" "));
  }

  private drawState(run: RunInfo): void {
    const { stage } = this,
      { state, made } = stage.store.runs[run.index]!;
    setAttribute(this.root, "data-state", state);
    const share = run.totalUpdates ? percent(made / run.totalUpdates, 0) : "";
    const forkUndone = stage.forkUndone.has(run.index);
    setText(
      this.state,
      forkUndone
        ? tr("undone", "已撤销")
        : state === "running"
          ? stage.held
            ? `${tr("held", "已暂停")} ${share}`
            : share || STATES.running
          : STATES[state],
    );
    const why = forkUndone
      ? tr("The fork was undone; the run trains no more.", "分叉已撤销；该运行不再训练。")
      : state === "diverged" || state === "failed" || state === "stopped"
        ? inReadersLanguage(run.message ?? "")
        : "";
    setText(this.why, why);
    this.why.hidden = why === "";
    // All that is to be seen in the row, in its order: who speaks to the page says what they see.
    setAttribute(this.root, "aria-label", [nameOf(this.node, stage), this.state.textContent, this.said, why].filter(Boolean).join(" "));
  }
}

/** Where a branch stands says whose it is: a seed needs no batch size, a fork not what it leaves. */
function nameOf({ kind, run, batchSize, level }: Node, stage: Stage): string {
  if (kind === "experiment") return stage.manifest!.name;
  if (run === null || run.fork || level === 2) return `B = ${batchSize}`;
  return tr(`seed ${run.seed}`, `种子 ${run.seed}`);
}
