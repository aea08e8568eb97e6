/**
 * "This batch": the update at which the playhead stands, recomputed; its figures and its examples, drawn. It loads by itself while it is
 * unfolded.
 */
import type { Example, Examples, Points } from "../answers.ts";
import { BatchLoader, type Batch, type BatchView } from "../batch.ts";
import { askForFork } from "../fork.ts";
import { figure, percent, whole } from "../format.ts";
import { tr } from "../language.ts";
import type { RunInfo } from "../manifest.ts";
import { evaluated, isContrastive, noNumber, ofOne, undefinedReading, whyUndefined } from "../mode.ts";
import { PollingRequest } from "../pollingRequest.ts";
import { inReadersLanguage } from "../serverMessages.ts";
import { Change, type Stage } from "../stage.ts";
import { resolved } from "./chart.ts";
import { el, icon, line, setAttribute, setText, table, type Reading } from "./dom.ts";
import { drawImage, Scatter, targetOf } from "./examples.ts";

/** Columns of the record that are worth a line, in few words. */
const COLUMNS = [
  ["loss", tr("batch loss", "批量损失")],
  ["gradientNorm", tr("gradient norm", "梯度范数")],
  ["updateNorm", tr("update norm", "更新范数")],
  ["learningRate", tr("learning rate", "学习率")],
  ["noiseScale", tr("noise scale", "噪声尺度")],
] as const;
/** Shown at first, and at most: as many as the server hands out at once. */
const FEW = 8,
  MOST = 64;
const NONE: Reading = [tr("not defined", "无定义"), ""];

export class BatchSection {
  readonly root = el("section", { class: "batch", "aria-label": tr("This batch", "本批量") });
  private readonly toggle = el(
    "button",
    { type: "button", class: "plain", "aria-controls": "batch-body", onclick: () => this.stage.setBatchOpen(!this.stage.batchOpen) },
    tr("This batch", "本批量"),
  );
  private readonly body = el("div", { id: "batch-body" });
  private readonly sentence = el("p", { class: "quiet figures", role: "status" });
  private readonly short = el("p", { class: "short figures" });
  private readonly bar = el("progress", { max: 1, "aria-label": tr("Recomputing this batch", "正在重新计算本批量") });
  private readonly details = el("div");
  private readonly fork: HTMLButtonElement;
  private readonly loader: BatchLoader;
  private readonly looks: PollingRequest<Examples>;
  private readonly points: PollingRequest<Points>;
  private readonly scatter = new Scatter();
  private run: RunInfo | null = null;
  private shown: BatchView | null = null;
  /** What the details were made of. */
  private madeOf = "";
  private all = false;

  constructor(private readonly stage: Stage) {
    const news = (): void => stage.changed(Change.batch);
    this.loader = new BatchLoader((run, update, cancel) => stage.remote.batch(run, update, cancel), news);
    this.looks = new PollingRequest<Examples>(news);
    this.points = new PollingRequest<Points>(news);
    this.fork = el(
      "button",
      {
        type: "button",
        class: "fork-here",
        title: tr(
          "Go on from these weights as a new run, with another batch size, learning rate or optimiser",
          "从这些权重以另一批量大小、学习率或优化器作为新运行继续",
        ),
        onclick: () => this.run && askForFork(stage, this.run),
      },
      icon("fork"),
      tr("Fork here…", "在此分叉…"),
    );
    this.body.append(this.sentence, this.bar, this.short, this.details, this.fork);
    this.root.append(el("h3", {}, this.toggle), this.body);
  }

