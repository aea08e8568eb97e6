/** Which look is which batch size, on the picture itself. */
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
      const sizes = [...new Set(shown.map((run) => run.batchSize))].sort((a, b) => a - b);
      list.replaceChildren(...sizes.map((size) => {
        const item = el("li", {}, swatch(size), el("span", { class: "figures" }, String(size)));
        setRunColour(item, size, stage.theme);
        return item;
      }));
      if (sizes.length > 0) list.prepend(el("li", { class: "quiet" }, "Batch size"));
    },
  };
};
