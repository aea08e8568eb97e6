/** The selected run: its figures at the playhead, its settings, and what it takes of the machine. Units stand beside numbers, quieter. */
import { figure, percent, short, whole } from "../format.ts";
import { language, tr } from "../language.ts";
import { askForFork } from "../fork.ts";
import { columnIndex, COLUMN, type Manifest, type RunInfo } from "../manifest.ts";
import { evaluated, isContrastive, noNumber, undefinedReading, whyUndefined } from "../mode.ts";
import { inReadersLanguage } from "../serverMessages.ts";
import { Change, type Mount, type Stage } from "../stage.ts";
import { ACTIVATIONS, isSurface, layeredName, layerSizes, optimizerName } from "../titles.ts";
import { BatchSection } from "./batch.ts";
import { el, icon, line, setAttribute, table, type Line, type Reading } from "./dom.ts";
import { foldable } from "./fold.ts";
import { readRecord } from "./record.ts";
import { MemorySection, RooflineSection } from "./resources.ts";
import { setRunColour, swatch } from "./swatch.ts";

const NONE: Reading = ["–", ""];
const EXAMPLES_PER_SECOND = tr("ex/s", "样本/秒");

type Read = (stage: Stage, run: RunInfo, update: number) => Reading;

/** What is read off at the playhead: name, what it means (a column of the record, or words), and the figure. */
const FIGURES: readonly (readonly [name: string, meaning: string | ((manifest: Manifest) => string), read: Read])[] = [
  [tr("update", "更新"), tr("updates made", "已完成的更新次数"), (_, __, update) => [whole(update), ""]],
  [
    tr("epoch", "轮"),
    tr("passes over the training examples", "遍历训练样本的次数"),
    (stage, run, update) => [stage.clocks[run.index]!.toAxis("epochs", update).toFixed(2), ""],
  ],
  [
    tr("examples", "样本"),
    tr("training examples seen, repeats among them", "所见训练样本数，含重复"),
    (stage, run, update) => [whole(stage.clocks[run.index]!.toAxis("examples", update)), ""],
  ],
  [tr("batch loss", "批量损失"), COLUMN.loss, (stage, run, update) => record(stage, run, COLUMN.loss, update)],
  [
    tr("evaluation loss", "评估损失"),
    (m) => tr("mean loss over a fixed part of the training examples", "在固定的一部分训练样本上的平均损失") + evaluated(m),
    (stage, run, update) => evaluation(stage, run, update, 0),
  ],
  [
    tr("test loss", "测试损失"),
    (m) => tr("mean loss over the test examples", "在测试样本上的平均损失") + evaluated(m),
    (stage, run, update) => evaluation(stage, run, update, 1),
  ],
  [
    tr("test accuracy", "测试准确率"),
    (m) =>
      (isContrastive(m)
        ? tr("share of the test pairs whose second view is the most similar to the first", "测试样本对中第二视图与第一视图最相似的比例")
        : tr("share of the test examples that are classified rightly", "测试样本中分类正确的比例")) + evaluated(m),
    (stage, run, update) => evaluation(stage, run, update, 2),
  ],
  [tr("gradient norm", "梯度范数"), COLUMN.gradientNorm, (stage, run, update) => record(stage, run, COLUMN.gradientNorm, update)],
  [tr("noise scale", "噪声尺度"), "noiseScale", (stage, run, update) => record(stage, run, "noiseScale", update)],
  [tr("lane time", "通道时间"), COLUMN.seconds, (stage, run, update) => seconds(stage, run, update)],
  [
    tr("throughput", "吞吐量"),
    tr("examples per processor second of the lane", "通道每处理器秒处理的样本数"),
    (stage, run, update) => throughput(stage, run, update),
  ],
];

const RULES: Readonly<Record<string, string>> = {
  constant: tr("the same for every B", "各 B 相同"),
  linear: "∝ B",
  "square-root": "∝ √B",
};
const REMAINDERS: Readonly<Record<Manifest["remainder"], string>> = {
  keep: tr("kept as a short batch", "保留为短批量"),
  drop: tr("dropped", "丢弃"),
  carry: tr("carried into the next epoch", "并入下一轮"),
  wrap: tr("filled from the epoch's start", "以本轮开头补足"),
  reweight: tr("kept, weighted by its size", "保留，按大小加权"),
};