  /** The run that the inspector shows, and its update at the playhead. */
  show(run: RunInfo, update: number): void {
    const { stage, loader } = this;
    this.run = run;
    if (this.asked !== stage.batchAsked) {
      this.asked = stage.batchAsked;
      this.body.hidden = false;
      this.root.scrollIntoView({ block: "start", inline: "start" });
    }
    setAttribute(this.toggle, "aria-expanded", String(stage.batchOpen));
    this.body.hidden = !stage.batchOpen;
    this.fork.hidden = stage.session.role !== "owner" || stage.connection === "offline";
    if (stage.batchOpen && stage.standsStill && update >= 1 && update <= stage.store.runs[run.index]!.made)
      loader.look(stage.manifest!.generation, run.index, update);
    else loader.leave();
    const { view } = loader;
    if (view.kind === "nothing")
      setText(
        this.sentence,
        update < 1
          ? tr("Before the first update there is no batch.", "第一次更新之前没有批量。")
          : tr("Pause at an update to see its batch.", "停在某次更新处即可查看其批量。"),
      );
    if (view.kind === "shown") this.showDetails(view.batch);
    if (view === this.shown) return;
    this.shown = view;
    if (view.kind === "progress" || view.kind === "refused") setText(this.sentence, say(view));
    else if (view.kind === "shown") setText(this.sentence, origin(view.batch, stage.manifest!.engine.bitExact));
    this.bar.hidden = view.kind !== "progress";
    if (view.kind === "progress") this.bar.value = view.progress;
    // While the next batch is on its way the last one stays, fainter: nothing jumps as one steps along.
    const waiting = view.kind === "waiting" || view.kind === "progress";
    this.root.toggleAttribute("data-waiting", waiting);
    if (view.kind === "shown" || waiting) return;
    this.details.replaceChildren();
    this.short.hidden = true;
    this.madeOf = "";
    this.looks.leave();
  }

  /** Made anew only for another batch, its pictures, or more of it. */
  private showDetails(batch: Batch): void {
    const { stage, looks, points } = this,
      { generation, data } = stage.manifest!;
    const most = (
        isContrastive(stage.manifest!) ? batch.examples : [...batch.examples].sort((a, b) => (b.loss ?? Infinity) - (a.loss ?? Infinity))
      ).slice(0, MOST),
      sorted = most.slice(0, this.all ? MOST : FEW);
    // As points all of them are drawn at once, as pictures only those in the table.
    const ids = [...new Set((data.inputs === 2 ? most : sorted).map(({ index }) => index))],
      key = `${generation}/${ids.join("+")}`;
    looks.want(key, (cancel) => stage.remote.examples("train", ids, cancel), 0);
    if (data.inputs === 2 && data.task !== "surface") points.want(`${generation}`, (cancel) => stage.remote.points("train", cancel), 0);
    const drawn = looks.of === key ? looks.value : null;
    const made = `${generation}/${batch.run}/${batch.update}/${key}/${this.all}/${drawn !== null}/${looks.error ?? ""}`;
    if (made !== this.madeOf) {
      this.madeOf = made;
      this.short.hidden = !batch.remainder;
      const { length } = batch.examples,
        wanted = this.wanted(batch);
      if (batch.remainder)
        setText(
          this.short,
          tr(
            `Short batch: ${whole(length)} of ${whole(wanted)}, the remainder of epoch ${whole(batch.epoch)}.`,
            `短批量：${whole(wanted)} 个中的 ${whole(length)} 个，第 ${whole(batch.epoch)} 轮的余数。`,
          ),
        );
      this.details.replaceChildren(
        this.figures(batch),
        ...(drawn?.inputs === 2 && drawn.image === null && points.value !== null ? [this.scatter.root] : []),
        this.examples(batch, sorted, drawn),
      );
    }
    if (drawn?.inputs === 2 && drawn.image === null && points.value !== null && this.drawnPoints !== `${made}/${stage.theme}`) {
      if (!this.scatter.root.isConnected) this.details.children[0]!.after(this.scatter.root);
      this.drawnPoints = `${made}/${stage.theme}`;
      this.mark(-1);
    }
  }

  /** What the batch would have were it not the remainder. */
  private wanted(batch: Batch): number {
    const run = this.stage.manifest!.runs.find(({ id }) => id === batch.run);
    return run === undefined ? batch.batchSize : this.stage.clocks[run.index]!.batchSizeAt(batch.update);
  }

  private asked = 0;
  private drawnPoints = "";

