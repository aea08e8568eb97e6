/**
 * What the server says in sentences of its own (run messages, damages of a recording, problems, planes, columns), in Chinese. The
 * recording keeps them in English, so they are put into the reader's language here; figures in them keep their format. Pure.
 * serverMessages.test.ts reads the C# sources and asks for every one of them.
 */
import { tr } from "./language.ts";

/** As it came, or in Chinese; what is unknown (a file system's own words) stays as it is. */
export const inReadersLanguage = (sentence: string): string => tr(sentence, inChinese(sentence) ?? sentence);

/** Fixed words: why a file of a recording cannot be read on, and the words of columns. */
const FIXED: Readonly<Record<string, string>> = {
  // Damages
  "it is empty": "文件为空",
  "it belongs to another recording": "属于另一个录制",
  "it belongs to another run": "属于另一个运行",
  "it belongs to other runs": "属于其他运行",
  "it belongs to several runs": "属于多个运行",
  "it names no run": "未注明所属的运行",
  "its names cannot be read": "其中的名称无法读取",
  "its end is of another run": "其结尾属于另一个运行",
  "its batches are of other sizes than this run's": "其中的批量大小与此运行不同",
  "it is no keyframe": "不是关键帧",
  "it is no keyframe of this run": "不是此运行的关键帧",
  "a log begins with something else": "日志的开头不正确",
  "its version is another one": "版本不符",
  "its records are of another run": "其中的记录属于另一个运行",
  "it says more than there is to say": "内容超出应有的长度",
  "a probe cannot be read": "有一次探测无法读取",
  "a state cannot be read": "有一个状态无法读取",
  "a block is of no known kind": "有一个块的类型未知",
  "records are cut short": "记录不完整",
  "records are missing before it": "之前的记录缺失",
  "a run has no so many records": "记录数超过运行可能的数目",
  "buckets are cut short": "汇总桶不完整",
  "a bucket cannot be read": "有一个汇总桶无法读取",
  "evaluations are cut short": "评估结果不完整",
  "evaluations are out of order": "评估结果的次序错误",
  "a timing cannot be read": "有一个计时无法读取",
  "the header of a block is cut short": "块的头部不完整",
  "no block begins there": "该处不是块的开头",
  "the header of a block is damaged": "块的头部已损坏",
  "a block is out of order": "块的次序错误",
  "a block is cut short": "块不完整",
  "a block is damaged": "块已损坏",
  // Columns and what they mean
  "batch loss": "批量损失",
  "mean loss of the update's batch, before the update": "更新前本次批量上的平均损失",
  "gradient norm": "梯度范数",
  "Euclidean norm of the batch gradient, without weight decay": "批量梯度的欧几里得范数，不含权重衰减",
  "update norm": "更新范数",
  "Euclidean norm of the change of the weights": "权重变化量的欧几里得范数",
  "learning rate": "学习率",
  "η of this update": "本次更新的 η",
  "update-to-weight ratio": "更新与权重之比",
  "norm of the change of the weights over their norm before it": "权重变化量的范数除以更新前权重的范数",
  "mean norm of an example's gradient": "单样本梯度范数的均值",
  "mean of the Euclidean norms of the gradients of the batch's examples": "批量中各样本梯度的欧几里得范数的平均值",
  "smallest norm of an example's gradient": "单样本梯度范数的最小值",
  "smallest Euclidean norm of the gradients of the batch's examples": "批量中各样本梯度的欧几里得范数的最小值",
  "largest norm of an example's gradient": "单样本梯度范数的最大值",
  "largest Euclidean norm of the gradients of the batch's examples": "批量中各样本梯度的欧几里得范数的最大值",
  "FLOPs so far": "累计 FLOPs",
  "floating-point operations of all forward and backward passes of the run so far": "此运行至今所有前向与反向计算的浮点运算数",
  "step length": "步长",
  "step along the direction, as a multiple of it; 0 where the weights were left alone": "沿搜索方向的步长（方向的倍数）；0 表示权重未变",
  "gradients of the batch": "批量梯度次数",
  "times that the update took the batch forward and backward": "本次更新对该批量作前向加反向计算的次数",
  "forward passes of the batch": "批量前向次数",
  "times that the update took the batch forward only": "本次更新对该批量只作前向计算的次数",
  "pairs left out or restarts": "略去的曲率对或重启",
  "curvature pairs left out so far (L-BFGS), or restarts (conjugate gradients)": "至今略去的曲率对数（L-BFGS）或重启次数（共轭梯度）",
  "failed searches": "失败的线搜索",
  "line searches so far that gave way to a small step down the gradient": "至今失败并改走一小步最速下降的线搜索次数",
  "batch size": "批量大小",
  examples: "样本",
  "examples in this update's batch": "本次更新的批量所含样本数",
  "gradient variance": "梯度方差",
  "tr Σ of the gradients of single examples, estimated without bias from the batch; undefined for one example":
    "单样本梯度的 tr Σ，由批量作无偏估计；只有一个样本时无定义",
  "gradient noise scale": "梯度噪声尺度",
  "lane seconds": "通道秒数",
  "processor seconds of the run's lane so far, on a shared machine": "此运行所在通道至今所用的处理器秒数，机器为共享",
  // Planes
  "the loss over both weights": "两个权重上的损失",
  "principal components of the run's weights": "该运行权重的主成分",
  "two random directions, filter-normalised": "两个随机方向，按滤波器归一化",
  // Whole sentences
  "The experiment failed.": "实验失败。",
  "The recording ends here.": "录制到此为止。",
};

