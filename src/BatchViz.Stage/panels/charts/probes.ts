/** What the experiment's probes measure along the runs: points with markers, asked for again as the runs go on. */
import type { ProbePoint, Probes } from "../../answers.ts";
import { figure, short, whole } from "../../format.ts";
import { tr } from "../../language.ts";
import { evaluated, isContrastive, whyUndefined } from "../../mode.ts";
import { PollingRequest } from "../../pollingRequest.ts";
import { Change, type Stage } from "../../stage.ts";
import { Band, bandOfRows, endOf, furthest, hasSeeds, seedGroups, type Values } from "./bands.ts";
import { drawBand, drawDrops, drawMarker } from "./curves.ts";
import type { Drawing } from "./drawing.ts";
import { zeroLine } from "./records.ts";
import { bandTable, eachRun, fromBeginning, HEADER, roomy } from "./series.ts";

const AGAIN_AFTER = 2000;

const band = new Band();

interface Measured {
  name: string;
  value(point: ProbePoint): number | null | undefined;
  probe: string;
  title(): string;
  note(stage: Stage): string;
  logarithmic: boolean;
  unit?: string;
  /** Why it can never be measured here. */
  never?(stage: Stage): string | null;
}

/** The answers of all runs of one experiment. */
class Lists {
  readonly runs: PollingRequest<Probes>[] = [];
  private generation = -1;
  private due = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Asks for the lists of the runs that are shown whose evaluations have grown, at most every two seconds. */
  look(stage: Stage): void {
    const { generation } = stage.manifest!;
    if (generation !== this.generation) {
      this.leave();
      this.runs.length = 0;
      this.generation = generation;
    }
    const now = performance.now(),
      due = now >= this.due;
    let wanting = false;
    eachRun(stage, (run) => {
      const list = (this.runs[run] ??= new PollingRequest<Probes>(() => stage.changed(Change.charts)));
      const key = `${generation}/${run}/${stage.store.runs[run]!.evaluations.count}`;
      if (list.of === key || list.progress !== null) return;
      wanting = true;
      if (due && list.error === null) list.want(key, (cancel) => stage.remote.probes(run, cancel), 0);
    });
    if (wanting && due) this.due = now + AGAIN_AFTER;
    else if (wanting)
      this.timer ??= setTimeout(() => {
        this.timer = undefined;
        stage.changed(Change.charts);
      }, this.due - now);
  }

  leave(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const list of this.runs) list?.leave();
  }
}

