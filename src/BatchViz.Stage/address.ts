/**
 * Address = state: one table maps everything that a viewer can set to the fragment of the page's address and back. What has its
 * default value is left out; what is not understood is refused in one sentence and changes nothing. docs/permalinks.md describes the keys.
 */
import { AXES, AXIS_LABELS, type Axis } from "./axis.ts";
import { figure } from "./format.ts";
import { tr } from "./language.ts";
import type { Manifest } from "./manifest.ts";
import type { Span } from "./panels/timeline/window.ts";
import { SPEEDS } from "./playhead.ts";
import { forThisVisit } from "./remember.ts";
import { MOST_CHARTS, OVERLAYS, PANELS, STANDARD_CHARTS, STANDARD_OVERLAYS, type PanelName, type Stage } from "./stage.ts";
import { PALETTE } from "./style.ts";

/** Raised when a key changes its meaning. */
export const VERSION = 1;

export interface Field {
  /** Means something only for the experiment that the link was made of. */
  ofExperiment?: true;
  /** A choice that can be taken back; not what moves by itself or is dragged all the time. */
  undo?: true;
  /** "" where it has its default value. */
  get(stage: Stage): string;
  /** Takes "" for the default. False: the text makes no sense, and nothing has changed. */
  set(stage: Stage, text: string): boolean;
}

const isOneOf = <T extends string>(values: readonly T[], text: string): text is T => (values as readonly string[]).includes(text);

/** Numbers separated by commas, all of them finite; null otherwise. */
export function numbers(text: string, count: number): number[] | null {
  const parts = text.split(",");
  const values = parts.map((part) => (part.trim() === "" ? NaN : Number(part)));
  return parts.length === count && values.every(Number.isFinite) ? values : null;
}

/** Short, and the same number again to six digits. */
export const compact = (value: number): string => String(Number(value.toPrecision(6)));

function choice<T extends string>(
  values: readonly T[],
  standard: (stage: Stage) => T,
  get: (stage: Stage) => T,
  set: (stage: Stage, value: T) => void,
): Pick<Field, "get" | "set"> {
  return {
    get: (stage) => (get(stage) === standard(stage) ? "" : get(stage)),
    set(stage, text) {
      const value = text === "" ? standard(stage) : text;
      if (!isOneOf(values, value)) return false;
      if (get(stage) !== value) set(stage, value);
      return true;
    },
  };
}

function flag(get: (stage: Stage) => boolean, set: (stage: Stage, on: boolean) => void): Pick<Field, "get" | "set"> {
  return {
    get: (stage) => (get(stage) ? "1" : ""),
    set(stage, text) {
      if (text !== "" && text !== "0" && text !== "1") return false;
      if (get(stage) !== (text === "1")) set(stage, text === "1");
      return true;
    },
  };
}

/** Part of the axis, `from,to` in its unit. */
function span(get: (stage: Stage) => Span | null, set: (stage: Stage, value: Span | null) => void): Pick<Field, "get" | "set"> {
  return {
    get: (stage) => get(stage)?.map(compact).join() ?? "",
    set(stage, text) {
      const value = text === "" ? null : numbers(text, 2);
      if (text !== "" && (value === null || value[0]! < 0 || !(value[1]! > value[0]!))) return false;
      if (value?.join() !== get(stage)?.join()) set(stage, value as [number, number] | null);
      return true;
    },
  };
}

/** A thousandth of the scene's box is less than a pixel. */
const round = (value: number): number => Math.round(value * 1000) / 1000;

const runIndex = (stage: Stage, id: string): number => stage.manifest?.runs.findIndex((run) => run.id === id) ?? -1;

