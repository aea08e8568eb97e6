/** The strip over the whole budget: every run's loss, and the window that charts and track show, which pointer and keys move and resize. */
import { tr } from "../../language.ts";
import { Change, type Stage } from "../../stage.ts";
import { el, setAttribute } from "../dom.ts";
import { press, type Keys } from "../keys.ts";
import { begin, paintLosses } from "./paint.ts";
import { panned, resized, zoomed, type Span } from "./window.ts";

/** A drag begins here; less is a click. */
const DRAG = 4;

/** How narrow a window may be: eight updates of the run that is looked at. */
export function leastWindow(stage: Stage): number {
  const run = stage.stepRun;
  if (run === undefined) return 0;
  const clock = stage.clocks[run.index]!,
    middle = Math.floor(clock.toUpdates(stage.axis, (stage.from + stage.to) / 2));
  return clock.toAxis(stage.axis, middle + 8) - clock.toAxis(stage.axis, middle);
}

interface Handle {
  zoom(factor: number): void;
  /** By so many tenths of the window, or as far as an end goes at a time. */
  move(by: number): void;
  toEnd(by: 1 | -1): boolean;
}

/** What keys do on the window over the whole budget and on its ends. */
export const WINDOW_KEYS: Keys<Handle> = [
  {
    keys: ["ArrowLeft", "ArrowRight"],
    also: ["ArrowDown", "ArrowUp"],
    words: tr("move it, or the end that has the focus", "移动窗口或有焦点的一端"),
    act: (handle, key) => handle.move(key === "ArrowLeft" || key === "ArrowDown" ? -1 : 1),
  },
  {
    keys: ["PageDown", "PageUp"],
    words: tr("five times as far", "移动五倍距离"),
    act: (handle, key) => handle.move(key === "PageDown" ? -5 : 5),
  },
  {
    keys: ["Home", "End"],
    words: tr("all of it to the start or the end", "整个窗口移到开头或结尾"),
    act: (handle, key) => handle.toEnd(key === "Home" ? -1 : 1),
  },
  {
    keys: ["+", "-"],
    also: ["="],
    words: tr("narrower, wider", "变窄、变宽"),
    act: (handle, key) => handle.zoom(key === "-" ? 1.5 : 1 / 1.5),
  },
];

export const windowOf = (stage: Stage): Span => [stage.from, stage.to];

export function zoomBy(stage: Stage, factor: number, at = (stage.from + stage.to) / 2): void {
  stage.setZoom(zoomed(windowOf(stage), stage.extent().total, at, factor, leastWindow(stage)));
}

export class Overview {
  private readonly canvas = el("canvas", { "aria-hidden": "true" });
  private readonly start = this.handle(tr("Window's start", "窗口起点"), "start");
  private readonly end = this.handle(tr("Window's end", "窗口终点"), "end");
  private readonly body = this.handle(tr("Window", "窗口"), "body");
  private readonly frame = el("div", { class: "window" }, this.body, this.start, this.end);
  private readonly now = el("div", { class: "now" });
  readonly root = el(
    "div",
    {
      class: "overview",
      title: tr(
        "The whole budget. Drag the window or its ends, or drag across to choose one; double-click for all of it",
        "全部预算。拖动窗口或其两端，或拖出一个窗口；双击显示全部",
      ),
    },
    this.canvas,
    this.now,
    this.frame,
  );

