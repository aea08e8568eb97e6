/** Puts the modules on their placeholders (elements with data-stage="name") and starts. The place to start reading. */
import "uplot/dist/uPlot.min.css";
import { Client } from "./client.ts";
import { mountCharts } from "./panels/charts.ts";
import { mountAxis, mountLive, mountTheme } from "./panels/header.ts";
import { mountHelp } from "./panels/help.ts";
import { mountHierarchy } from "./panels/hierarchy.ts";
import { mountInspector } from "./panels/inspector.ts";
import { mountLegend } from "./panels/legend.ts";
import { mountStatus } from "./panels/status.ts";
import { mountTimeline } from "./panels/timeline.ts";
import { mountTitle } from "./panels/title.ts";
import { mountTransport } from "./panels/transport.ts";
import { mountView } from "./panels/view.ts";
import { expose } from "./probe.ts";
import { mountScene } from "./scene/scene.ts";
import { Stage, type Mount } from "./stage.ts";

/** In drawing order: DOM before canvas, so that layout is read once it is written. */
const MODULES: readonly (readonly [string, Mount])[] = [
  ["theme", mountTheme], ["title", mountTitle], ["transport", mountTransport], ["axis", mountAxis], ["view", mountView], ["live", mountLive],
  ["help", mountHelp], ["hierarchy", mountHierarchy], ["legend", mountLegend], ["inspector", mountInspector], ["status", mountStatus],
  ["timeline", mountTimeline], ["charts", mountCharts], ["scene", mountScene],
];

const stage = new Stage();
const client = new Client(stage);
stage.remote = client;
for (const [name, mount] of MODULES) {
  const element = document.querySelector<HTMLElement>(`[data-stage="${name}"]`);
  if (element !== null) stage.addPanel(mount(element, stage));
}
expose(stage, client);
document.documentElement.dataset["stage"] = "loaded";
void client.start();
