/** A hundred viewers on the real server while it trains: when it is stopped each one has every bucket of history, exactly. */
import { expect, it } from "vitest";
import { columnIndex } from "../../src/BatchViz.Stage/manifest.ts";
import { Buckets, TimelineStore } from "../../src/BatchViz.Stage/store.ts";
import { decodeTile } from "../../src/BatchViz.Stage/wire.ts";
import { ENDLESS, Server, until, Viewer } from "./swarm.ts";

const VIEWERS = 100;
/** Frames of every viewer. */
const FRAMES = 20;
/** Updates of every run, before half of the viewers join and after. */
const LEAST = 100;

it(
  `${VIEWERS} viewers have every bucket exactly, those who joined late and those who missed frames too`,
  { timeout: 300_000 },
  async () => {
    const server = await Server.start(ENDLESS);
    try {
      const manifest = await server.manifest();
      const live = manifest.columns.filter((c) => c.live).map((c) => c.name);
      const viewers = Array.from({ length: VIEWERS }, () => new Viewer(server, manifest));
      await Promise.all(viewers.slice(0, VIEWERS / 2).map((v) => v.start()));
      // However fast the machine is, what is waited for is what has happened: a history worth the name before the late ones come, and
      // after.
      const [first] = viewers,
        heads = (): number[] => manifest.runs.map((_, run) => first!.store.headOf(run));
      await until(() => heads().every((head) => head > LEAST));
      await Promise.all(viewers.slice(VIEWERS / 2).map((v) => v.start()));
      const before = heads();
      await until(() => heads().every((head, run) => head > before[run]! + LEAST) && viewers.every((v) => v.frames > FRAMES));
      await server.control("Stop");
      // The last frame says that every run has stopped, and where.
      const told = (v: Viewer): boolean => v.store.runs.every((run) => run.state === "stopped");
      await until(() => viewers.every(told));
      await Promise.all(viewers.map((v) => v.finish()));

      // The truth: every single record, from tiles of level 0, built up by the same rules from nothing.
      const columns = live.map((name) => columnIndex(manifest, name));
      const truth = new TimelineStore(manifest.runs.length, columns);
      for (let run = 0; run < manifest.runs.length; run++) {
        for (let index = 0, end = Infinity; index * 1024 < end; index++) {
          const tile = decodeTile(await server.tile(manifest.generation, run, live.join("+"), 0, index));
          expect(tile.whole).toBe(true);
          truth.ingestTile(tile);
          if (tile.to < (index + 1) * 1024) end = tile.to;
          else if (tile.to === viewers[0]!.store.runs[run]!.made) end = tile.to;
        }
        truth.noteRun(run, "stopped", truth.runs[run]!.head);
      }

      const mine = new Buckets(),
        theirs = new Buckets();
      for (const viewer of viewers) {
        expect(viewer.frames).toBeGreaterThan(FRAMES);
        for (let run = 0; run < manifest.runs.length; run++) {
          const made = truth.runs[run]!.head;
          expect(made).toBeGreaterThan(LEAST);
          expect(viewer.store.runs[run]!.state).toBe("stopped");
          expect(viewer.store.headOf(run)).toBe(made);
          for (const column of columns) {
            for (const most of [1024, 256, 64, 16, 4]) {
              viewer.store.query(run, column, 0, made, most, mine);
              truth.query(run, column, 0, made, most, theirs);
              if (mine.missing.length > 0 && most === 1024) continue; // finer than what this screen ever needed
              // Seconds are a timing: of records that are read back they lie straight between what was kept, and are never compared bit by
              // bit.
              const alike = manifest.columns[column]!.deterministic ? same : near;
              expect(alike(mine, theirs), `run ${run}, column ${column}, ${most} buckets`).toBe(true);
            }
          }
        }
      }
    } finally {
      await server.stop();
    }
  },
);

/** The same buckets, their values within a twentieth of a second and two per cent. */
function near(a: Buckets, b: Buckets): boolean {
  if (a.count !== b.count || a.level !== b.level) return false;
  const close = (x: number, y: number): boolean => Math.abs(x - y) <= 0.05 + 0.02 * y;
  for (let i = 0; i < a.count; i++) {
    if (a.from[i] !== b.from[i] || a.to[i] !== b.to[i] || a.nonFinite[i] !== b.nonFinite[i]) return false;
    if (!close(a.min[i]!, b.min[i]!) || !close(a.max[i]!, b.max[i]!) || !close(a.last[i]!, b.last[i]!)) return false;
  }
  return true;
}

function same(a: Buckets, b: Buckets): boolean {
  if (a.count !== b.count || a.level !== b.level) return false;
  for (let i = 0; i < a.count; i++) {
    if (a.from[i] !== b.from[i] || a.to[i] !== b.to[i] || a.nonFinite[i] !== b.nonFinite[i]) return false;
    if (!Object.is(a.min[i], b.min[i]) || !Object.is(a.max[i], b.max[i]) || !Object.is(a.last[i], b.last[i])) return false;
  }
  return true;
}
