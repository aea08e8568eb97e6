/** How the scene is looked at: loss scale, stems, camera. Which plane is cut is the owner's choice, and in the header. */
import { Change, type Mount } from "../stage.ts";
import { choice, el, setAttribute } from "./dom.ts";

export const mountView: Mount = (element, stage) => {
  const scale = choice("Loss scale, of the scene's height and of the loss chart", [["log", "log"], ["linear", "linear"]] as const, (value) => stage.setLossScale(value));
  const camera = choice("Camera", [["orbit", "orbit"], ["top", "top"]] as const, (value) => stage.setCamera(value));
  const reset = el("button", { type: "button", class: "plain", title: "Bring the camera back", onclick: () => stage.setCamera("reset") }, "reset");
  const stems = el("button", { type: "button", class: "plain", title: "Show the distance between each path's true loss and the slice", onclick: () => stage.setStems(!stage.stems) }, "stems");
  element.append(el("span", { class: "quiet" }, "loss"), scale.root, stems, camera.root, reset);
  return {
    wants: Change.view,
    draw() {
      scale.show(stage.lossScale);
      camera.show(stage.cameraView === "top" ? "top" : "orbit");
      setAttribute(stems, "aria-pressed", String(stage.stems));
    },
  };
};
