/** A side panel's heading with a button that folds it to a rail; remembered. */
import { remember, remembered } from "../remember.ts";
import { Change, type Stage } from "../stage.ts";
import { button, el, icon, setAttribute } from "./dom.ts";

export function foldable(element: HTMLElement, name: string, side: "left" | "right", stage: Stage): HTMLElement {
  const other = side === "left" ? "right" : "left";
  const fold = button(`Fold ${name}`, icon(side), () => {
    remember(`fold-${name}`, element.dataset["folded"] === undefined ? "folded" : "open");
    show();
  }, "fold");
  const show = (): void => {
    const kept = remembered(`fold-${name}`);
    // A projector has no use for settings; whoever wants them there unfolds them.
    const folded = kept === "folded" || (kept === null && name === "Inspector" && matchMedia("(min-width: 1800px)").matches);
    element.toggleAttribute("data-folded", folded);
    setAttribute(fold, "aria-expanded", String(!folded));
    setAttribute(fold, "aria-label", `${folded ? "Unfold" : "Fold"} ${name}`);
    setAttribute(fold, "title", `${folded ? "Unfold" : "Fold"} ${name}`);
    fold.replaceChildren(icon(folded ? other : side));
    stage.changed(Change.size);
  };
  show();
  return el("div", { class: "panel-head" }, el("h2", {}, name), fold);
}
