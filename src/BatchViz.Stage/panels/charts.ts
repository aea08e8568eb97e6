/**
 * The charts: one to four places, each with any of the kinds in charts/registry.ts; only what is on the page is queried and
 * fetched. Everything recorded is drawn once per news; the playhead is a veil over what lies beyond it, moved by the compositor,
 * so that playback redraws no curve. When several charts have news, one is redrawn per screen frame.
 */
import { Change, type Mount } from "../stage.ts";
import { Chart } from "./chart.ts";
import type { Drawing } from "./charts/drawing.ts";
import { drawingsOf } from "./charts/head.ts";

/** How long after a change the sentences for screen readers are renewed, and while the playhead moves how often. */
const TELL_AFTER = 300,
  TELL_EVERY = 5000;

export const mountCharts: Mount = (element, stage) => {
  const drawings = new Map(
    drawingsOf(stage)
      .flatMap(([, list]) => list)
      .map((drawing) => [drawing.name, drawing]),
  );
  stage.chartNames = [...drawings.keys()];
  const places: Chart[] = [];
  let stale = 0,
    turn = 0,
    arranged = "";
  let telling: ReturnType<typeof setTimeout> | undefined,
    hurried = false;
  const resize = new ResizeObserver(() => stage.changed(Change.size));
  const news =
    Change.manifest |
    Change.data |
    Change.detail |
    Change.zoom |
    Change.axis |
    Change.runs |
    Change.theme |
    Change.size |
    Change.view |
    Change.charts;

  function arrange(): void {
    const wanted = chosen(stage.charts, drawings);
    const names = wanted.map(({ name }) => name),
      joined = names.join();
    if (joined !== stage.charts.join()) stage.charts = names; // a link or a memory may name what there is not
    if (joined === arranged) return;
    arranged = joined;
    for (const { drawing } of places) if (!wanted.includes(drawing)) drawing.leave?.();
    while (places.length > wanted.length) {
      const { root } = places.pop()!;
      resize.unobserve(root);
      root.remove();
    }
    wanted.forEach((drawing, i) => {
      if (i < places.length) return places[i]!.take(drawing);
      const place = new Chart(stage, drawing, i);
      places.push(place);
      resize.observe(place.root);
      element.append(place.root);
    });
    element.style.setProperty("--places", String(places.length));
    element.dataset["places"] = String(places.length);
  }

  function tell(soon: boolean): void {
    if (telling !== undefined && (hurried || !soon)) return;
    clearTimeout(telling);
    hurried = soon;
    telling = setTimeout(
      () => {
        telling = undefined;
        for (const place of places) place.tell();
      },
      soon ? TELL_AFTER : TELL_EVERY,
    );
  }

  pointCounts = () => Object.fromEntries(places.map((place) => [place.name, place.points]));
  return {
    wants: news | Change.moment | Change.cursor,
    draw(changes) {
      if (stage.manifest === null) return false;
      if (changes & (Change.charts | Change.manifest)) arrange();
      if (changes & news) stale = (1 << places.length) - 1;
      for (let i = 0; i < places.length; i++) {
        const place = places[i]!;
        if (changes & Change.moment) {
          place.showMoment();
          if (place.drawing.moment?.(stage) === true) stale |= 1 << i;
        }
        if (changes & Change.cursor) place.showCursor();
      }
      for (let i = 0; i < places.length; i++) {
        // in turn, or news at every frame would starve the last
        turn = (turn + 1) % places.length;
        if ((stale & (1 << turn)) === 0) continue;
        places[turn]!.draw();
        stale &= ~(1 << turn);
        break;
      }
      for (const place of places) place.showLoading(); // drawing is what asks for detail
      tell(stage.playhead.mode === "paused");
      return stale !== 0;
    },
  };
};

/** Those of these names that there are, each once; never none. */
function chosen(names: readonly string[], drawings: ReadonlyMap<string, Drawing>): Drawing[] {
  const found = [...new Set(names)].flatMap((name) => drawings.get(name) ?? []);
  return found.length > 0 ? found : [drawings.get("loss")!];
}

/** Points drawn by each chart, for tests. */
export let pointCounts: () => Record<string, number> = () => ({});