  constructor(private readonly stage: Stage) {
    const { root } = this;
    new ResizeObserver(() => stage.changed(Change.size)).observe(root);
    root.addEventListener("pointerdown", (event) => this.grab(event));
    root.addEventListener("dblclick", () => stage.setZoom(null));
    root.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        zoomBy(stage, 1.0015 ** event.deltaY, this.at(event.clientX));
      },
      { passive: false },
    );
    this.body.addEventListener("keydown", (event) => this.press(event, "body"));
    this.start.addEventListener("keydown", (event) => this.press(event, "from"));
    this.end.addEventListener("keydown", (event) => this.press(event, "to"));
  }

  /** The playhead moved. */
  showMoment(): void {
    const { playhead } = this.stage;
    this.now.style.transform = `translateX(${(Math.min(1, playhead.position / this.stage.extent().total) * 100).toFixed(3)}%)`;
  }

  draw(): void {
    const { stage } = this,
      { total } = stage.extent();
    const from = Math.max(0, Math.min(1, stage.from / total)),
      to = Math.max(0, Math.min(1, stage.to / total));
    this.frame.style.left = `${(100 * from).toFixed(3)}%`;
    this.frame.style.width = `${(100 * (to - from)).toFixed(3)}%`;
    this.root.toggleAttribute("data-zoomed", stage.zoom !== null);
    const say = (value: number): string => `${(100 * value).toFixed(1)} %`;
    for (const [handle, value, text] of [
      [this.start, from, say(from)],
      [this.end, to, say(to)],
      [this.body, (from + to) / 2, tr(`${say(from)} to ${say(to)} of the budget`, `预算的 ${say(from)} 至 ${say(to)}`)],
    ] as const) {
      setAttribute(handle, "aria-valuenow", (100 * value).toFixed(2));
      setAttribute(handle, "aria-valuetext", text);
    }
    const place = begin(this.canvas);
    if (place !== null) paintLosses(place.ctx, stage, (value) => (value / total) * place.width, place.height);
  }

  private handle(label: string, name: string): HTMLElement {
    return el("div", {
      class: `handle ${name}`,
      role: "slider",
      tabindex: 0,
      "aria-label": label,
      "aria-valuemin": 0,
      "aria-valuemax": 100,
      "aria-valuenow": 0,
    });
  }

  private at(clientX: number): number {
    const box = this.root.getBoundingClientRect();
    return (Math.max(0, Math.min(box.width, clientX - box.left)) / box.width) * this.stage.extent().total;
  }

  private grab(event: PointerEvent): void {
    if (event.button !== 0) return;
    const { stage, root } = this,
      start = this.at(event.clientX),
      before = windowOf(stage),
      whole = stage.zoom === null;
    const part = event.target === this.start ? "from" : event.target === this.end ? "to" : "body";
    const inside = start >= before[0] && start <= before[1];
    let moved = false;
    root.setPointerCapture(event.pointerId);
    const move = (e: PointerEvent): void => {
      if (e.pointerId !== event.pointerId || (!moved && Math.abs(e.clientX - event.clientX) < DRAG)) return;
      moved = true;
      const at = this.at(e.clientX),
        { total } = stage.extent(),
        least = leastWindow(stage);
      if (part !== "body") stage.setZoom(resized(before, total, part, at, least));
      else if (whole) stage.setZoom(resized([Math.min(start, at), Math.max(start, at)], total, "to", Math.max(start, at), least));
      else stage.setZoom(panned(before, total, inside ? at - start : at - (before[0] + before[1]) / 2));
    };
    root.addEventListener("pointermove", move);
    root.addEventListener(
      "lostpointercapture",
      () => {
        root.removeEventListener("pointermove", move);
        if (moved || part !== "body") return;
        stage.act((playhead, extent) => playhead.seek(start, extent));
        if (!inside) stage.setZoom(panned(before, stage.extent().total, start - (before[0] + before[1]) / 2));
      },
      { once: true },
    );
  }

  private press(event: KeyboardEvent, part: "body" | "from" | "to"): void {
    const { stage } = this,
      span = windowOf(stage),
      { total } = stage.extent(),
      width = span[1] - span[0];
    const pan = (by: number): void => stage.setZoom(stage.zoom === null ? null : panned(span, total, by));
    const done = press(WINDOW_KEYS, event, {
      zoom: (factor) => zoomBy(stage, factor),
      move(by) {
        if (part === "body") pan((by * width) / 10);
        else
          stage.setZoom(
            resized(
              span,
              total,
              part,
              (part === "from" ? span[0] : span[1]) + by * Math.max(leastWindow(stage), width / 50),
              leastWindow(stage),
            ),
          );
      },
      toEnd: (by) => part === "body" && (pan(by * total), true),
    });
    if (!done) return;
    event.preventDefault();
    event.stopPropagation();
  }
}
