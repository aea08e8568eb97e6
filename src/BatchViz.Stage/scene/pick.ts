/** What is under the pointer: a path point if one is near, else the slice. */
import { Vector3, type Camera } from "three";
import type { Stage } from "../stage.ts";
import type { Landscape } from "./landscape.ts";
import { sample } from "./heights.ts";
import { BOX } from "./surface.ts";

export interface Hit {
  run: number;
  /** Index of the path point; −1 on the slice. */
  point: number;
  /** Of the slice, where no path point is near. */
  x: number;
  y: number;
  loss: number;
}

const NEAR = 14;
const STEPS = 160;
const at = new Vector3(), far = new Vector3();

/** `px` and `py` from the canvas' upper left corner. */
export function pick(landscape: Landscape, stage: Stage, camera: Camera, px: number, py: number, width: number, height: number): Hit | null {
  return nearestPoint(landscape, stage, camera, px, py, width, height) ?? sliceUnder(landscape, camera, px, py, width, height);
}

function nearestPoint(landscape: Landscape, stage: Stage, camera: Camera, px: number, py: number, width: number, height: number): Hit | null {
  let best = NEAR * NEAR, run = -1, point = -1;
  landscape.paths.forEach((path, r) => {
    if (!path.group.visible) return;
    const last = path.indexAt(stage.drawn[r]!.update);
    for (let i = 0; i <= last; i++) {
      at.set(path.shown[3 * i]!, path.shown[3 * i + 1]!, path.shown[3 * i + 2]!).project(camera);
      const dx = (0.5 + at.x / 2) * width - px, dy = (0.5 - at.y / 2) * height - py;
      const distance = dx * dx + dy * dy;
      if (distance < best) {
        best = distance;
        run = r;
        point = i;
      }
    }
  });
  return run < 0 ? null : { run, point, x: NaN, y: NaN, loss: NaN };
}

/** Walks along the ray until it passes through the height field. */
function sliceUnder(landscape: Landscape, camera: Camera, px: number, py: number, width: number, height: number): Hit | null {
  const { grid } = landscape;
  if (grid === null) return null;
  far.set((px / width) * 2 - 1, 1 - (py / height) * 2, 0.5).unproject(camera).sub(camera.position).normalize();
  const reach = camera.position.length() + 2 * BOX.width;
  for (let step = 1, above = true; step <= STEPS; step++) {
    at.copy(far).multiplyScalar((reach * step) / STEPS).add(camera.position);
    const surface = landscape.surfaceAt(at.x, at.z);
    if (Number.isNaN(surface)) continue;
    if (above && at.y > surface) continue;
    above = false;
    // Half the last step back, again and again: 12 halvings are finer than a pixel.
    for (let i = 0, half = reach / STEPS / 2; i < 12; i++, half /= 2) at.addScaledVector(far, at.y > landscape.surfaceAt(at.x, at.z) ? half : -half);
    const u = at.x / BOX.width + 0.5, v = 0.5 - at.z / BOX.depth;
    const [x0, x1, y0, y1] = grid.region;
    return { run: -1, point: -1, x: x0 + u * (x1 - x0), y: y0 + v * (y1 - y0), loss: sample(grid.values, grid.resolution, u, v) };
  }
  return null;
}
