/**
 * The straight line between two runs' ends (Keskar et al. 2017, figure 3): loss on the left axis, accuracy on the right; training solid,
 * test dashed.
 */
import type { Line } from "../../answers.ts";
import { figure, short } from "../../format.ts";
import { tr } from "../../language.ts";
import { evaluated, isContrastive } from "../../mode.ts";
import { PollingRequest } from "../../pollingRequest.ts";
import { Change, type Stage } from "../../stage.ts";
import { el } from "../dom.ts";
import type { Drawing } from "./drawing.ts";
import type { Plot } from "./plot.ts";
import { rounded } from "./series.ts";

/** How often a line between runs that go on is asked for anew. */
const AGAIN_AFTER = 10_000;

/** The chosen ends, else the smallest and the largest batch size. */
function endsOf(stage: Stage): readonly [number, number] | null {
  const { runs } = stage.manifest!;
  const chosen = stage.lineEnds?.map((id) => runs.findIndex((run) => run.id === id)) ?? [];
  if (chosen.length === 2 && chosen.every((run) => run >= 0)) return chosen as unknown as [number, number];
  const bySize = [...runs].sort((a, b) => a.batchSize - b.batchSize);
  const largest = bySize.find((run) => run.batchSize === bySize.at(-1)!.batchSize)!;
  return runs.length < 2 ? null : [bySize[0]!.index, largest === bySize[0] ? bySize.at(-1)!.index : largest.index];
}

export function lineChart(stage: Stage): Drawing {
  const line = new PollingRequest<Line>(() => stage.changed(Change.charts));
  let timer: ReturnType<typeof setTimeout> | undefined;
  const selects = ([0, 1] as const).map((end) =>
    el("select", {
      "aria-label": end === 0 ? tr("Run at t = 0", "t = 0 处的运行") : tr("Run at t = 1", "t = 1 处的运行"),
      onchange: () => choose(),
    }),
  );
  const choose = (): void => stage.setLineEnds(selects.map(({ value }) => value) as [string, string]);
  const root = el("div", { class: "chart-controls" }, selects[0]!, el("span", { class: "quiet" }, "→"), selects[1]!);
  let offered = "";

  function look(): void {
    const ends = endsOf(stage);
    if (ends === null || ends[0] === ends[1]) return line.forget();
    const { generation } = stage.manifest!;
    const running = ends.some((run) => !["finished", "diverged", "stopped", "failed"].includes(stage.store.runs[run]!.state));
    if (running)
      timer ??= setTimeout(() => {
        timer = undefined;
        stage.changed(Change.charts);
      }, AGAIN_AFTER);
    const now = running ? Math.floor(performance.now() / AGAIN_AFTER) : "ended";
    if (line.progress !== null && line.value === null && line.error === null && wantedEnds === ends.join()) return; // let the first come first
    if (wantedEnds !== ends.join()) line.value = null;
    wantedEnds = ends.join();
    line.want(`${generation}/${wantedEnds}/${now}`, (cancel) => stage.remote.line(ends[0], ends[1], cancel), 0);
  }
  let wantedEnds = "";

  const losses = (value: Line): number[] => [...value.train.loss, ...(value.test?.loss ?? [])].filter((v): v is number => v !== null);

  return {
    name: "line",
    title: () => tr("Line between two ends", "两个终点之间的连线"),
    unit: () => "",
    note: (s) =>
      (s.manifest!.data.task === "classification" || isContrastive(s.manifest!)
        ? tr(
            "left axis: loss · right axis, green: accuracy · solid: training, dashed: test",
            "左轴：损失 · 右轴（绿）：准确率 · 实线：训练，虚线：测试",
          )
        : tr("loss · solid: training, dashed: test", "损失 · 实线：训练，虚线：测试")) + evaluated(s.manifest!),
    scales: ["log", "linear"],
    isPositive: () => line.value === null || losses(line.value).every((v) => v > 0),
    format: short,
    readout: figure,
    frame: {
      range: () => (line.value === null ? [-1, 2] : [line.value.t[0]!, line.value.t.at(-1)!]),
      label: () => tr("t, with weights (1 − t)·a + t·b", "t，权重为 (1 − t)·a + t·b"),
      ticks: (_, values) => values.map((value) => short(value)),
    },
    right: {
      range: () => (line.value?.train.accuracy?.some((v) => v !== null) ? [0, 1.02] : null),
      format: (value) => `${Math.round(100 * value)} %`,
    },
    range(_, kind) {
      look();
      const values = line.value === null ? [] : losses(line.value);
      if (values.length === 0) return null;
      const low = Math.min(...values),
        high = Math.max(...values);
      return kind === "log" ? [rounded(low / 1.3, "down"), rounded(high * 1.3, "up")] : [0, 1.1 * high];
    },
    draw(plot, s) {
      const { value } = line;
      if (value === null) return 0;
      const { train, test, t } = value;
      curve(plot, t, train.loss, (v) => plot.y(v), plot.colours.text, false);
      curve(plot, t, test?.loss, (v) => plot.y(v), plot.colours.text, true);
      curve(plot, t, train.accuracy, (v) => plot.rights.at(v), plot.colours.green, false);
      curve(plot, t, test?.accuracy, (v) => plot.rights.at(v), plot.colours.green, true);
      ends(plot, s, value);
      return t.length;
    },
    empty(s) {
      const chosen = endsOf(s);
      if (chosen === null) return tr("A line needs two runs; this experiment has one.", "连线需要两个运行；此实验只有一个。");
      if (chosen[0] === chosen[1]) return tr("Choose two different runs.", "请选择两个不同的运行。");
      return line.error ?? tr("The losses along the line are being computed…", "正在计算连线上的损失…");
    },
    busy: () => line.progress !== null && line.error === null,
    leave() {
      clearTimeout(timer);
      timer = undefined;
      line.leave();
    },
    controls: {
      root,
      show(s) {
        const names = JSON.stringify([s.labels, s.manifest!.runs.map((run) => run.id)]);
        if (names !== offered) {
          offered = names;
          for (const select of selects)
            select.replaceChildren(...s.manifest!.runs.map((run) => el("option", { value: run.id }, s.labels[run.index]!)));
        }
        const chosen = endsOf(s);
        root.hidden = chosen === null;
        selects.forEach((select, i) => {
          const id = chosen === null ? "" : s.manifest!.runs[chosen[i]!]!.id;
          if (select.value !== id) select.value = id;
        });
      },
    },
    sentence(s) {
      const { value } = line,
        chosen = endsOf(s);
      if (value === null || chosen === null) return "";
      const at = (t: number): string => figure(value.train.loss[value.t.findIndex((x) => x >= t - 1e-9)] ?? NaN);
      const middle = value.t
        .map((t, i) => ({ t, loss: value.train.loss[i] }))
        .filter(({ t, loss }) => t > 0 && t < 1 && loss !== null)
        .sort((p, q) => q.loss! - p.loss!)[0];
      const [a, b] = chosen.map((run) => s.labels[run]);
      return tr(
        `Training loss on the line from ${a} (${at(0)}) to ${b} (${at(1)}); in between at most ${figure(middle?.loss ?? NaN)} at t = ${middle?.t.toFixed(2)}.`,
        `从 ${a}（${at(0)}）到 ${b}（${at(1)}）连线上的训练损失；其间最大为 ${figure(middle?.loss ?? NaN)}，在 t = ${middle?.t.toFixed(2)} 处。`,
      );
    },
    *table() {
      yield ["t", "train loss", "train accuracy", "test loss", "test accuracy"];
      const { value } = line;
      for (let i = 0; value !== null && i < value.t.length; i++) {
        const cell = (list: readonly (number | null)[] | null | undefined): number => list?.[i] ?? NaN;
        yield [value.t[i]!, cell(value.train.loss), cell(value.train.accuracy), cell(value.test?.loss), cell(value.test?.accuracy)];
      }
    },
  };
}