const SETTINGS: readonly (readonly [string, (manifest: Manifest, run: RunInfo) => Reading, fork?: "batchSize" | "learningRate"])[] = [
  [tr("batch size", "批量大小"), (_, run) => [whole(run.batchSize), tr("examples", "样本")], "batchSize"],
  [
    tr("learning rate", "学习率"),
    ({ spec }, run) =>
      run.learningRate === null ? NONE : [figure(run.learningRate), spec.schedule ? tr("before its schedule", "调度之前") : ""],
    "learningRate",
  ],
  [
    tr("its rule", "学习率规则"),
    ({ spec }) => [
      typeof spec.learningRate === "object"
        ? tr("tuned for each B", "按 B 分别调节")
        : (RULES[spec.learningRateRule ?? "constant"] ?? NONE[0]),
      "",
    ],
  ],
  [tr("schedule", "调度"), ({ spec }) => [sayScheduled(spec.schedule), ""]],
  [
    tr("optimiser", "优化器"),
    ({ spec }, run) => [run.fork?.set["optimizer"] ?? run.fork?.set["optimizer.kind"] ?? optimizerName(spec, language === "zh"), ""],
  ],
  [tr("seed", "随机种子"), (_, run) => [String(run.seed), ""]],
  [
    tr("model", "模型"),
    ({ spec, data }) => [
      isSurface(spec) ? tr("two weights", "两个权重") : (layeredName(spec, language === "zh") ?? layerSizes(spec, data)),
      isSurface(spec) || !spec.model?.hidden?.length ? "" : (ACTIVATIONS[spec.model.activation ?? "relu"] ?? ""),
    ],
  ],
  [tr("parameters", "参数"), (_, run) => [whole(run.parameters), ""]],
  [tr("updates in all", "更新总数"), (_, run) => (run.totalUpdates === null ? NONE : [whole(run.totalUpdates), ""])],
  [tr("per example", "每样本"), (_, run) => [short(run.flopsPerExample), "FLOPs"]],
  [tr("remainder", "余数批量"), (manifest) => [REMAINDERS[manifest.remainder], ""]],
  [tr("train examples", "训练样本"), (manifest) => [whole(manifest.data.trainExamples), ""]],
  [
    tr("test examples", "测试样本"),
    (manifest) => [manifest.data.testExamples > 0 ? whole(manifest.data.testExamples) : tr("none", "无"), ""],
  ],
  [tr("engine", "计算引擎"), (manifest) => [inReadersLanguage(manifest.engine.description), ""]],
  [tr("precision", "精度"), ({ engine }) => [engine.precision, ""]],
  [tr("chosen because", "选择原因"), ({ engine }) => (engine.reason ? [inReadersLanguage(engine.reason), ""] : NONE)],
];

export const mountInspector: Mount = (element, stage) => {
  const name = el("p", { class: "subject" });
  const figures = FIGURES.map(([label]) => line(label));
  const batch = new BatchSection(stage);
  const settings = SETTINGS.map(([label]) => line(label));
  const edits = SETTINGS.flatMap(([, , key], i) => (key === undefined ? [] : [addEdit(settings[i]!, key, stage)]));
  const memory = new MemorySection(),
    roof = new RooflineSection();
  element.append(
    foldable(element, "inspector", "right", stage),
    el(
      "div",
      { class: "panel-body", tabindex: 0, role: "group", "aria-label": tr("Figures of one run", "一个运行的数值") },
      name,
      el("h3", {}, tr("At the playhead", "播放头处")),
      table(figures),
      batch.root,
      el("h3", {}, tr("Settings", "设置")),
      table(settings),
      memory.root,
      roof.root,
    ),
  );
  let subject = "",
    meanings = -1;
  return {
    wants:
      Change.manifest |
      Change.moment |
      Change.data |
      Change.runs |
      Change.axis |
      Change.theme |
      Change.batch |
      Change.detail |
      Change.session,
    draw() {
      const run = stage.stepRun,
        { manifest } = stage;
      if (run === undefined || manifest === null) return;
      const style = stage.styles[run.index]!,
        look = `${manifest.generation} ${run.id} ${style.marker}`;
      if (subject !== look) {
        subject = look;
        const words = run.fork
          ? stage.labels[run.index]!
          : tr(`B = ${run.batchSize} · seed ${run.seed}`, `B = ${run.batchSize} · 种子 ${run.seed}`);
        name.replaceChildren(swatch(style), el("span", { class: "figures" }, words));
      }
      if (meanings !== manifest.generation) {
        meanings = manifest.generation;
        FIGURES.forEach(([, meaning], i) => explain(figures[i]!, meaning, manifest));
      }
      setRunColour(element, style, stage.theme);
      const update = stage.updateAt(run.index);
      batch.show(run, update);
      FIGURES.forEach(([, , read], i) => figures[i]!.show(read(stage, run, update)));
      SETTINGS.forEach(([, read], i) => settings[i]!.show(read(manifest, run)));
      for (const edit of edits) edit.hidden = stage.session.role !== "owner";
      memory.show(run.memory ?? null);
      const clock = stage.clocks[run.index]!,
        time = clock.toAxis("seconds", update);
      const flops = update > 0 ? clock.toAxis("flops", update) / update : 0;
      roof.show(manifest.machine ?? null, flops, run.bytesPerUpdate ?? null, time > 0 ? update / time : 0);
    },
  };
};