  /** The example that is pointed at, among the points. */
  private mark(index: number): void {
    const { stage, looks, points } = this;
    if (looks.value === null || points.value === null || !this.scatter.root.isConnected) return;
    this.scatter.draw(
      points.value,
      looks.value,
      stage.theme,
      { text: resolved("--text", this.root), ground: resolved("--panel", this.root) },
      index,
    );
  }

  private figures(batch: Batch): HTMLElement {
    const manifest = this.stage.manifest!,
      { columns } = manifest,
      { full } = batch,
      wanted = this.wanted(batch),
      mode = evaluated(manifest);
    const lines: [string, Reading, string?][] = [
      [tr("update", "更新"), [whole(batch.update), ""]],
      [tr("epoch", "轮"), [whole(batch.epoch), ""], tr("In which the batch begins, counted from 1", "批量开始于第几轮，从 1 计")],
      [tr("examples", "样本"), [whole(batch.examples.length), batch.remainder ? tr(`of ${whole(wanted)}`, `/ ${whole(wanted)}`) : ""]],
    ];
    for (const [name, label] of COLUMNS) {
      const column = columns.find((c) => c.name === name);
      if (column === undefined || !(name in batch.record)) continue;
      const value = batch.record[name],
        why = whyUndefined(manifest, name);
      lines.push([
        label,
        why !== null
          ? undefinedReading(manifest)
          : value == null
            ? noNumber(manifest, name, batch.examples.length === 1)
            : [figure(value, 4), inReadersLanguage(column.unit)],
        why ?? tr(column.description, column.chinese.description),
      ]);
    }
    if (full) {
      const what = tr(
        `Between the gradient of this batch and that of the mean loss over all ${whole(full.examples)} training examples, at the weights before the update${mode}`,
        `本批量的梯度与全部 ${whole(full.examples)} 个训练样本平均损失的梯度之间，取更新前的权重${mode}`,
      );
      lines.push(
        [tr("angle to full", "与全梯度夹角"), full.degrees === null ? NONE : [`${full.degrees.toFixed(1)}°`, ""], what],
        [tr("cosine to full", "与全梯度余弦"), full.cosine === null ? NONE : [figure(full.cosine), ""], what],
      );
      lines.push([
        tr("norm of full", "全梯度范数"),
        full.norm === null ? NONE : [figure(full.norm, 4), ""],
        tr(
          `Of the mean loss over all ${whole(full.examples)} training examples${mode}`,
          `全部 ${whole(full.examples)} 个训练样本的平均损失${mode}`,
        ),
      ]);
    }
    return table(
      lines.map(([label, reading, meaning]) => {
        const l = line(label);
        l.show(reading);
        if (meaning) for (const node of l.nodes) node.title = meaning;
        return l;
      }),
    );
  }

