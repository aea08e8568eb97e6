/** The gradient in parts, of one run: the norm layer by layer, and how large its components are at the playhead. */
import { figure, percent, short, whole } from "../../format.ts";
import { tr } from "../../language.ts";
import { columnIndex } from "../../manifest.ts";
import type { Stage } from "../../stage.ts";
import { Buckets, MOST_DRAWN } from "../../store.ts";
import { mix } from "../../style.ts";
import { Band, furthest, groupId, seedGroups } from "./bands.ts";
import { single } from "./csv.ts";
import { drawBand, drawBuckets, drawDrops } from "./curves.ts";
import type { Drawing } from "./drawing.ts";
import { bandOfColumn, columnTable, eachRun, fill, HEADER, recordOf, rounded } from "./series.ts";

const row = new Buckets(),
  band = new Band();

const layersOf = (stage: Stage): string[] =>
  stage.manifest!.columns.map(({ name }) => name).filter((name) => /^gradientNorm\d+$/.test(name));

/** The selected run, else the first that is shown. */
const runOf = (stage: Stage): number => stage.stepRun?.index ?? 0;

/** The runs that are shown as one band with the run itself, which is the first of them; alone, it is drawn as it is. */
const groupOf = (stage: Stage): readonly number[] => seedGroups(stage).find((group) => group.includes(runOf(stage))) ?? [runOf(stage)];

/** It has seeds beside it, whether they are drawn as a band or not. */
function hasOtherSeeds(stage: Stage): boolean {
  const runs = stage.manifest!.runs,
    own = runs[runOf(stage)]!;
  return !own.fork && runs.some((run) => run !== own && !run.fork && run.batchSize === own.batchSize && !stage.hidden.has(run.index));
}

/** Whose gradients they are. */
function nameOf(stage: Stage): string {
  const group = groupOf(stage);
  return group.length > 1
    ? tr(
        `B = ${stage.manifest!.runs[group[0]!]!.batchSize}, ${group.length} seeds`,
        `B = ${stage.manifest!.runs[group[0]!]!.batchSize}，${group.length} 个随机种子`,
      )
    : (stage.labels[runOf(stage)] ?? "");
}

/** Layers in one hue, from the input (quiet) to the output (loud). */
const shade = (stage: Stage, layer: number, layers: number): string => {
  const colour = stage.styles[runOf(stage)]!.colour[stage.theme];
  return mix(colour, stage.theme === "dark" ? "#5a6675" : "#98a3b0", layers < 2 ? 0 : 0.85 * (1 - layer / (layers - 1)));
};