function probeChart({ name, value, probe, title, note, logarithmic, unit = "", never }: Measured): Drawing {
  const lists = new Lists();
  const each = (_: Stage, run: number, visit: (update: number, value: number) => void): void => {
    for (const point of lists.runs[run]?.value?.points ?? []) {
      const measured = value(point) ?? null;
      if (measured !== null) visit(point.update, measured);
    }
  };
  const valuesOf = (stage: Stage, run: number): Values => {
    const to: number[] = [],
      last: number[] = [];
    each(stage, run, (update, v) => {
      to.push(update);
      last.push(v);
    });
    return { count: to.length, to, last };
  };
  /** Between the last measurement of a seed that has ended and its end nothing is known. */
  const bandOf = (stage: Stage, group: readonly number[], out: Band): boolean => {
    const rows = group.map((seed) => valuesOf(stage, seed));
    const ends = group.map((seed, i) => {
      const { state, made } = stage.store.runs[seed]!,
        { count, to } = rows[i]!;
      if (endOf(state, made) === Infinity) return Infinity;
      return count > 0 ? to[count - 1]! : (lists.runs[seed]?.value ?? null) === null ? made : -1;
    });
    bandOfRows(rows, ends, out);
    return out.count > 0;
  };
  return {
    name,
    title,
    note: (stage) => note(stage) + evaluated(stage.manifest!),
    unit: () => unit,
    scales: logarithmic ? ["log", "linear"] : ["linear"],
    isPositive(stage) {
      let positive = true;
      eachRun(stage, (run) => each(stage, run, (_, v) => (positive &&= v > 0)));
      return positive;
    },
    format: short,
    readout: figure,
    bands: hasSeeds,
    at(stage, run, update) {
      let last = NaN;
      each(stage, run, (u, v) => {
        if (u <= update) last = v;
      });
      return last;
    },
    range(stage, kind) {
      if (asked(stage).includes(probe)) lists.look(stage);
      let low = Infinity,
        high = -Infinity;
      eachRun(stage, (run) =>
        each(stage, run, (_, v) => {
          low = Math.min(low, v);
          high = Math.max(high, v);
        }),
      );
      if (!(high >= low)) return null;
      return name === "cosine" ? [Math.min(0, low - 0.05), 1.05] : roomy(low, high, kind);
    },
    draw(plot, stage) {
      const { ctx, ratio } = plot;
      let points = 0;
      if (name === "cosine") zeroLine(plot);
      for (const group of seedGroups(stage)) {
        const run = furthest(stage, group),
          clock = stage.clocks[run]!,
          { marker, dash, colour } = stage.styles[run]!;
        ctx.strokeStyle = ctx.fillStyle = colour[stage.theme];
        const mark = (count: number, updates: ArrayLike<number>, values: ArrayLike<number>): void => {
          let last = -Infinity;
          for (let i = 0; i < count; i++) {
            const x = plot.x(clock.toAxis(stage.axis, updates[i]!));
            if (x - last < 10 * ratio) continue; // markers that crowd say nothing
            last = x;
            drawMarker(ctx, marker, x, plot.y(values[i]!), 3.5 * ratio);
          }
          points += count;
        };
        if (group.length > 1) {
          bandOf(stage, group, band);
          drawBand(plot, band, group[0]!, clock, stage.axis, dash, 1.25, true);
          drawDrops(plot, band, stage, group, clock);
          mark(band.count, band.update, band.mean);
        } else
          fromBeginning(plot, stage, run, () => {
            const { count, to, last } = valuesOf(stage, run);
            ctx.lineWidth = 1.25 * ratio;
            ctx.setLineDash(dash.map((d) => d * ratio));
            ctx.beginPath();
            for (let i = 0; i < count; i++) ctx.lineTo(plot.x(clock.toAxis(stage.axis, to[i]!)), plot.y(last[i]!));
            ctx.stroke();
            ctx.setLineDash([]);
            mark(count, to, last);
          });
      }
      return points;
    },
    empty(stage) {
      const why = never?.(stage) ?? null;
      if (why !== null) return why;
      if (!asked(stage).includes(probe))
        return tr(
          `This experiment does not measure this. “New experiment…” has it under Probes; in the file: "probes": ["${probe}"].`,
          `此实验没有测量它。可在“新建实验…”的“探测”中选择；文件中写作 "probes": ["${probe}"]。`,
        );
      let error: string | null = null;
      for (const list of lists.runs) error ??= list?.error ?? null;
      return error ?? tr("The first values appear here with the first evaluations.", "第一次评估后，这里会显示数值。");
    },
    sentence: (stage) => ((never?.(stage) ?? null) === null ? undefined : ""),
    leave: () => lists.leave(),
    *table(stage) {
      yield HEADER(stage);
      if (stage.seeds === "band" && hasSeeds(stage)) return yield* bandTable(stage, name, (group, out) => bandOf(stage, group, out));
      for (const { index, id } of stage.manifest!.runs) {
        const rows: (string | number)[][] = [];
        if (!stage.hidden.has(index))
          each(stage, index, (u, v) => rows.push([name, id, u, stage.clocks[index]!.toAxis(stage.axis, u), v, v, v]));
        yield* rows;
      }
    },
  };
}

/** Probes that the experiment's file asks for. */
const asked = (stage: Stage): readonly string[] => (stage.manifest!.spec as { probes?: string[] }).probes ?? [];

const ofSet = (stage: Stage): string => whole(stage.manifest!.evaluation.examples);

export const cosineChart = probeChart({
  name: "cosine",
  value: (point) => point.batchCosine,
  probe: "gradient",
  logarithmic: false,
  title: () => tr("Cosine to the full gradient", "与全梯度的余弦"),
  note: (stage) =>
    tr(
      `next batch's gradient against that of ${ofSet(stage)} examples; 1: same direction`,
      `下一批量的梯度与 ${ofSet(stage)} 个样本的梯度；1 表示方向相同`,
    ),
});

export const sharpnessChart = probeChart({
  name: "sharpness",
  value: (point) => point.sharpness,
  probe: "sharpness",
  logarithmic: true,
  unit: "%",
  title: () => tr("Sharpness", "锐度"),
  note: (stage) =>
    tr(`of Keskar et al. 2017, ε = 10⁻³, over ${ofSet(stage)} examples`, `Keskar 等 2017 的度量，ε = 10⁻³，${ofSet(stage)} 个样本`),
});

/** Of all the set's gradients at once, evaluating: also where the records' estimate from batches is not defined. */
export const noiseProbeChart = probeChart({
  name: "noise-exact",
  value: (point) => point.noiseScale,
  probe: "noise-scale",
  logarithmic: true,
  unit: tr("examples", "样本"),
  title: () => tr("Noise scale, exact", "噪声尺度（精确）"),
  note: (stage) => tr(`tr Σ / |G|² over ${ofSet(stage)} examples`, `tr Σ / |G|²，${ofSet(stage)} 个样本`),
  never: (stage) => (isContrastive(stage.manifest!) ? whyUndefined(stage.manifest!, "noiseScale") : null),
});

export const eigenvalueChart = probeChart({
  name: "eigenvalue",
  value: (point) => point.eigenvalues?.[0],
  probe: "eigenvalues",
  logarithmic: true,
  title: () => tr("Largest Hessian eigenvalue", "海森矩阵最大特征值"),
  note: (stage) => tr(`λ₁ over ${ofSet(stage)} examples`, `λ₁，${ofSet(stage)} 个样本`),
});