  private examples({ examples }: Batch, sorted: Batch["examples"], drawn: Examples | null): HTMLElement {
    const manifest = this.stage.manifest!,
      unit = inReadersLanguage(manifest.columns.find((c) => c.name === "loss")?.unit ?? "");
    const looks = new Map<number, Example>((drawn?.examples ?? []).map((example) => [example.index, example]));
    const pictured = drawn?.image != null,
      labelled = drawn?.examples.some(({ target }) => target !== null) === true;
    const loss = unit === "" ? tr("loss", "损失") : tr(`loss, ${unit}`, `损失，${unit}`);
    const target = drawn?.classes != null ? tr("label", "标签") : tr("target", "目标");
    // Those of a contrastive loss have neither losses nor gradients of their own.
    const apart = !isContrastive(manifest),
      mode = evaluated(manifest);
    const heads = [tr("example", "样本"), ...(labelled ? [target] : []), ...(apart ? [loss, tr("gradient norm", "梯度范数")] : [])].map(
      (text) => el("th", { scope: "col" }, text),
    );
    const rows = sorted.map((e) => {
      const look = looks.get(e.index),
        picture = pictured && look ? [drawImage(look, drawn)] : [];
      const title = !apart
        ? ""
        : tr(
            `Example ${whole(e.index)}: loss ${finite(e.loss, 6)} ${unit}, gradient norm ${finite(e.gradientNorm, 6)}`,
            `样本 ${whole(e.index)}：损失 ${finite(e.loss, 6)} ${unit}，梯度范数 ${finite(e.gradientNorm, 6)}`,
          );
      return el(
        "tr",
        { title, onpointerenter: () => this.mark(e.index), onpointerleave: () => this.mark(-1) },
        el("th", { scope: "row" }, ...picture, whole(e.index)),
        ...(labelled ? [el("td", {}, look ? targetOf(look) : "")] : []),
        ...(apart ? [el("td", {}, finite(e.loss)), el("td", {}, finite(e.gradientNorm))] : []),
      );
    });
    const shown = Math.min(examples.length, this.all ? MOST : FEW),
      rest = examples.length - shown;
    const most = Math.min(MOST, examples.length);
    const more = el(
      "button",
      {
        type: "button",
        hidden: examples.length <= FEW,
        "aria-expanded": String(this.all),
        onclick: () => {
          this.all = !this.all;
          this.stage.changed(Change.batch);
        },
      },
      this.all
        ? tr("Show fewer", "收起")
        : most === examples.length
          ? tr(`Show all ${whole(most)}`, `显示全部 ${whole(most)} 个`)
          : tr(`Show ${whole(most)} of ${whole(examples.length)}`, `显示 ${whole(examples.length)} 个中的 ${whole(most)} 个`),
    );
    return el(
      "div",
      { class: pictured ? "examples pictured" : "examples" },
      el(
        "table",
        { class: "figures" },
        el(
          "caption",
          { class: "quiet" },
          apart ? tr(`Its examples${mode}, largest loss first`, `其样本${mode}，损失从大到小`) : tr("Its examples", "其样本"),
        ),
        el("thead", {}, el("tr", {}, ...heads)),
        el("tbody", {}, ...rows),
      ),
      el("p", { class: "quiet", hidden: apart }, whyUndefined(manifest, "exampleNormMean") ?? ""),
      el("p", { class: "quiet", hidden: examples.length > 1 || ofOne(manifest) === "" }, ofOne(manifest)),
      el("p", { class: "quiet figures", hidden: rest === 0 || !this.all }, tr(`… ${whole(rest)} more`, `……另有 ${whole(rest)} 个`)),
      more,
      el("p", { class: "quiet", hidden: this.looks.error === null || this.looks.of !== "" }, this.looks.error ?? ""),
    );
  }
}

const finite = (value: number | null, digits = 3): string => (value === null ? tr("not finite", "非有限值") : figure(value, digits));

function say(view: BatchView & { kind: "progress" | "refused" }): string {
  return view.kind === "refused"
    ? view.error
    : tr(
        `Recomputing ${whole(view.updates)} updates, ${percent(view.progress, 0)}`,
        `正在重新计算 ${whole(view.updates)} 次更新，${percent(view.progress, 0)}`,
      );
}

/** Where these figures come from, and whether they are what was recorded. */
function origin({ recorded, deviation, updatesReplayed }: Batch, bitExact: boolean): string {
  const replayed = tr(
    `${whole(updatesReplayed)} ${updatesReplayed === 1 ? "update" : "updates"} replayed`,
    `重放了 ${whole(updatesReplayed)} 次更新`,
  );
  if (!recorded) return `${replayed}${tr("; only coarser buckets of it were kept.", "；只保留了较粗的汇总。")}`;
  if (deviation === 0) return `${replayed}${tr(": the same bits as recorded.", "：与录制逐位相同。")}`;
  const off =
    deviation === null
      ? tr("it differs from what was recorded", "与录制不同")
      : tr(`up to ${figure(deviation)} off what was recorded`, `与录制最多相差 ${figure(deviation)}`);
  return `${replayed}${tr(": ", "：")}${off}${bitExact ? "" : tr(", as on this engine it may be", "，此引擎上属正常")}${tr(".", "。")}`;
}