export const layersChart: Drawing = {
  name: "layers",
  title: () => tr("Gradient norm by layer", "各层梯度范数"),
  unit: () => "",
  note: (stage) =>
    `${nameOf(stage)} · ${layersOf(stage)
      .map((_, i, { length }) =>
        i === length - 1
          ? tr(`layer ${i + 1} (output)`, `第 ${i + 1} 层（输出）`)
          : i === 0
            ? tr("layer 1 (faint)", "第 1 层（淡）")
            : String(i + 1),
      )
      .join(" … ")}`,
  scales: ["log", "linear"],
  format: short,
  readout: figure,
  columns: layersOf,
  bands: hasOtherSeeds,
  range(stage, kind) {
    const values: number[] = [];
    eachLayer(stage, (row) => {
      for (let i = 0; i < row.count; i++) if (row.last[i]! > 0 && row.last[i]! < Infinity) values.push(row.last[i]!);
    });
    values.sort((a, b) => a - b);
    const high = values[Math.floor(0.99 * (values.length - 1))],
      low = values[Math.floor(0.01 * (values.length - 1))];
    if (high === undefined || low === undefined) return null;
    return kind === "log" ? [rounded(Math.max(low, high * 1e-4) / 1.5, "down"), rounded(high * 1.5, "up")] : [0, 1.1 * high];
  },
  draw(plot, stage) {
    let points = 0;
    const layers = layersOf(stage),
      group = groupOf(stage),
      clock = stage.clocks[furthest(stage, group)]!;
    const colour = (layer: number): void => void (plot.ctx.strokeStyle = plot.ctx.fillStyle = shade(stage, layer, layers.length));
    if (group.length === 1) {
      eachLayer(stage, (row, layer) => {
        colour(layer);
        drawBuckets(plot, row, runOf(stage), clock, stage.axis, "even", plot.colours.red);
        points += row.count;
      });
      return points;
    }
    layers.forEach((name, layer) => {
      if (!bandOfColumn(stage, group, name, band)) return;
      colour(layer);
      drawBand(plot, band, group[0]!, clock, stage.axis, [], 1.25, true);
      if (layer === layers.length - 1) drawDrops(plot, band, stage, group, clock); // the same for all layers
      points += band.count;
    });
    return points;
  },
  empty: () => tr("The norms of the layers' gradients appear here with the first updates.", "第一次更新后，这里会显示各层的梯度范数。"),
  sentence(stage) {
    const update = stage.updateAt(runOf(stage));
    if (!Number.isFinite(recordOf(stage, runOf(stage), layersOf(stage)[0] ?? "", update))) return "";
    const parts = layersOf(stage).map((name, i) =>
      tr(
        `layer ${i + 1} ${figure(recordOf(stage, runOf(stage), name, update))}`,
        `第 ${i + 1} 层 ${figure(recordOf(stage, runOf(stage), name, update))}`,
      ),
    );
    return tr(
      `Gradient norms of ${stage.labels[runOf(stage)]} at update ${whole(update)}: ${parts.join(", ")}.`,
      `${stage.labels[runOf(stage)]} 在第 ${whole(update)} 次更新的梯度范数：${parts.join("，")}。`,
    );
  },
  *table(stage) {
    yield HEADER(stage);
    const group = groupOf(stage),
      id = groupId(stage, group);
    for (const name of layersOf(stage)) for (const row of columnTable(stage, name)) if (row[1] === id) yield row;
  },
};

function eachLayer(stage: Stage, visit: (row: Buckets, layer: number) => void): void {
  const run = runOf(stage);
  layersOf(stage).forEach((name, layer) => {
    if (fill(stage, run, name, columnIndex(stage.manifest!, name), MOST_DRAWN, row)) visit(row, layer);
  });
}

const BINS = 8;
const share = (bin: number): string => `gradientShare${bin}`;
/** Exponent of two where a bin begins; the first holds all that is smaller, the last all that is larger. */
const edge = (bin: number): number => 4 * bin - 28;
const values = new Float64Array(BINS);

/** Shares of the components by their magnitude at the playhead; false where they are not known. */
function read(stage: Stage, run: number): boolean {
  const update = Math.max(1, stage.updateAt(run));
  for (let bin = 0; bin < BINS; bin++) values[bin] = recordOf(stage, run, share(bin), update);
  return Number.isFinite(values[0]);
}

const raised = (power: number): string => `2${String(power).replace(/./g, (c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(c)]!))}`;

