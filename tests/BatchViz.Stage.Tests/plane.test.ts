import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { PlaneInfo } from "../../src/BatchViz.Stage/manifest.ts";
import { planeAxes, planeTitle } from "../../src/BatchViz.Stage/plane.ts";
import { planeInfo } from "./samples.ts";

const some = planeInfo({
  title: "principal components of all 5 runs' weights",
  explained: 0.9,
  explainedByRandomWalk: 0.76,
  xLabel: "1st component",
  yLabel: "2nd component",
});
const plane = (parts: Partial<PlaneInfo>): PlaneInfo => ({ ...some, ...parts });
const labels: Record<string, string> = { "b1-s1": "B = 1", "b8-s1": "B = 8", "b512-s1": "B = 512" };
const inChinese = (parts: Partial<PlaneInfo>): string => planeTitle(plane(parts), (id) => labels[id]!, "zh");

describe("the title of a plane", () => {
  it("is the server's in English", () => expect(planeTitle(some, String, "en")).toBe(some.title));

  it.each<[Partial<PlaneInfo>, string]>([
    [{ runs: ["b1-s1", "b8-s1", "b512-s1"] }, "全部 3 个运行权重的主成分"],
    [{ runs: ["b8-s1"] }, "该运行权重的主成分"],
    [{ kind: "random", draw: 1 }, "两个随机方向，按滤波器归一化"],
    [{ kind: "random", draw: 3 }, "两个随机方向，按滤波器归一化，第 3 次抽取"],
    [
      { kind: "runs", runs: ["b1-s1", "b8-s1", "b512-s1"], updates: [300000, 37500, 590] },
      "经过 B = 1 在第 300,000 次更新后、B = 8 在第 37,500 次更新后和 B = 512 在第 590 次更新后的权重",
    ],
    [
      { kind: "hessian", runs: ["b8-s1"], updates: [1234], update: 1234, eigenvalues: [12.34, 0.5] },
      "B = 8 在第 1,234 次更新后的 Hessian 矩阵前两个特征向量（λ = 12.3 和 0.500）",
    ],
    [{ kind: "weights", title: "the loss over both weights" }, "两个权重上的损失"],
    [{ kind: "weights", title: "f(x, y) = x² − y²" }, "f(x, y) = x² − y²"],
  ])("is written from its numbers in Chinese: %o", (parts, title) => expect(inChinese(parts)).toBe(title));

  it("stays English where an older recording has no numbers", () =>
    expect(inChinese({ kind: "hessian", title: "the Hessian's top two eigenvectors (λ = 3 and 1) at B = 8 after update 10" })).toContain(
      "top two eigenvectors",
    ));
});

describe("the axes of a plane", () => {
  it("are the server's in English", () => expect(planeAxes(some, "en")).toEqual(["1st component", "2nd component"]));

  it("have Chinese names for every one that the server writes", () => {
    const source = readFileSync(new URL("../../src/BatchViz/Live/ManifestBuilder.cs", import.meta.url), "utf8");
    const axes = source.slice(source.indexOf("var (x, y) ="), source.indexOf("return new JsonObject", source.indexOf("var (x, y) =")));
    const written = [...axes.matchAll(/\("([^"]+)", "([^"]+)"\)/g)].map((pair) => [pair[1]!, pair[2]!] as const);
    expect(written.length).toBeGreaterThan(5);
    for (const [xLabel, yLabel] of written) {
      if (xLabel === "x") continue;
      for (const name of planeAxes(plane({ xLabel, yLabel }), "zh")) expect(name).toMatch(/[\u4e00-\u9fff]/);
    }
  });
});