type Rule = readonly [RegExp, (...parts: string[]) => string];

const RULES: readonly Rule[] = [
  [/^Diverged at update (\S+): its loss or gradient is not a finite number\.$/, (u) => `在第 ${u} 次更新时发散：损失或梯度不是有限的数。`],
  [/^Stopped after update (\S+), when its (\S+) lane seconds were spent\.$/, (u, s) => `在第 ${u} 次更新后停止：${s} 通道秒已用完。`],
  [/^Stopped after update (\S+): a run makes no more updates\.$/, (u) => `在第 ${u} 次更新后停止：一个运行的更新次数已达上限。`],
  [/^Stopped after update (\S+)\.$/, (u) => `在第 ${u} 次更新后停止。`],
  [/^Interrupted after update (\S+)\.$/, (u) => `在第 ${u} 次更新后中断。`],
  [/^Memory ran out at batch size (\S+); the other runs go on\.$/, (b) => `批量大小为 ${b} 时内存不足；其他运行继续。`],
  [
    /^Memory ran out at batch size (\S+), when (\S+) MB more were asked for; the other runs go on\.$/,
    (b, mb) => `批量大小为 ${b} 时内存不足（还需 ${mb} MB）；其他运行继续。`,
  ],
  [
    /^A new segment begins after update (\S+): this engine's bits do not come again \(losses on the way there were off by up to (\S+) %\)\.$/,
    (u, off) => `第 ${u} 次更新之后开始新的一段：此引擎的结果不能逐位重现（此前的损失最多相差 ${off} %）。`,
  ],
  [/^The engine failed: (.*)$/s, (why) => `计算引擎出错：${inReadersLanguage(why)}`],
  [/^The landscape cannot be computed: (.*)$/s, (why) => `无法计算损失地形：${inReadersLanguage(why)}`],
  [
    /^The keyframe after update (\S+), at which this run leaves (\S+), cannot be read\.$/,
    (u, run) => `无法读取第 ${u} 次更新后的关键帧，此运行由此从 ${run} 分叉。`,
  ],
  [
    /^Update (\S+) does not come again as it was recorded \((.+) (\S+), recorded (\S+)\): the recording is of another build or machine\.$/s,
    (u, column, now, then) =>
      `第 ${u} 次更新无法按录制重现（${FIXED[column] ?? column} ${now}，录制值 ${then}）：此录制来自另一版本或另一台机器。`,
  ],
  [
    /^Nothing more is recorded, since the recording cannot be written: (.*)\. What was recorded before is kept\.$/s,
    (why) => `录制无法写入，不再继续：${why}。此前的录制已保留。`,
  ],
  [
    /^This experiment is not recorded, and is lost when another begins: (.*)$/s,
    (why) => `本实验未被录制，另一个实验开始后将丢失：${inReadersLanguage(why)}`,
  ],
  [/^(\S+) is missing\.?$/, (file) => `${file} 缺失`],
  [/^(\S+): (it .+); nothing of it is used\.?$/s, (file, why) => `${file}：${inChinese(why) ?? why}；其内容均未使用。`],
  [/^(\S+): (it is empty)\.?$/, (file, why) => `${file}：${inChinese(why) ?? why}。`],
  [/^it belongs to the run (\S+)$/, (run) => `属于运行 ${run}`],
  [/^it is of update (\S+)$/, (update) => `属于第 ${update} 次更新`],
  [
    /^(.+?): (.+) at byte ([\d,]+); the ([\d,]+) bytes from there on are lost\.?$/s,
    (file, why, at, lost) => `${file}：${inChinese(why) ?? why}（第 ${at} 字节处）；其后 ${lost} 字节已丢失。`,
  ],
  [
    /^tr Σ \/ \|G\|² \(McCandlish et al\. 2018, B_simple\), both estimated without bias and averaged apart over about (\S+) updates; negative while \|G\|² is lost in the noise$/,
    (n) => `tr Σ / |G|²（McCandlish 等 2018，B_simple），二者均作无偏估计，并分别在约 ${n} 次更新上平均；|G|² 淹没于噪声时为负`,
  ],
  [/^gradient components (.+)$/, (bin) => `梯度分量${binInChinese(bin)}`],
  [/^share of the batch gradient's components of magnitude (.+)$/, (bin) => `批量梯度中绝对值${binInChinese(bin)}的分量所占比例`],
  [/^gradient norm, layer (\d+)$/, (layer) => `第 ${layer} 层梯度范数`],
  [
    /^Euclidean norm of the batch gradient of layer (\d+)'s weights and biases$/,
    (layer) => `批量梯度中第 ${layer} 层权重与偏置部分的欧几里得范数`,
  ],
  [/^it cannot be read \((.*)\)$/s, (why) => `无法读取（${why}）`],
  [/^embedded, (AVX-512|AVX2)$/, (path) => `内置，${path}`],
  [/^embedded, portable$/, () => "内置，通用指令"],
  [/^asked for with (--\S+ \S+)$/, (option) => `由 ${option} 指定`],
  [/^the recording was made with it$/, () => "此录制由它生成"],
  [/^a CUDA device is there$/, () => "有 CUDA 设备"],
  [/^the experiment names it$/, () => "由实验指定"],
  [/^there is no libtorch, which CUDA needs$/, () => "没有 CUDA 所需的 libtorch"],
  [/^the libtorch that is here has no CUDA$/, () => "此处的 libtorch 不含 CUDA"],
  [/^there is no NVIDIA driver$/, () => "没有 NVIDIA 驱动"],
  [/^libtorch finds no CUDA device$/, () => "libtorch 找不到 CUDA 设备"],
  [/^f\(x, y\) = (.+)$/, (formula) => `f(x, y) = ${formula}`],
  [
    /^through the weights of (.+ after update \S+), (.+ after update \S+) and (.+ after update \S+)$/,
    (...places) => `经过以下三处的权重：${places.map(placeInChinese).join("；")}`,
  ],
  [/^principal components of all (\S+) runs' weights$/, (n) => `全部 ${n} 个运行的权重的主成分`],
  [/^two random directions, filter-normalised, draw (\S+)$/, (n) => `两个随机方向，按滤波器归一化，第 ${n} 次抽取`],
  [
    /^the Hessian's top two eigenvectors \(λ = (\S+) and (\S+)\) at (.+)$/,
    (a, b, place) => `海森矩阵前两个特征向量（λ = ${a} 与 ${b}），位于 ${placeInChinese(place)}`,
  ],
];

export function inChinese(sentence: string): string | null {
  const fixed = FIXED[sentence];
  if (fixed !== undefined) return fixed;
  for (const [pattern, words] of RULES) {
    const match = pattern.exec(sentence);
    if (match !== null) return words(...match.slice(1));
  }
  return null;
}

/** "below 2^-24", "from 2^-24 to 2^-20", "from 1 up". */
const binInChinese = (bin: string): string =>
  bin
    .replace(/^below (\S+)$/, "小于 $1")
    .replace(/^from (\S+) up$/, "不小于 $1")
    .replace(/^from (\S+) to (\S+)$/, "介于 $1 与 $2 之间");

/** "B = 32, seed 1 after update 1,234". */
const placeInChinese = (place: string): string =>
  place.replace(/, seed (\S+)/, "，随机种子 $1").replace(/ after update (\S+)/, "，第 $1 次更新后");