function curve(
  plot: Plot,
  t: readonly number[],
  values: readonly (number | null)[] | null | undefined,
  place: (value: number) => number,
  colour: string,
  dashed: boolean,
): void {
  const { ctx, ratio } = plot;
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1.75 * ratio;
  ctx.setLineDash(dashed ? [6 * ratio, 4 * ratio] : []);
  ctx.beginPath();
  let down = false;
  values?.forEach((value, i) => {
    const y = value === null ? NaN : place(value);
    if (Number.isFinite(y)) {
      if (down) ctx.lineTo(plot.x(t[i]!), y);
      else ctx.moveTo(plot.x(t[i]!), y);
    }
    down = Number.isFinite(y);
  });
  ctx.stroke();
  ctx.setLineDash([]);
}

/** Where the two runs are: upright lines in their colours, with their names and how far they had come. */
function ends(plot: Plot, stage: Stage, line: Line): void {
  const { ctx, ratio } = plot;
  ([line.a, line.b] as const).forEach((id, t) => {
    const run = stage.manifest!.runs.findIndex((r) => r.id === id),
      x = plot.x(t);
    if (run < 0) return;
    ctx.strokeStyle = ctx.fillStyle = stage.styles[run]!.colour[stage.theme];
    ctx.lineWidth = 1.5 * ratio;
    ctx.beginPath();
    ctx.moveTo(x, plot.top);
    ctx.lineTo(x, plot.top + plot.height);
    ctx.stroke();
    ctx.font = plot.font;
    ctx.textBaseline = "top";
    ctx.textAlign = t === 0 ? "right" : "left";
    const words = stage.labels[run]!,
      room = (0.56 * words.length * parseFloat(plot.font) + 8 * ratio) * (t === 0 ? -1 : 1);
    const { fillStyle } = ctx;
    ctx.fillStyle = plot.colours.ground;
    ctx.globalAlpha = 0.8;
    ctx.fillRect(Math.min(x, x + room), plot.top, Math.abs(room), 1.3 * parseFloat(plot.font));
    ctx.globalAlpha = 1;
    ctx.fillStyle = fillStyle;
    ctx.fillText(words, x + (t === 0 ? -5 : 5) * ratio, plot.top + 2 * ratio);
  });
}
