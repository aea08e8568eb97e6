/** What the charts over time share: rows of buckets and lists of measured values of the runs that are shown. */
import { columnIndex } from "../../manifest.ts";
import type { Stage } from "../../stage.ts";
import { Buckets, MOST_DRAWN } from "../../store.ts";
import { Band, bandOfEvaluations, bandOfRows, endsOf, furthest, groupId, hasSeeds, seedGroups } from "./bands.ts";
import { single } from "./csv.ts";
import { drawBand, drawBuckets, drawDrops, drawEvaluations, drawRing, type Emphasis } from "./curves.ts";
import type { Row } from "./drawing.ts";
import type { Plot } from "./plot.ts";
import { windowFrom } from "./window.ts";

const row = new Buckets(),
  part = new Buckets(),
  found = new Buckets(),
  band = new Band();
const rows: Buckets[] = [];

export function eachRun(stage: Stage, visit: (run: number, dash: readonly number[], colour: string) => void): void {
  for (const { index } of stage.manifest!.runs) {
    if (stage.hidden.has(index)) continue;
    const style = stage.styles[index]!;
    visit(index, style.dash, style.colour[stage.theme]);
  }
}

/**
 * Fills `out` with a column's buckets over the window and asks for the detail that is missing. Where time is logarithmic, buckets are as
 * fine as the window is wide there: single records at its beginning, however many the run has made.
 */
export function fill(stage: Stage, run: number, name: string, column: number, most: number, out: Buckets): boolean {
  const clock = stage.clocks[run]!,
    { made } = stage.store.runs[run]!;
  const from = Math.max(0, stage.beginning(run) - 1, Math.floor(clock.toUpdates(stage.axis, windowFrom(stage))) - 1);
  const last = Math.ceil(clock.toUpdates(stage.axis, stage.to)) + 1,
    to = Math.min(made, last);
  if (to <= from) return false;
  if (!stage.logTime) return fillSpan(stage, run, name, column, from, to, most, out);
  out.clear(0);
  const spans = logSpans(from, last),
    share = Math.ceil(most / spans.length);
  for (const [start, end] of spans) {
    if (start >= to) break;
    fillSpan(stage, run, name, column, start, Math.min(end, to), share, part);
    out.append(part);
  }
  return out.count > 0;
}

function fillSpan(stage: Stage, run: number, name: string, column: number, from: number, to: number, most: number, out: Buckets): boolean {
  const found = stage.store.query(run, column, from, to, most, out);
  if (out.missing.length > 0) stage.remote.wantTiles(run, name, out.level, out.missing);
  return found;
}

/** Parts of a window that are equally wide on a logarithmic axis, about: each ends at a power of four, where buckets of all levels end. */
export function logSpans(from: number, to: number): (readonly [from: number, to: number])[] {
  const spans: (readonly [number, number])[] = [];
  for (let start = from, end = 4; start < to; end *= 4) {
    if (end <= start) continue;
    spans.push([start, Math.min(end, to)]);
    start = end;
  }
  return spans;
}

/** A row of buckets for every run that is shown; the row is refilled for the next. */
export function eachRow(stage: Stage, name: string, visit: (row: Buckets, run: number) => void, most = MOST_DRAWN): void {
  const column = columnIndex(stage.manifest!, name);
  if (column < 0) return;
  eachRun(stage, (run) => {
    if (fill(stage, run, name, column, most, row)) visit(row, run);
  });
}

/** A fork is drawn from where it leaves its parent; before that its curve is the parent's. */
export function fromBeginning(plot: Plot, stage: Stage, run: number, draw: () => void): void {
  const start = stage.beginning(run),
    { ctx } = plot;
  const left = start === 0 ? plot.left : Math.max(plot.left, plot.x(stage.clocks[run]!.toAxis(stage.axis, start)));
  const right = plot.left + plot.width;
  if (left >= right) return;
  ctx.save();
  if (left > plot.left) {
    ctx.beginPath();
    ctx.rect(left, plot.top, right - left, plot.height);
    ctx.clip();
  }
  draw();
  ctx.restore();
}

const emphasis = (stage: Stage, run: number): Emphasis => (stage.selected < 0 ? "even" : stage.selected === run ? "selected" : "other");