/** In the order in which they are written and applied: the axis before what is measured on it. */
export const FIELDS: Readonly<Record<string, Field>> = {
  theme: {
    undo: true,
    ...choice(
      ["dark", "light"],
      (stage) => stage.systemTheme,
      (stage) => stage.theme,
      (stage, theme) => stage.setTheme(theme),
    ),
  },
  axis: {
    undo: true,
    ...choice<Axis>(
      AXES,
      (stage) => stage.standardAxis,
      (stage) => stage.axis,
      (stage, axis) => stage.setAxis(axis),
    ),
  },
  zoom: {
    ofExperiment: true,
    undo: true,
    ...span(
      (stage) => stage.zoom,
      (stage, zoom) => stage.setZoom(zoom),
    ),
  },
  range: {
    ofExperiment: true,
    undo: true,
    ...span(
      (stage) => stage.range,
      (stage, range) => stage.setRange(range),
    ),
  },
  loop: {
    undo: true,
    ...flag(
      (stage) => stage.loop,
      (stage, on) => stage.setLoop(on),
    ),
  },
  run: {
    ofExperiment: true,
    undo: true,
    get: (stage) => stage.manifest?.runs[stage.selected]?.id ?? "",
    set(stage, text) {
      const run = text === "" ? -1 : runIndex(stage, text);
      if (text !== "" && run < 0) return false;
      if (stage.selected !== run) stage.select(run < 0 ? stage.selected : run);
      return true;
    },
  },
  hide: {
    ofExperiment: true,
    undo: true,
    get: (stage) =>
      (stage.manifest?.runs ?? [])
        .filter((run) => stage.hidden.has(run.index) && !stage.forkUndone.has(run.index))
        .map((run) => run.id)
        .join(),
    set(stage, text) {
      const runs = text === "" ? [] : text.split(",").map((id) => runIndex(stage, id));
      if (runs.includes(-1)) return false;
      for (const { index } of stage.manifest?.runs ?? [])
        if (stage.hidden.has(index) !== runs.includes(index) && !stage.forkUndone.has(index))
          stage.setVisible(index, !runs.includes(index));
      return true;
    },
  },
  scale: {
    undo: true,
    ...choice(
      ["log", "linear"],
      () => "log",
      (stage) => stage.lossScale,
      (stage, scale) => stage.setLossScale(scale),
    ),
  },
  panes: {
    undo: true,
    ...choice(
      ["overlay", "split"],
      () => "overlay",
      (stage) => stage.panes,
      (stage, panes) => stage.setPanes(panes),
    ),
  },
  show: {
    undo: true,
    get: (stage) => {
      const shown = OVERLAYS.filter((name) => stage.overlays.has(name)).join();
      return shown === STANDARD_OVERLAYS.join() ? "" : shown || "none";
    },
    set(stage, text) {
      const shown = text === "" ? STANDARD_OVERLAYS : text === "none" ? [] : text.split(",");
      if (!shown.every((name) => isOneOf(OVERLAYS, name))) return false;
      for (const name of OVERLAYS) if (stage.overlays.has(name) !== shown.includes(name)) stage.setOverlay(name, shown.includes(name));
      return true;
    },
  },
  follow: {
    undo: true,
    ...flag(
      (stage) => stage.follow,
      (stage, on) => stage.setFollow(on),
    ),
  },
  camera: {
    get({ cameraView, pose }) {
      if (cameraView === "reset" || pose === null) return "";
      return cameraView === "orbit" || cameraView === "frame"
        ? [pose.x, pose.y, pose.z, pose.distance, pose.phi, pose.theta].map((value) => compact(round(value))).join()
        : cameraView;
    },
    set(stage, text) {
      const view = text === "" ? "reset" : text;
      if (isOneOf(["reset", "top", "x", "y"], view)) {
        if (stage.cameraView !== view) stage.setCamera(view);
        return true;
      }
      const pose = numbers(text, 6);
      if (pose === null || !(pose[3]! > 0 && pose[3]! < 20) || pose.some((value) => Math.abs(value) > 20)) return false;
      stage.setPose({ x: pose[0]!, y: pose[1]!, z: pose[2]!, distance: pose[3]!, phi: pose[4]!, theta: pose[5]! });
      return true;
    },
  },
  charts: {
    undo: true,
    get: ({ charts }) => (charts.join() === STANDARD_CHARTS ? "" : charts.join()),
    set(stage, text) {
      const names = (text || STANDARD_CHARTS).split(",");
      if (names.length > MOST_CHARTS || !names.every((name) => stage.chartNames.includes(name))) return false;
      if (names.join() !== stage.charts.join()) stage.setCharts(names);
      return true;
    },
  },
  scales: {
    undo: true,
    get: ({ chartScales }) =>
      Object.entries(chartScales)
        .map(([chart, scale]) => `${chart}:${scale}`)
        .join(),
    set(stage, text) {
      const pairs = text === "" ? [] : text.split(",").map((pair) => pair.split(":"));
      if (
        !pairs.every(
          ([chart, scale, more]) => stage.chartNames.includes(chart!) && (scale === "log" || scale === "linear") && more === undefined,
        )
      )
        return false;
      stage.setChartScales(Object.fromEntries(pairs) as Record<string, "log" | "linear">);
      return true;
    },
  },
  logtime: {
    undo: true,
    ...flag(
      (stage) => stage.logTime,
      (stage, on) => stage.setLogTime(on),
    ),
  },
  seeds: {
    undo: true,
    ...choice(
      ["lines", "band"],
      () => "lines",
      (stage) => stage.seeds,
      (stage, seeds) => stage.setSeeds(seeds),
    ),
  },
  line: {
    ofExperiment: true,
    undo: true,
    get: ({ lineEnds }) => lineEnds?.join() ?? "",
    set(stage, text) {
      const ends = text === "" ? null : text.split(",");
      if (ends !== null && (ends.length !== 2 || ends.some((id) => runIndex(stage, id) < 0))) return false;
      if (ends?.join() !== stage.lineEnds?.join()) stage.setLineEnds(ends as [string, string] | null);
      return true;
    },
  },
  colours: {
    ofExperiment: true,
    undo: true,
    get: ({ colours }) =>
      Object.entries(colours)
        .map(([run, name]) => `${run}:${name}`)
        .join(),
    set(stage, text) {
      const pairs = text === "" ? [] : text.split(",").map((pair) => pair.split(":"));
      if (!pairs.every(([run, name, more]) => runIndex(stage, run!) >= 0 && Object.hasOwn(PALETTE, name ?? "") && more === undefined))
        return false;
      if (this.get(stage) !== text) stage.setColours(Object.fromEntries(pairs) as Record<string, string>);
      return true;
    },
  },
  batch: {
    undo: true,
    ...choice(
      ["open", "folded"],
      () => "open",
      (stage) => (stage.batchOpen ? "open" : "folded"),
      (stage, batch) => stage.setBatchOpen(batch === "open"),
    ),
  },
  off: {
    undo: true,
    get: ({ panels }) => [...panels].join(),
    set(stage, text) {
      const names = text === "" ? [] : text.split(",");
      if (!names.every((name) => isOneOf(PANELS, name))) return false;
      if (names.join() !== [...stage.panels].join()) stage.setPanels(new Set(names as PanelName[]));
      return true;
    },
  },
  projector: {
    undo: true,
    get: ({ projector }) => (projector === null ? "" : projector ? "1" : "0"),
    set(stage, text) {
      if (!isOneOf(["", "0", "1"], text)) return false;
      const on = text === "" ? null : text === "1";
      if (stage.projector !== on) stage.setProjector(on);
      return true;
    },
  },
  speed: {
    get: ({ playhead }) => (playhead.speed === 1 ? "" : String(playhead.speed)),
    set(stage, text) {
      const speed = text === "" ? 1 : Number(text);
      if (!(SPEEDS as readonly number[]).includes(speed)) return false;
      if (stage.playhead.speed !== speed) stage.act((playhead) => (playhead.speed = speed));
      return true;
    },
  },
  cursor: {
    ofExperiment: true,
    get: ({ cursor }) => (cursor === null ? "" : compact(cursor)),
    set(stage, text) {
      const at = text === "" ? null : (numbers(text, 1)?.[0] ?? -1);
      if (at !== null && at < 0) return false;
      stage.setCursor(at);
      return true;
    },
  },
  t: {
    ofExperiment: true,
    get: (stage) =>
      stage.awaited !== null
        ? compact(stage.awaited)
        : stage.playhead.mode === "paused" && stage.playhead.position > 0
          ? compact(stage.playhead.position)
          : "",
    set(stage, text) {
      const at = text === "" ? NaN : Number(text);
      if (text !== "" && !(at >= 0 && at < Infinity)) return false;
      if (text !== "") stage.await(at);
      return true;
    },
  },
};

