/** How the scene is looked at: camera, loss scale, stems; for an owner also which plane the landscape is cut along. */
import { Change, type Mount } from "../stage.ts";
import { choice, el, setAttribute } from "./dom.ts";

export const mountView: Mount = (element, stage) => {
  const scale = choice("Loss scale, of the scene's height and of the loss chart", [["log", "log"], ["linear", "linear"]] as const, (value) => stage.setLossScale(value));
  const camera = choice("Camera", [["orbit", "orbit"], ["top", "top"]] as const, (value) => stage.setCamera(value));
  const reset = el("button", { type: "button", class: "plain", title: "Bring the camera back", onclick: () => stage.setCamera("reset") }, "reset");
  const stems = el("button", { type: "button", class: "plain", title: "Show the distance between each path's true loss and the slice", onclick: () => stage.setStems(!stage.stems) }, "stems");
  const plane = el("select", { "aria-label": "Plane of the landscape", onchange: () => stage.remote.replane(plane.value as "pca" | "random") },
    el("option", { value: "pca" }, "PCA plane"), el("option", { value: "random" }, "random plane"));
  plane.hidden = true;
  element.append(plane, el("span", { class: "quiet" }, "loss"), scale.root, stems, camera.root, reset);
  return {
    wants: Change.view | Change.session | Change.manifest,
    draw() {
      scale.show(stage.lossScale);
      camera.show(stage.cameraView === "top" ? "top" : "orbit");
      setAttribute(stems, "aria-pressed", String(stage.stems));
      plane.hidden = stage.session.role !== "owner" || stage.manifest?.plane == null;
      plane.value = stage.manifest?.plane?.kind ?? "pca";
    },
  };
};