/** Fills `out` with the band of a column over the window; false while a seed that is alive lacks all values. */
export function bandOfColumn(stage: Stage, group: readonly number[], name: string, out: Band): boolean {
  const column = columnIndex(stage.manifest!, name);
  while (rows.length < group.length) rows.push(new Buckets());
  group.forEach((run, i) => {
    if (!fill(stage, run, name, column, MOST_DRAWN, rows[i]!)) rows[i]!.clear(0); // nothing yet, or it had ended before the window
  });
  bandOfRows(rows.slice(0, group.length), endsOf(stage, group), out);
  return out.count > 0;
}

/** The same of evaluations. */
export function bandOfMeasured(stage: Stage, group: readonly number[], k: number, out: Band): boolean {
  bandOfEvaluations(
    group.map((run) => stage.store.runs[run]!.evaluations),
    k,
    endsOf(stage, group),
    out,
  );
  return out.count > 0;
}

/**
 * Every batch of one column. `red`: a value that is not finite is a mishap. `behind`: bolder curves lie over these. `setting`: it does not
 * scatter.
 */
export function columnCurves(plot: Plot, stage: Stage, name: string, { red = true, behind = false, setting = false } = {}): number {
  const column = columnIndex(stage.manifest!, name);
  let points = 0;
  if (column < 0) return 0;
  for (const group of seedGroups(stage)) {
    const { colour } = stage.styles[group[0]!]!;
    plot.ctx.strokeStyle = plot.ctx.fillStyle = colour[stage.theme];
    if (group.length > 1) {
      if (!bandOfColumn(stage, group, name, band)) continue;
      const clock = stage.clocks[furthest(stage, group)]!;
      if (behind) plot.ctx.globalAlpha = 0.4;
      drawBand(plot, band, group[0]!, clock, stage.axis, [], behind ? 0.75 : 1.25, !behind);
      plot.ctx.globalAlpha = 1;
      if (!behind) drawDrops(plot, band, stage, group, clock);
      points += band.count;
    } else if (fill(stage, group[0]!, name, column, MOST_DRAWN, row)) {
      const run = group[0]!;
      fromBeginning(plot, stage, run, () =>
        drawBuckets(
          plot,
          row,
          run,
          stage.clocks[run]!,
          stage.axis,
          setting && (stage.selected < 0 || stage.selected === run) ? "plain" : emphasis(stage, run),
          red ? plot.colours.red : null,
        ),
      );
      points += row.count;
    }
  }
  return points;
}

/** Evaluations of every run that is shown, and a ring where a fork leaves. */
export function evaluationCurves(plot: Plot, stage: Stage, k: number): number {
  let points = 0;
  for (const group of seedGroups(stage)) {
    const { colour, dash } = stage.styles[group[0]!]!;
    plot.ctx.strokeStyle = plot.ctx.fillStyle = colour[stage.theme];
    if (group.length > 1) {
      const clock = stage.clocks[furthest(stage, group)]!;
      if (!bandOfMeasured(stage, group, k, band)) continue;
      drawBand(plot, band, group[0]!, clock, stage.axis, dash, 1.75, true);
      drawDrops(plot, band, stage, group, clock);
      points += band.count;
      continue;
    }
    const run = group[0]!,
      { evaluations } = stage.store.runs[run]!,
      start = stage.beginning(run),
      clock = stage.clocks[run]!;
    fromBeginning(plot, stage, run, () => drawEvaluations(plot, evaluations, k, run, clock, stage.axis, dash));
    points += evaluations.count;
    const first = evaluations.indexAt(start);
    if (start > 0 && first >= 0) drawRing(plot, clock.toAxis(stage.axis, start), evaluations.between(start, k));
  }
  return points;
}

/** Smallest and largest of a measured value; null while there is none. */
export function evaluationSpan(stage: Stage, k: number): [number, number] | null {
  let low = Infinity,
    high = -Infinity;
  eachRun(stage, (run) => {
    const { evaluations } = stage.store.runs[run]!;
    for (let i = 0; i < evaluations.count; i++) {
      const value = evaluations.value(i, k);
      if (value < low) low = value;
      if (value > high && value < Infinity) high = value;
    }
  });
  return high >= low ? [low, high] : null;
}