/**
 * Which experiment a link is of. Training is deterministic: where the experiment file is the same, so is the moment, on whatever machine.
 */
export function fingerprint(manifest: Manifest): string {
  let hash = 0x811c9dc5; // FNV-1a
  for (const byte of new TextEncoder().encode(JSON.stringify(manifest.spec))) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(36);
}

export function write(stage: Stage): string {
  const pairs = [["v", String(VERSION)]];
  let specific = false;
  for (const [key, field] of Object.entries(FIELDS)) {
    const text = field.get(stage);
    if (text === "") continue;
    pairs.push([key, text]);
    specific ||= field.ofExperiment === true;
  }
  if (pairs.length === 1) return "";
  if (FIELDS["theme"]!.get(stage) === "") pairs.push(["theme", stage.theme]);
  if (specific && stage.manifest !== null) pairs.splice(1, 0, ["e", fingerprint(stage.manifest)]);
  return `#${pairs.map(([key, text]) => `${key}=${encodeURIComponent(text!).replaceAll("%2C", ",").replaceAll("%3A", ":")}`).join("&")}`;
}

/**
 * Sets what the fragment says, and everything else to its default, for this visit: what the visitor has chosen before stays remembered.
 * Returns what a reader must know, a sentence each.
 */
export const apply = (stage: Stage, fragment: string): string[] => forThisVisit(() => take(stage, fragment));

