/** Puts the modules on their placeholders: elements with data-stage="name". */
import "uplot/dist/uPlot.min.css";
import { announcer } from "./panels/announce.ts";
import { mountCharts } from "./panels/charts.ts";
import { mountAxis, mountLive, mountTheme } from "./panels/header.ts";
import { mountHelp } from "./panels/help.ts";
import { mountHistory } from "./panels/history.ts";
import { mountHierarchy } from "./panels/hierarchy.ts";
import { mountInspector } from "./panels/inspector.ts";
import { mountLayout } from "./panels/layout.ts";
import { mountLegend } from "./panels/legend.ts";
import { mountStatus } from "./panels/status.ts";
import { mountTimeline } from "./panels/timeline.ts";
import { mountTitle } from "./panels/title.ts";
import { mountTransport } from "./panels/transport.ts";
import { mountView } from "./panels/view.ts";
import { mountScene } from "./scene/scene.ts";
import type { Mount, Stage } from "./stage.ts";

/** In drawing order: DOM before canvas, so that layout is read once it is written. */
const MODULES: readonly (readonly [string, Mount])[] = [
  ["theme", mountTheme],
  ["title", mountTitle],
  ["transport", mountTransport],
  ["axis", mountAxis],
  ["view", mountView],
  ["live", mountLive],
  ["help", mountHelp],
  ["hierarchy", mountHierarchy],
  ["legend", mountLegend],
  ["inspector", mountInspector],
  ["status", mountStatus],
  ["layout", mountLayout],
  ["history", mountHistory],
  ["timeline", mountTimeline],
  ["charts", mountCharts],
  ["scene", mountScene],
];

export function mountModules(stage: Stage): void {
  for (const [name, mount] of MODULES) {
    const element = document.querySelector<HTMLElement>(`[data-stage="${name}"]`);
    if (element !== null) stage.addPanel(mount(element, stage));
  }
  stage.addPanel(announcer(stage));
  document.documentElement.dataset["stage"] = "loaded";
}
