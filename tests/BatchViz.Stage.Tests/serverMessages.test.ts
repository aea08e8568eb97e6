/** Every sentence of the server has a translation: the C# sources are read, so that a new one cannot be forgotten. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inChinese } from "../../src/BatchViz.Stage/serverMessages.ts";
import { titleInChinese } from "../../src/BatchViz.Stage/titles.ts";

const root = join(import.meta.dirname, "../..");
/** A source file in which what the formatter has put on lines of its own stands on one. */
const source = (path: string): string =>
  readFileSync(join(root, "src", path), "utf8")
    .replace(/([([,=?:]|=>)\n\s*/g, (_, end: string) => (end === "(" || end === "[" ? end : `${end} `))
    .replace(/\n\s*\)/g, ")")
    .replace(/\n\s*(\?\?|[?:+]) /g, " $1 ");
const folder = (path: string): string =>
  readdirSync(join(root, "src", path), { recursive: true, encoding: "utf8" })
    .filter((f) => f.endsWith(".cs") && !/\b(bin|obj)\b/.test(f))
    .map((f) => source(join(path, f)))
    .join("\n");

/** A C# string's literal with its holes filled in. */
const filled = (literal: string): string => literal.replaceAll('\\"', '"').replace(/\{[^{}]*\}/g, "1,234");
const all = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map((match) => filled(match[1]!));
const isChinese = (text: string | null): boolean => text !== null && /\p{Script=Han}/u.test(text);

const LITERAL = String.raw`\$?"((?:[^"\\]|\\.)+)"`;
const lab = folder("BatchViz.Training"),
  recording = folder("BatchViz.Recording");

test.each([
  [
    "messages of runs",
    [
      ...all(lab, new RegExp(String.raw`(?:Enter|EndAll)\(RunState\.\w+, ${LITERAL}`, "g")),
      ...all(lab, new RegExp(String.raw`stopped(?:, budgetSpent\))? = \(?${LITERAL}`, "g")),
      ...all(lab, new RegExp(String.raw`CannotException\(${LITERAL}`, "g")),
      ...all(recording, new RegExp(String.raw`\["message"\] = ${LITERAL}`, "g")),
    ],
    9,
  ],
  [
    "problems of landscape and recording",
    [
      ...all(lab, new RegExp(String.raw`ref failure, ${LITERAL}`, "g")),
      ...all(recording, new RegExp(String.raw`ref problem, ${LITERAL}`, "g")),
      ...all(source("BatchViz/Live/ExperimentHost.cs"), new RegExp(String.raw`problem = ${LITERAL}`, "g")),
      ...all(source("BatchViz.Training/RecordCheck.cs"), new RegExp(String.raw`=> new\(${LITERAL}`, "g")),
    ],
    5,
  ],
  [
    "damages",
    [
      ...all(recording, new RegExp(String.raw`(?:Stop|Refuse)\(${LITERAL}`, "g")),
      ...all(recording, new RegExp(String.raw`new Damage\([^"\n]*${LITERAL}`, "g")),
      ...all(recording, new RegExp(String.raw`\?\? ${LITERAL}\)`, "g")),
      ...all(source("BatchViz.Recording/RunFile.cs"), new RegExp(String.raw`return ${LITERAL}`, "g")),
    ],
    25,
  ],
] as const)("%s", (_, sentences, atLeast) => {
  expect(sentences.length).toBeGreaterThanOrEqual(atLeast);
  expect(sentences.filter((sentence) => !isChinese(inChinese(sentence)))).toEqual([]);
});

test("planes' titles, but for a formula, which is the same in both languages", () => {
  const fitter = source("BatchViz.Training/PlaneFitter.cs");
  const place = "B = 8, seed 2 after update 1,234";
  const statements = [...fitter.matchAll(/(?:string title = [^;]*;|return new\(plane, [^;]*;|surface \? [^;]*;)/g)].map(
    ([statement]) => statement,
  );
  const titles = statements.flatMap((statement) =>
    [...statement.matchAll(new RegExp(LITERAL, "g"))].map((match) =>
      filled(match[1]!.replace(/\{(?:Place\([^)]*\)|places\[\d\])\}/g, place)),
    ),
  );
  expect(titles.length).toBeGreaterThanOrEqual(7);
  expect(titles.filter((title) => !title.startsWith("f(x, y) =") && !isChinese(inChinese(title)))).toEqual([]);
  expect(inChinese(`through the weights of ${place}, B = 1 after update 5 and B = 512 after update 99`)).toBe(
    "经过以下三处的权重：B = 8，随机种子 2，第 1,234 次更新后；B = 1，第 5 次更新后；B = 512，第 99 次更新后",
  );
});

test("figures keep their format, and what a file system says stays as it is", () => {
  expect(inChinese("Diverged at update 1,234: its loss or gradient is not a finite number.")).toBe(
    "在第 1,234 次更新时发散：损失或梯度不是有限的数。",
  );
  expect(inChinese("b8-s1.log: a block is damaged at byte 4,096; the 512 bytes from there on are lost.")).toBe(
    "b8-s1.log：块已损坏（第 4,096 字节处）；其后 512 字节已丢失。",
  );
  expect(
    inChinese(
      "A new segment begins after update 1,234: this engine's bits do not come again (losses on the way there were off by up to 0.03 %).",
    ),
  ).toBe("第 1,234 次更新之后开始新的一段：此引擎的结果不能逐位重现（此前的损失最多相差 0.03 %）。");
  expect(inChinese("asked for with --engine torch:cpu")).toBe("由 --engine torch:cpu 指定");
  for (const reason of [
    "the experiment names it",
    "there is no libtorch, which CUDA needs",
    "the libtorch that is here has no CUDA",
    "there is no NVIDIA driver",
    "libtorch finds no CUDA device",
  ])
    expect(inChinese(reason), reason).toMatch(/[\u4e00-\u9fff]/);
  expect(inChinese("No space left on device")).toBeNull();
});

const inputs: Readonly<Record<string, number>> = { mnist: 784, "fashion-mnist": 784, pairs: 1568, line: 1 },
  outputs: Readonly<Record<string, number>> = { mnist: 10, "fashion-mnist": 10, pairs: 10 };
const titles: Readonly<Record<string, string>> = {
  "beale.json": "Beale，两个权重，SGD，各 B 的学习率均为 0.01，更新次数相同",
  "circles.json": "Circles，MLP 2-8-8-1，tanh，SGD，学习率 ∝ B，轮数相同",
  "diverging.json": "A rate too far，MLP 2-16-1，ReLU，SGD，学习率 ∝ B，轮数相同",
  "double-well.json": "Double well，两个权重，SGD，各 B 的学习率均为 0.1，更新次数相同",
  "drift.json": "Drift，线性模型 2-1，SGD，各 B 的学习率均为 0.5，轮数相同",
  "fashion-mnist.json": "Fashion-MNIST，MLP 784-128-64-10，ReLU，SGD，学习率 ∝ √B，轮数相同",
  "gaussians.json": "Gaussians，线性模型 2-1，SGD，各 B 的学习率均为 0.2，轮数相同",
  "grow-the-batch.json": "Grow the batch，线性模型 2-1，SGD，各 B 的学习率均为 0.2，B 每 6 轮 ×3，轮数相同",
  "lbfgs.json": "L-BFGS，MLP 2-16-1，tanh，L-BFGS，回溯，各 B 的学习率均为 1，样本数相同",
  "lenet.json": "LeNet on MNIST，LeNet 式卷积网络，动量 0.9，学习率 ∝ √B，余弦调度，轮数相同",
  "line.json": "Line，线性模型 1-1，SGD，各 B 的学习率均为 0.2，轮数相同",
  "mnist.json": "MNIST，MLP 784-128-64-10，ReLU，SGD，学习率 ∝ √B，轮数相同",
  "moons.json": "Moons，MLP 2-8-8-1，tanh，SGD，各 B 的学习率均为 0.1，轮数相同",
  "ohem.json": "Hard examples，MLP 784-64-10，ReLU，动量 0.9，各 B 的学习率均为 0.02，每 256 个取最难的，轮数相同",
  "pairs.json": "Paired views，双塔网络，InfoNCE，动量 0.9，各 B 的学习率均为 0.05，轮数相同",
  "rate-constant.json": "Rate kept constant，MLP 784-32-10，ReLU，SGD，各 B 的学习率均为 0.05，轮数相同",
  "rate-linear.json": "Rate scaled with B，MLP 784-32-10，ReLU，SGD，学习率 ∝ B，轮数相同",
  "saddle.json": "Saddle，两个权重，SGD，各 B 的学习率均为 0.05，更新次数相同",
  "spirals.json": "Spirals，MLP 2-32-32-1，ReLU，动量 0.9，学习率 ∝ √B，轮数相同",
  "stale-workers.json": "Stale gradients，MLP 2-16-1，tanh，SGD，各 B 的学习率均为 0.5，16 个工作者，梯度滞后 15 次更新，轮数相同",
  "three-regimes.json": "Three regimes，MLP 784-32-10，ReLU，SGD，各 B 的学习率均为 0.1，更新次数相同",
  "warmup.json": "Warm-up，MLP 784-128-64-10，ReLU，SGD，学习率 ∝ B，预热 2 轮，轮数相同",
  "xor.json": "Xor，MLP 2-8-1，tanh，SGD，各 B 的学习率均为 0.3，更新次数相同",
};

test("every example's title", () => {
  const files = readdirSync(join(root, "examples")).filter((file) => file.endsWith(".json"));
  const said = Object.fromEntries(
    files.map((file) => {
      const spec = JSON.parse(readFileSync(join(root, "examples", file), "utf8"));
      return [file, titleInChinese(spec.name, spec, { inputs: inputs[spec.data.kind] ?? 2, outputs: outputs[spec.data.kind] ?? 1 })];
    }),
  );
  expect(said).toEqual(titles);
});

test("two classes have one output where the loss is logistic", () => {
  for (const [loss, sizes] of [
    ["logistic", "2-8-1"],
    ["cross-entropy", "2-8-2"],
  ] as const)
    expect(titleInChinese("n", { loss, model: { hidden: [8] } }, { inputs: 2, outputs: 2 })).toContain(`MLP ${sizes}，`);
});
