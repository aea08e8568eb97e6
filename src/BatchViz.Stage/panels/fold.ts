/** A side panel's heading with a button that folds it to a rail; remembered. */
import { tr } from "../language.ts";
import { remember, remembered } from "../remember.ts";
import { Change, type Stage } from "../stage.ts";
import { button, el, icon, setAttribute } from "./dom.ts";

const NAMES = { hierarchy: tr("Hierarchy", "层级"), inspector: tr("Inspector", "检查器") } as const;

export function foldable(element: HTMLElement, panel: keyof typeof NAMES, side: "left" | "right", stage: Stage): HTMLElement {
  const other = side === "left" ? "right" : "left",
    name = NAMES[panel];
  const fold = button(
    "",
    icon(side),
    () => {
      remember(`fold-${panel}`, element.dataset["folded"] === undefined ? "folded" : "open");
      show();
      stage.changed(Change.size);
    },
    "fold",
  );
  const show = (): void => {
    const kept = remembered(`fold-${panel}`);
    // A projector has no use for settings; whoever wants them there unfolds them.
    const folded = kept === "folded" || (kept === null && panel === "inspector" && stage.isProjecting);
    if (element.hasAttribute("data-folded") === folded && fold.hasAttribute("aria-expanded")) return;
    element.toggleAttribute("data-folded", folded);
    const label = folded ? tr(`Unfold ${name}`, `展开${name}`) : tr(`Fold ${name}`, `收起${name}`);
    setAttribute(fold, "aria-expanded", String(!folded));
    setAttribute(fold, "aria-label", label);
    setAttribute(fold, "title", label);
    fold.replaceChildren(icon(folded ? other : side));
  };
  show();
  stage.addPanel({ wants: Change.size, draw: show });
  return el("div", { class: "panel-head" }, el("h2", {}, name), fold);
}
