/** `window.batchviz`: what the page shows, as numbers, for tests and bookmarklets. Read only; see README.md. */
import { pointCounts } from "./panels/charts.ts";
import type { Stage } from "./stage.ts";

export interface BatchVizProbe {
  /** Fulfilled when the first experiment is on the page. */
  readonly ready: Promise<void>;
  /**
   * Fulfilled as soon as nothing is being fetched and no frame is due, gradients at the playhead and a last landscape included. While the
   * playhead moves, that is not yet.
   */
  idle(): Promise<void>;
  state(): object;
}

declare global {
  interface Window {
    batchviz?: BatchVizProbe;
  }
}

export function expose(stage: Stage, remote: { readonly busy: boolean }): void {
  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (condition()) resolve();
        else setTimeout(look, 20);
      };
      look();
    });
  window.batchviz = Object.freeze({
    ready: until(() => stage.manifest !== null),
    idle: () => until(() => stage.settled && !remote.busy && !stage.gradientsPending && !landscapeComes(stage)),
    state: () => {
      const runs = stage.manifest?.runs ?? [];
      const extent = stage.extent();
      const onScreen = (what: "head" | "cursor"): object =>
        Object.fromEntries(
          runs.flatMap((run) => {
            const at = stage.onScreen?.(run.index, what);
            return at ? [[run.id, [at.x, at.y]]] : [];
          }),
        );
      return {
        generation: stage.manifest?.generation ?? 0,
        playhead: stage.playhead.position,
        axis: stage.axis,
        playing: stage.playhead.mode !== "paused",
        live: stage.playhead.isLive(extent),
        held: stage.held,
        total: extent.total,
        heads: Object.fromEntries(runs.map((run) => [run.id, stage.store.headOf(run.index)])),
        drawn: Object.fromEntries(runs.map((run) => [run.id, { ...stage.drawn[run.index]! }])),
        marks: onScreen("head"),
        cursorMarks: onScreen("cursor"),
        camera: stage.pose && { ...stage.pose },
        sequence: stage.sequence,
        busy: remote.busy,
        connected: stage.connection === "connected",
        grid: stage.grid && { id: stage.grid.grid, plane: stage.grid.plane, resolution: stage.grid.resolution },
        charts: pointCounts(),
        cursor: stage.cursor,
        zoom: stage.zoom && [...stage.zoom],
        range: stage.range && [...stage.range],
        hidden: runs.filter((run) => stage.hidden.has(run.index)).map((run) => run.id),
        selected: runs[stage.selected]?.id ?? null,
        theme: stage.theme,
        problem: stage.problem,
      };
    },
  });
}

/** Every run has ended, but a last plane or a finer grid is still being computed. */
const landscapeComes = (stage: Stage): boolean =>
  stage.manifest?.settled === false && stage.connection !== "offline" && stage.extent().finished;
