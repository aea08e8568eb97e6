/** What is held equal and what differs, in one line; the page's heading. */
import { Change, type Mount } from "../stage.ts";
import { el, setText } from "./dom.ts";

export const mountTitle: Mount = (element, stage) => {
  const heading = el("h1", {}, "BatchViz");
  element.append(heading);
  return {
    wants: Change.manifest,
    draw() {
      const manifest = stage.manifest;
      setText(heading, manifest?.title ?? "BatchViz: what batch size does to training");
      document.title = manifest ? `${manifest.name} · BatchViz` : "BatchViz";
    },
  };
};
