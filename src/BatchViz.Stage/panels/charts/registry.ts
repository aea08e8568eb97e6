/** Every kind of chart, in the order in which the chooser offers them. */
import { tr } from "../../language.ts";
import type { Stage } from "../../stage.ts";
import { boundaryChart } from "./boundary.ts";
import type { Drawing } from "./drawing.ts";
import { histogramChart, layersChart } from "./layers.ts";
import { lineChart } from "./line.ts";
import { accuracyChart, lossChart, testLossChart } from "./loss.ts";
import { cosineChart, eigenvalueChart, noiseProbeChart, sharpnessChart } from "./probes.ts";
import { batchSizeChart, gradientNormCharts, noiseChart, rateChart, ratioChart, throughputChart } from "./records.ts";

export const MOST_PLACES = 4;

/** Drawings that keep what they were told are made for the stage, once. */
export function registry(stage: Stage): readonly (readonly [group: string, drawings: readonly Drawing[]])[] {
  return [
    [tr("Progress", "进展"), [lossChart, testLossChart, accuracyChart]],
    [tr("Gradient", "梯度"), [...gradientNormCharts, layersChart, histogramChart, noiseChart, noiseProbeChart, cosineChart]],
    [tr("Landscape", "地形"), [sharpnessChart, eigenvalueChart, lineChart(stage), boundaryChart(stage)]],
    [tr("Settings and speed", "设置与速度"), [rateChart, batchSizeChart, ratioChart, throughputChart]],
  ];
}