/** Finite last values of a column in the window, ascending; `least`: those above it only; `skip`: runs that are left out. */
export function sortedValues(stage: Stage, name: string, least = -Infinity, skip: (run: number) => boolean = () => false): number[] {
  const values: number[] = [];
  eachRow(stage, name, (row, run) => {
    if (skip(run)) return;
    for (let i = 0; i < row.count; i++) if (row.last[i]! > least && row.last[i]! < Infinity) values.push(row.last[i]!);
  });
  return values.sort((a, b) => a - b);
}

/** The last value of the finest bucket around an update that is known. */
export function recordOf(stage: Stage, run: number, name: string, update: number): number {
  const column = columnIndex(stage.manifest!, name);
  return column >= 0 && stage.store.at(run, column, Math.max(1, Math.min(Math.round(update), stage.store.headOf(run))), found)
    ? found.last[0]!
    : NaN;
}

/** 1, 2 or 5 times a power of ten, down or up, so that a logarithmic axis begins and ends at a tick. */
export function rounded(value: number, towards: "down" | "up"): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const steps = [1, 2, 5, 10].map((step) => step * power);
  return towards === "down" ? steps.filter((step) => step <= value * 1.0001).at(-1)! : steps.find((step) => step >= value * 0.9999)!;
}

/** A range with room about it, on a straight or a logarithmic scale. */
export const roomy = (low: number, high: number, kind: "linear" | "log" | "symlog"): [number, number] => {
  if (kind === "log") return [rounded(low / 1.2, "down"), rounded(high * 1.2, "up")];
  const room = 0.06 * (high - low || Math.abs(high) || 1);
  return [low >= 0 && low < 0.5 * high ? 0 : low - room, high + room];
};

/** Rows of a file are as what is drawn: buckets of each run, or bands of seeds. */
const drawsBands = (stage: Stage): boolean => stage.seeds === "band" && hasSeeds(stage);

export const HEADER = (stage: Stage): Row =>
  drawsBands(stage)
    ? ["series", "run", "update", stage.axis, "mean", "low95", "high95", "n", "seeds"]
    : ["series", "run", "update", stage.axis, "min", "max", "last"];

/** Means and intervals of the window, for a file; a run that has no other seeds is a band of one. */
export function* bandTable(stage: Stage, label: string, bandOf: (group: readonly number[], out: Band) => boolean): Iterable<Row> {
  for (const group of seedGroups(stage)) {
    if (!bandOf(group, band)) continue;
    const clock = stage.clocks[furthest(stage, group)]!,
      id = groupId(stage, group),
      from = windowFrom(stage),
      lines: Row[] = [];
    for (let i = 0; i < band.count; i++) {
      const update = band.update[i]!,
        at = clock.toAxis(stage.axis, update),
        mean = band.mean[i]!,
        half = band.half[i]!;
      if (at >= from && at <= stage.to) lines.push([label, id, update, at, mean, mean - half, mean + half, band.alive[i]!, band.seeds]);
    }
    yield* lines; // the band is refilled for others while somebody reads
  }
}

/** Buckets of the window, for a file. */
export function* columnTable(stage: Stage, name: string, label = name): Iterable<Row> {
  if (drawsBands(stage)) return yield* bandTable(stage, label, (group, out) => bandOfColumn(stage, group, name, out));
  const lines: Row[] = [];
  eachRow(stage, name, (row, run) => {
    const clock = stage.clocks[run]!,
      { id } = stage.manifest!.runs[run]!,
      from = windowFrom(stage);
    for (let i = 0; i < row.count; i++) {
      const at = clock.toAxis(stage.axis, row.to[i]!);
      if (at >= from && at <= stage.to)
        lines.push([label, id, row.to[i]!, at, single(row.min[i]!), single(row.max[i]!), single(row.last[i]!)]);
    }
  });
  yield* lines;
}

export function* evaluationTable(stage: Stage, k: number, label: string): Iterable<Row> {
  if (drawsBands(stage)) return yield* bandTable(stage, label, (group, out) => bandOfMeasured(stage, group, k, out));
  for (const { index, id } of stage.manifest!.runs) {
    if (stage.hidden.has(index)) continue;
    const { evaluations } = stage.store.runs[index]!,
      clock = stage.clocks[index]!;
    for (let i = 0; i < evaluations.count; i++) {
      const update = evaluations.updates[i]!,
        at = clock.toAxis(stage.axis, update),
        value = single(evaluations.value(i, k));
      if (at >= windowFrom(stage) && at <= stage.to) yield [label, id, update, at, value, value, value];
    }
  }
}
