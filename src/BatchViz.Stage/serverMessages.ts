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
  // Units
  examples: "样本",
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

/** "B = 32, seed 1 after update 1,234". */
const placeInChinese = (place: string): string =>
  place.replace(/, seed (\S+)/, "，随机种子 $1").replace(/ after update (\S+)/, "，第 $1 次更新后");
