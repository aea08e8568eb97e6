/**
 * Which slice a plane is, in the page's language: the server writes its title once for all viewers, in English, and the same in numbers.
 */
import { figure, whole } from "./format.ts";
import { language, type Language } from "./language.ts";
import type { PlaneInfo } from "./manifest.ts";

/** @param labelOf The name of the run of that id. */
export function planeTitle(plane: PlaneInfo, labelOf: (id: string) => string, read: Language = language): string {
  if (read === "en") return plane.title;
  const { runs, updates } = plane;
  const places = (runs ?? []).map((id, i) => `${labelOf(id)} 在第 ${whole(updates?.[i] ?? 0)} 次更新后`);
  switch (plane.kind) {
    case "weights":
      return plane.title.startsWith("f(") ? plane.title : "两个权重上的损失";
    case "random":
      return `两个随机方向，按滤波器归一化${(plane.draw ?? 1) > 1 ? `，第 ${plane.draw} 次抽取` : ""}`;
    case "pca":
      return !runs ? "各运行权重的主成分" : runs.length === 1 ? "该运行权重的主成分" : `全部 ${runs.length} 个运行权重的主成分`;
    case "runs":
      return places.length === 3 ? `经过 ${places[0]}、${places[1]}和 ${places[2]}的权重` : plane.title;
    case "hessian":
      return places.length === 1 && plane.eigenvalues
        ? `${places[0]}的 Hessian 矩阵前两个特征向量（λ = ${plane.eigenvalues.map((value) => figure(value ?? NaN)).join(" 和 ")}）`
        : plane.title;
    default:
      return plane.title;
  }
}

const AXES: Record<string, string> = {
  "weight w": "权重 w",
  "bias b": "偏置 b",
  "weight w₁": "权重 w₁",
  "weight w₂": "权重 w₂",
  "1st component": "第一主成分",
  "2nd component": "第二主成分",
  "towards the second run": "朝第二个运行",
  "at a right angle to it": "与之垂直",
  "1st eigenvector": "第一特征向量",
  "2nd eigenvector": "第二特征向量",
  "1st direction": "第一方向",
  "2nd direction": "第二方向",
};

/** What the axes of a plane are. */
export const planeAxes = (plane: PlaneInfo, read: Language = language): [string, string] =>
  read === "en" ? [plane.xLabel, plane.yLabel] : [AXES[plane.xLabel] ?? plane.xLabel, AXES[plane.yLabel] ?? plane.yLabel];
