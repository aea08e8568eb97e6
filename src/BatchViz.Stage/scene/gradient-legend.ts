/** What the arrows and the ellipse on the slice are, and how long a gradient is drawn. */
import { figure, percent, short, whole } from "../format.ts";
import { tr } from "../language.ts";
import { evaluation, whyUndefined } from "../mode.ts";
import type { Moments, Projected } from "../moments.ts";
import { el, setText, svg } from "../panels/dom.ts";
import type { Stage } from "../stage.ts";
import { FULL_INK, type Gradients } from "./gradients.ts";

const SHAPES = { arrow: "M1 8h20M15.500 3.500 21 8l-5.500 4.500", ellipse: "M2 8a10 5.500 0 1 0 20 0a10 5.500 0 1 0 -20 0z" } as const;

export class GradientLegend {
  readonly root = el("div", { class: "gradient-legend figures", hidden: true });
  private readonly rows = (["arrow", "arrow", "ellipse"] as const).map((shape) => {
    const mark = svg(
      "svg",
      { viewBox: "0 0 24 16", class: "swatch", "aria-hidden": "true" },
      svg("path", { d: SHAPES[shape], class: "stroke" }),
    );
    const text = el("span", {}),
      size = el("small", {});
    return { mark, text, size, row: el("p", {}, mark, el("span", {}, text, size)) };
  });
  private readonly scale = el("p", { class: "quiet" });
  private readonly sentence = el("p", { class: "quiet", role: "status" });
  private shown = "";

  constructor() {
    this.root.append(...this.rows.map(({ row }) => row), this.scale, this.sentence);
  }

  write(stage: Stage, gradients: Gradients): void {
    const views = gradients.runs.map((run) => gradients.loader.view(run));
    this.root.hidden = gradients.runs.length === 0;
    if (this.root.hidden) return;
    const key = `${stage.theme}/${gradients.runs.join()}/${views.map((v) => (v?.kind === "shown" ? v.moments.run + v.moments.update : v?.kind === "progress" ? v.progress : v?.kind)).join()}/${gradients.scale}`;
    if (key === this.shown) return;
    this.shown = key;
    const known = gradients.runs.map((run) => gradients.momentsOf(run)).filter((m) => m !== null);
    const one = gradients.runs.length === 1 ? known[0] : undefined;
    const single =
      known.length === 1 ? stage.styles[gradients.runs.find((run) => gradients.momentsOf(run) !== null)!]!.colour[stage.theme] : "";
    for (const { row } of this.rows) row.hidden = known.length === 0;
    this.rows.forEach(({ mark }, i) => mark.style.setProperty("--run", i === 1 ? FULL_INK[stage.theme] : single || "var(--quiet)"));
    const [batch, full, noise] = this.rows.map(({ text }) => text) as [HTMLElement, HTMLElement, HTMLElement];
    const first = known[0];
    if (first) {
      setText(batch, batchText(one));
      setText(this.rows[0]!.size, size(one?.batch));
      setText(full, tr(`−gradient over all ${whole(first.full.examples)} examples`, `全部 ${whole(first.full.examples)} 个样本上的负梯度`));
      setText(this.rows[1]!.size, size(one?.full));
      setText(noise, tr("1 σ of a batch's gradient (Σ/B), around the full one", "批量梯度的 1 σ（Σ/B），以全梯度为中心"));
      this.rows[0]!.row.hidden = known.every(({ batch }) => batch === null);
      this.rows[2]!.row.hidden = known.every(({ covariance }) => covariance === null);
      this.rows[2]!.row.title = tr(
        "Covariance of single examples' gradients, projected on the plane, divided by the batch size and corrected for drawing without replacement",
        "单个样本梯度的协方差投影到平面上，除以批量大小，并按不放回抽样修正",
      );
    }
    this.scale.hidden = known.length === 0;
    const mode = evaluation(stage.manifest!),
      scatterless =
        known.length > 0 && known.every(({ covariance }) => covariance === null) ? whyUndefined(stage.manifest!, "gradientVariance") : null;
    const angle =
      one?.cosine == null
        ? ""
        : tr(` · ${figure(degrees(one.cosine))}° apart in weight space`, ` · 在权重空间中相差 ${figure(degrees(one.cosine))}°`);
    setText(
      this.scale,
      tr(
        `one scale for all: a gradient of 1 is ${short(gradients.scale)} long on the plane`,
        `统一比例：梯度 1 在平面上长 ${short(gradients.scale)}`,
      ) +
        angle +
        (mode === "" ? "" : ` · ${mode}`),
    );
    const refused = views.find((v) => v?.kind === "refused"),
      progress = views.find((v) => v?.kind === "progress");
    const text =
      refused?.kind === "refused"
        ? refused.error
        : progress?.kind === "progress"
          ? tr(`Recomputing the gradients, ${percent(progress.progress, 0)}`, `正在重新计算梯度，${percent(progress.progress, 0)}`)
          : views.some((v) => v?.kind === "waiting")
            ? tr("Gradients at the playhead…", "播放头处的梯度…")
            : scatterless === null
              ? ""
              : tr(
                  `1 σ of a batch's gradient is ${scatterless.charAt(0).toLowerCase()}${scatterless.slice(1)}`,
                  `批量梯度的 1 σ ${scatterless}`,
                );
    setText(this.sentence, text);
    this.sentence.hidden = text === "";
  }
}

function batchText(one: Moments | undefined): string {
  if (one?.nextBatchSize == null) return tr("−gradient of the next batch, in the run's colour", "下一批的负梯度（运行的颜色）");
  return tr(`−gradient of the next batch, B = ${one.nextBatchSize}`, `下一批的负梯度，B = ${one.nextBatchSize}`);
}

/** Most of a gradient points out of the plane: how much of it the arrow shows. */
const size = (gradient: Projected | null | undefined): string =>
  gradient == null
    ? ""
    : tr(
        `: norm ${figure(gradient.norm)}, ${figure(Math.hypot(gradient.x, gradient.y))} of it in the plane`,
        `：范数 ${figure(gradient.norm)}，其中平面内 ${figure(Math.hypot(gradient.x, gradient.y))}`,
      );

const degrees = (cosine: number): number => (Math.acos(Math.min(1, Math.max(-1, cosine))) * 180) / Math.PI;
