/**
 * Words on the picture in Chinese: what is held equal and what differs, from the experiment file as BatchViz.Core/Specs/Titles.cs has it in
 * English. Pure.
 */
import { tr } from "./language.ts";
import type { Manifest, Spec } from "./manifest.ts";

export const titleOf = (manifest: Manifest): string => tr(manifest.title, titleInChinese(manifest.name, manifest.spec, manifest.data));

export function titleInChinese(name: string, spec: Spec, data: Pick<Manifest["data"], "inputs" | "outputs">): string {
  return [
    name,
    modelInChinese(spec, data),
    optimizerName(spec),
    rule(spec),
    schedule(spec),
    warmup(spec),
    growth(spec),
    hard(spec),
    workers(spec),
    budget(spec),
  ]
    .filter((part) => part !== "")
    .join("，");
}

export const ACTIVATIONS: Readonly<Record<string, string>> = { relu: "ReLU", gelu: "GELU", tanh: "tanh", sigmoid: "sigmoid" };

const SURFACES: readonly string[] = ["double-well", "saddle", "beale"];
export const isSurface = ({ model, data }: Spec): boolean => model?.kind === "surface" || SURFACES.includes(data?.kind ?? "");

/** The widths of all layers, as in 784-128-64-10; of two classes a logistic loss needs one output. */
export const layerSizes = ({ model, loss }: Spec, { inputs, outputs }: Pick<Manifest["data"], "inputs" | "outputs">): string =>
  [inputs, ...(model?.hidden ?? []), loss === "logistic" ? 1 : outputs].join("-");

const PRESETS: Readonly<Record<string, readonly [string, string]>> = {
  "mlp-batchnorm": ["MLP with BatchNorm", "带 BatchNorm 的 MLP"],
  lenet: ["LeNet-like CNN", "LeNet 式卷积网络"],
  "resnet-small": ["small residual CNN", "小型残差卷积网络"],
  "mobilenet-small": ["small MobileNet-like CNN", "小型 MobileNet 式卷积网络"],
  "two-tower": ["two-tower net", "双塔网络"],
};

/** A model of layers by its name, or by what is in it; null: a model of another kind. */
export function layeredName({ model }: Spec, inChinese: boolean): string | null {
  const pick = ([english, chinese]: readonly [string, string]): string => (inChinese ? chinese : english);
  if (model?.preset !== undefined) return pick(PRESETS[model.preset] ?? [model.preset, model.preset]);
  if (model?.kind !== "layers") return null;
  if (model.towers === 2) return pick(PRESETS["two-tower"]!);
  return pick(model.layers?.some((layer) => layer.kind === "conv2d") ? ["CNN", "卷积网络"] : ["net of layers", "多层网络"]);
}

function modelInChinese(spec: Spec, data: Pick<Manifest["data"], "inputs" | "outputs">): string {
  if (isSurface(spec)) return "两个权重";
  const layered = layeredName(spec, true);
  if (layered !== null)
    return layered + (spec.loss === "info-nce" ? "，InfoNCE" : spec.loss === "sigmoid-contrastive" ? "，样本对的 sigmoid 损失" : "");
  const sizes = layerSizes(spec, data);
  if ((spec.model?.hidden ?? []).length === 0) return `线性模型 ${sizes}`;
  const activation = spec.model?.activation ?? "relu";
  return `MLP ${sizes}，${ACTIVATIONS[activation] ?? "线性激活"}`;
}

/** The optimiser's own name, which is the same in both languages but for momentum. */
export function optimizerName({ optimizer }: Spec, inChinese = true): string {
  const momentum = plain(optimizer?.momentum ?? 0.9);
  switch (optimizer?.kind ?? "sgd") {
    case "sgd":
      return "SGD";
    case "momentum":
      return `${inChinese ? "动量" : "momentum"} ${momentum}`;
    case "nesterov":
      return `Nesterov ${momentum}`;
    case "adagrad":
      return "AdaGrad";
    case "adadelta":
      return "AdaDelta";
    case "rmsprop":
      return "RMSprop";
    case "adamw":
      return "AdamW";
    case "lars":
      return "LARS";
    case "lbfgs":
      return `L-BFGS${inChinese ? "，" : ", "}${searchName(optimizer?.lineSearch, inChinese)}`;
    case "conjugate-gradient":
      return `${inChinese ? "共轭梯度，" : "conjugate gradients, "}${searchName(optimizer?.lineSearch, inChinese)}`;
    default:
      return "Adam";
  }
}

function searchName(search: string | undefined, inChinese: boolean): string {
  switch (search) {
    case "none":
      return inChinese ? "无线搜索" : "no line search";
    case "backtracking":
      return inChinese ? "回溯" : "backtracking";
    default:
      return inChinese ? "强 Wolfe" : "strong Wolfe";
  }
}

function rule({ learningRate, learningRateRule }: Spec): string {
  if (typeof learningRate === "object") return "学习率按 B 分别调节";
  switch (learningRateRule ?? "constant") {
    case "linear":
      return "学习率 ∝ B";
    case "square-root":
      return "学习率 ∝ √B";
    default:
      return `各 B 的学习率均为 ${plain(learningRate ?? 0)}`;
  }
}

function schedule({ schedule: given }: Spec): string {
  if (given?.kind === "step") return `${every(given.everyEpochs ?? 1)} ×${plain(given.factor ?? 0)}`;
  return given?.kind === "cosine" ? "余弦调度" : "";
}

const warmup = ({ schedule: given }: Spec): string =>
  given?.warmup ? `${given.warmup.kind === "constant" ? "恒定预热" : "预热"} ${plain(given.warmup.epochs ?? 0)} 轮` : "";

const hard = ({ sampler }: Spec): string => (sampler?.hard ? `每 ${sampler.hard.pool} 个取最难的` : "");

function workers({ workers: given }: Spec): string {
  if (!given) return "";
  return given.mode === "asynchronous"
    ? `${given.count} 个工作者，梯度滞后 ${given.staleness ?? given.count - 1} 次更新`
    : `${given.count} 个同步工作者`;
}

const growth = ({ batchSchedule }: Spec): string =>
  batchSchedule ? `B ${every(batchSchedule.everyEpochs ?? 1)} ×${plain(batchSchedule.factor ?? 0)}` : "";

const every = (epochs: number): string => (epochs === 1 ? "每轮" : `每 ${epochs} 轮`);

function budget({ budget: held }: Spec): string {
  if (held?.epochs !== undefined) return "轮数相同";
  if (held?.updates !== undefined) return "更新次数相同";
  return held?.examples !== undefined ? "样本数相同" : "通道秒数相同";
}

/** Six digits behind the point at most, as the server writes them. */
const plain = (value: number): string => String(Number(value.toFixed(6)));