export const histogramChart: Drawing = {
  name: "histogram",
  title: () => tr("Gradient components", "梯度分量分布"),
  unit: () => "",
  note: () => tr("share of the components by magnitude, at the playhead", "播放头处各量级分量所占比例"),
  scales: ["linear"],
  format: (value) => `${Math.round(100 * value)} %`,
  readout: (value) => percent(value),
  moment: () => true,
  columns: () => Array.from({ length: BINS }, (_, bin) => share(bin)),
  frame: {
    range: () => [-28, 4],
    label: () => tr("magnitude of a component", "分量的量级"),
    splits: () => [-24, -20, -16, -12, -8, -4, 0],
    ticks: (_, ticks) => ticks.map(raised),
  },
  range(stage) {
    let high = 0;
    eachRun(stage, (run) => {
      for (let bin = 0; bin < BINS; bin++) ask(stage, run, bin);
      if (read(stage, run)) for (const value of values) high = Math.max(high, value);
    });
    return high > 0 ? [0, Math.min(1.04, Math.ceil(high * 5 + 0.2) / 5)] : null;
  },
  draw(plot, stage) {
    const { ctx, ratio } = plot;
    let points = 0;
    eachRun(stage, (run, dash, colour) => {
      if (!read(stage, run)) return;
      const other = stage.selected >= 0 && stage.selected !== run;
      ctx.strokeStyle = ctx.fillStyle = colour;
      ctx.lineWidth = (stage.selected === run ? 2.25 : 1.5) * ratio;
      ctx.beginPath();
      ctx.moveTo(plot.x(edge(0)), plot.y(0));
      for (let bin = 0; bin < BINS; bin++) {
        ctx.lineTo(plot.x(edge(bin)), plot.y(values[bin]!));
        ctx.lineTo(plot.x(edge(bin + 1)), plot.y(values[bin]!));
      }
      ctx.lineTo(plot.x(edge(BINS)), plot.y(0));
      ctx.globalAlpha = other ? 0 : 0.06;
      ctx.fill();
      ctx.globalAlpha = other ? 0.3 : 1;
      ctx.setLineDash(dash.map((d) => d * ratio));
      ctx.stroke();
      ctx.setLineDash([]);
      ctx.globalAlpha = 1;
      points += BINS;
    });
    return points;
  },
  empty: (stage) =>
    columnIndex(stage.manifest!, share(0)) < 0
      ? tr("This recording does not have these values.", "此录制中没有这些数值。")
      : tr("The sizes of the gradient's components appear here with the first updates.", "第一次更新后，这里会显示梯度分量的大小。"),
  sentence(stage) {
    const parts: string[] = [];
    eachRun(stage, (run) => {
      if (!read(stage, run)) return;
      const bin = values.indexOf(Math.max(...values));
      parts.push(
        tr(
          `${stage.labels[run]} mostly from ${raised(edge(bin))} to ${raised(edge(bin + 1))} (${percent(values[bin]!, 0)})`,
          `${stage.labels[run]} 多在 ${raised(edge(bin))} 至 ${raised(edge(bin + 1))} 之间（${percent(values[bin]!, 0)}）`,
        ),
      );
    });
    return parts.length === 0
      ? ""
      : tr(
          `Magnitudes of the gradient's components at the playhead: ${parts.join("; ")}.`,
          `播放头处梯度分量的量级：${parts.join("；")}。`,
        );
  },
  *table(stage) {
    yield ["run", "update", "from", "to", "share"];
    for (const { index, id } of stage.manifest!.runs) {
      if (stage.hidden.has(index) || !read(stage, index)) continue;
      for (let bin = 0; bin < BINS; bin++)
        yield [
          id,
          stage.updateAt(index),
          bin === 0 ? 0 : 2 ** edge(bin),
          bin === BINS - 1 ? Infinity : 2 ** edge(bin + 1),
          single(Math.fround(values[bin]!)),
        ];
    }
  },
};

/** Coarse buckets of the whole window while the playhead moves; around it every record, once it stands. */
function ask(stage: Stage, run: number, bin: number): void {
  const column = columnIndex(stage.manifest!, share(bin)),
    { made } = stage.store.runs[run]!,
    update = Math.max(1, stage.updateAt(run));
  if (column < 0 || made === 0) return;
  const still = stage.playhead.mode === "paused";
  if (still && stage.store.at(run, column, update, row) && row.level === 0) return;
  stage.store.query(run, column, still ? update - 1 : 0, still ? update : made, MOST_DRAWN, row);
  if (row.missing.length > 0) stage.remote.wantTiles(run, share(bin), row.level, row.missing);
}