/** "Change from here…": a changed setting is a fork at the playhead; whoever has the fork's dialog listens for this. */
function addEdit(to: Line, key: "batchSize" | "learningRate", stage: Stage): HTMLButtonElement {
  const label =
    key === "batchSize"
      ? tr("Change the batch size from here…", "从此处更改批量大小…")
      : tr("Change the learning rate from here…", "从此处更改学习率…");
  const edit = el(
    "button",
    {
      type: "button",
      class: "edit",
      "aria-label": label,
      title: label,
      onclick: () => {
        const run = stage.stepRun;
        if (run === undefined) return;
        const value = key === "batchSize" ? run.batchSize : run.learningRate;
        askForFork(stage, run, { [key]: value ?? "" });
      },
    },
    icon("edit"),
  );
  to.nodes[1].append(edit);
  return edit;
}

/** A figure's tooltip says what it is and in what unit. */
function explain({ nodes }: Line, what: string | ((manifest: Manifest) => string), manifest: Manifest): void {
  const meaning = typeof what === "string" ? what : what(manifest),
    column = manifest.columns.find((c) => c.name === meaning);
  const unit = column?.unit ? tr(`, in ${column.unit}`, `，单位 ${inReadersLanguage(column.unit)}`) : "";
  const text =
    column === undefined
      ? /^[a-z]+[A-Z]?\w*$/.test(meaning)
        ? tr("not recorded here", "此处未记录")
        : meaning
      : (whyUndefined(manifest, meaning) ?? `${tr(column.description, column.chinese.description)}${unit}`);
  for (const node of nodes) setAttribute(node, "title", text);
}

function sayScheduled(schedule: Manifest["spec"]["schedule"]): string {
  const warmup = schedule?.warmup ? tr(`warm-up of ${schedule.warmup.epochs} epochs`, `预热 ${schedule.warmup.epochs} 轮`) : "";
  const kind =
    schedule?.kind === "cosine"
      ? tr("cosine", "余弦")
      : schedule?.kind === "step"
        ? tr(`×${schedule.factor} every ${schedule.everyEpochs} epochs`, `每 ${schedule.everyEpochs} 轮 ×${schedule.factor}`)
        : "";
  return [warmup, kind].filter((part) => part !== "").join(", ") || tr("constant", "恒定");
}

/** A record's value; where only a bucket around it is known, its range; where only an earlier one is, which. */
function record(stage: Stage, run: RunInfo, column: string, update: number): Reading {
  if (whyUndefined(stage.manifest!, column) !== null) return undefinedReading(stage.manifest!);
  if (column === "noiseScale" && stage.clocks[run.index]!.batchSizeAt(update) === 1) return noNumber(stage.manifest!, column, true);
  const known = readRecord(stage, run.index, column, update);
  if (known === null || update === 0) return NONE;
  if (!Number.isFinite(known.min) && Number.isNaN(known.last)) return noNumber(stage.manifest!, column, run.batchSize === 1);
  const unit = inReadersLanguage(stage.manifest!.columns[columnIndex(stage.manifest!, column)]!.unit);
  const at = known.to < update ? tr(`at update ${whole(known.to)}`, `第 ${whole(known.to)} 次更新`) : "";
  const low = figure(known.min, 2),
    high = figure(known.max, 2);
  return [known.to - known.from === 1 ? figure(known.last) : low === high ? low : `${low}–${high}`, [unit, at].filter(Boolean).join(" ")];
}

function evaluation(stage: Stage, run: RunInfo, update: number, k: number): Reading {
  const { evaluations } = stage.store.runs[run.index]!;
  const i = evaluations.indexAt(update);
  const value = i < 0 ? NaN : evaluations.value(i, k);
  if (i < 0 || (Number.isNaN(value) && k > 0)) return NONE;
  if (k === 2) return [percent(value, 1).replace(" %", ""), "%"];
  return [figure(value), stage.manifest!.columns[columnIndex(stage.manifest!, COLUMN.loss)]?.unit ?? ""];
}

function seconds(stage: Stage, run: RunInfo, update: number): Reading {
  const clock = stage.clocks[run.index]!;
  return clock.measured > 0 ? [figure(clock.toAxis("seconds", update)), "s"] : NONE;
}

function throughput(stage: Stage, run: RunInfo, update: number): Reading {
  const clock = stage.clocks[run.index]!;
  const time = clock.toAxis("seconds", update);
  return time > 0 ? [short(clock.toAxis("examples", update) / time), EXAMPLES_PER_SECOND] : NONE;
}
