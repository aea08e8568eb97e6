/** Which look is which batch size, and which fork, on the picture itself. */
import { tr } from "../language.ts";
import type { RunInfo } from "../manifest.ts";
import { Change, type Mount } from "../stage.ts";
import { el } from "./dom.ts";
import { setRunColour, swatch } from "./swatch.ts";

export const mountLegend: Mount = (element, stage) => {
  const list = el("ul", { class: "legend" });
  element.append(list);
  return {
    wants: Change.manifest | Change.theme | Change.runs,
    draw() {
      const shown = (stage.manifest?.runs ?? []).filter((run) => !stage.hidden.has(run.index));
      const looks = new Map<string, RunInfo>();
      for (const run of shown) {
        const { marker, colour } = stage.styles[run.index]!, look = `${run.batchSize} ${marker} ${colour.dark}`;
        if (!looks.has(look)) looks.set(look, run);
      }
      list.replaceChildren(...[...looks.values()].sort((a, b) => a.batchSize - b.batchSize).map((run) => {
        const style = stage.styles[run.index]!;
        const name = run.fork ? stage.labels[run.index]!.replace("B = ", "") : String(run.batchSize);
        const item = el("li", {}, swatch(style), el("span", { class: "figures" }, name));
        setRunColour(item, style, stage.theme);
        return item;
      }));
      if (looks.size > 0) list.prepend(el("li", { class: "quiet" }, tr("Batch size", "批量大小")));
    },
  };
};
