/** What is under the pointer: a head, an end or a path point if one is near, else the slice. */
import { Vector3, type Camera } from "three";
import type { Stage } from "../stage.ts";
import { hasEnded } from "../store.ts";
import type { Landscape } from "./landscape.ts";
import { sample } from "./heights.ts";
import type { Pane } from "./panes.ts";
import { BOX } from "./surface.ts";

export interface Hit {
  kind: "head" | "end" | "point" | "slice";
  /** −1 on the slice. */
  run: number;
  update: number;
  x: number;
  y: number;
  loss: number;
  offPlane: number;
}

const NEAR = 14,
  STEPS = 160;
const at = new Vector3(),
  far = new Vector3();

/** `px` and `py` from the pane's upper left corner. */
export function pick(landscape: Landscape, stage: Stage, camera: Camera, px: number, py: number, pane: Pane): Hit | null {
  return nearest(landscape, stage, camera, px, py, pane) ?? sliceUnder(landscape, camera, px, py, pane);
}

/** Where something in the box lies on its pane; null behind the camera. */
export function project(position: Vector3, camera: Camera, { width, height }: Pane): { x: number; y: number } | null {
  at.copy(position).project(camera);
  return at.z > 1 ? null : { x: (0.5 + at.x / 2) * width, y: (0.5 - at.y / 2) * height };
}

function nearest(landscape: Landscape, stage: Stage, camera: Camera, px: number, py: number, pane: Pane): Hit | null {
  let best = NEAR * NEAR,
    run = -1,
    point = -1,
    kind = "point" as Hit["kind"];
  const distance = (): number => {
    at.project(camera);
    const dx = (0.5 + at.x / 2) * pane.width - px,
      dy = (0.5 - at.y / 2) * pane.height - py;
    return at.z > 1 ? Infinity : dx * dx + dy * dy;
  };
  for (const r of pane.runs) {
    const path = landscape.paths[r];
    if (path === undefined || stage.hidden.has(r) || path.count === 0) continue;
    const here = path.indexAt(stage.drawn[r]!.update);
    const take = (k: Hit["kind"], i: number, favour: number): void => {
      const d = distance() * favour;
      if (d >= best) return;
      best = d;
      run = r;
      point = i;
      kind = k;
    };
    for (let i = 0; i <= here; i++) {
      at.fromArray(path.shown, 3 * i);
      take("point", i, 1);
    }
    // Whoever points at a marker means it, not one of the many points beneath it.
    const arrived = hasEnded(stage.store.runs[r]!.state) && here >= path.count - 1;
    if (here >= 0 && path.head.visible) take(arrived ? "end" : "head", path.count - 1, (at.copy(path.head.position), 0.2));
    if (path.end.visible) take("end", path.endIndex, (at.copy(path.end.position), 0.25));
  }
  if (run < 0) return null;
  const { points } = stage.store.runs[run]!,
    drawn = stage.drawn[run]!;
  if (kind === "head")
    return { kind, run, update: drawn.update, x: drawn.x, y: drawn.y, loss: drawn.loss, offPlane: points.between(drawn.update, 3) };
  return {
    kind,
    run,
    update: points.updates[point]!,
    x: points.value(point, 0),
    y: points.value(point, 1),
    loss: points.value(point, 2),
    offPlane: points.value(point, 3),
  };
}

/** Walks along the ray until it passes through the height field. */
function sliceUnder(landscape: Landscape, camera: Camera, px: number, py: number, { width, height }: Pane): Hit | null {
  const { grid } = landscape;
  if (grid === null) return null;
  far
    .set((px / width) * 2 - 1, 1 - (py / height) * 2, 0.5)
    .unproject(camera)
    .sub(camera.position)
    .normalize();
  const reach = camera.position.length() + 2 * BOX.width;
  for (let step = 1, above = true; step <= STEPS; step++) {
    at.copy(far)
      .multiplyScalar((reach * step) / STEPS)
      .add(camera.position);
    const surface = landscape.surfaceAt(at.x, at.z);
    if (Number.isNaN(surface)) continue;
    if (above && at.y > surface) continue;
    above = false;
    // Half the last step back, again and again: 12 halvings are finer than a pixel.
    for (let i = 0, half = reach / STEPS / 2; i < 12; i++, half /= 2)
      at.addScaledVector(far, at.y > landscape.surfaceAt(at.x, at.z) ? half : -half);
    const u = at.x / BOX.width + 0.5,
      v = 0.5 - at.z / BOX.depth;
    const [x0, x1, y0, y1] = grid.region;
    return {
      kind: "slice",
      run: -1,
      update: NaN,
      x: x0 + u * (x1 - x0),
      y: y0 + v * (y1 - y0),
      loss: sample(grid.values, grid.resolution, u, v),
      offPlane: 0,
    };
  }
  return null;
}