function take(stage: Stage, fragment: string): string[] {
  const given = new URLSearchParams(fragment.replace(/^#/, ""));
  if ([...given.keys()].length === 0) return [];
  const version = given.get("v") ?? String(VERSION);
  if (version !== String(VERSION))
    return [
      tr(
        `This link is of version ${version} and this BatchViz understands version ${VERSION}; it was ignored.`,
        `此链接的版本为 ${version}，而当前 BatchViz 只支持版本 ${VERSION}；链接已被忽略。`,
      ),
    ];
  const told: string[] = [];
  const of = given.get("e");
  const foreign = of !== null && stage.manifest !== null && of !== fingerprint(stage.manifest);
  if (foreign)
    told.push(
      tr(
        "This link shows a moment of another experiment than the one that is here now; only its general settings were taken over.",
        "此链接指向另一个实验中的某一时刻，而不是当前的实验；只采用了其中的通用设置。",
      ),
    );
  for (const [key, field] of Object.entries(FIELDS)) {
    const text = given.get(key);
    if (text === null || (foreign && field.ofExperiment)) {
      if (key !== "theme" && key !== "t") field.set(stage, "");
      continue;
    }
    if (!field.set(stage, text))
      told.push(
        tr(
          `This link says “${key}=${shortened(text)}”, which means nothing here; it was left out.`,
          `此链接中的“${key}=${shortened(text)}”在这里没有意义，已忽略。`,
        ),
      );
  }
  for (const key of given.keys())
    if (key !== "v" && key !== "e" && !Object.hasOwn(FIELDS, key))
      told.push(
        tr(
          `This link has a part “${shortened(key)}” that is unknown here; it was left out.`,
          `此链接含有未知的部分“${shortened(key)}”，已忽略。`,
        ),
      );
  return told;
}

const shortened = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);

/** Why the page does not stand at the moment of a link yet; "" where it does, or is only waiting for what was recorded. */
export function sayAwaited(stage: Stage): string {
  if (stage.awaited === null) return "";
  const made = Math.max(0, ...stage.clocks.map((clock, run) => clock.toAxis(stage.axis, stage.store.runs[run]!.made)));
  if (made >= stage.awaited) return "";
  return tr(
    `This link stops at ${figure(stage.awaited)} (${AXIS_LABELS[stage.axis]}); the training has not come that far yet.`,
    `此链接停在 ${figure(stage.awaited)}（${AXIS_LABELS[stage.axis]}）；训练尚未到达那里。`,
  );
}
