/** What is held equal and what differs, in one line; the page's heading. */
import { tr } from "../language.ts";
import { Change, type Mount } from "../stage.ts";
import { titleOf } from "../titles.ts";
import { el, setText } from "./dom.ts";

export const mountTitle: Mount = (element, stage) => {
  const heading = el("h1", {}, "BatchViz");
  element.append(heading);
  return {
    wants: Change.manifest,
    draw() {
      const manifest = stage.manifest;
      setText(heading, manifest ? titleOf(manifest) : tr("BatchViz: what batch size does to training", "BatchViz：批量大小如何影响训练"));
      document.title = manifest ? `${manifest.name} · BatchViz` : "BatchViz";
    },
  };
};
