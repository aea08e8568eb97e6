import { describe, expect, test } from "vitest";
import { Buckets, TimelineStore } from "../../src/BatchViz.Stage/store.ts";
import { decodeEvaluations, decodePaths } from "../../src/BatchViz.Stage/wire.ts";
import { bucketOf, frame, listBytes, tile } from "./messages.ts";

/** A small generator of its own, so that a failure can be repeated from its seed. */
function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function records(count: number, next: () => number): number[] {
  return Array.from({ length: count }, () => {
    const kind = next();
    return kind < 0.02 ? NaN : kind < 0.03 ? Infinity : kind < 0.04 ? -Infinity : Math.fround(next() * 10 - 5);
  });
}

/** Every known bucket equals the one computed from the records. Returns how many were known. */
function checkPyramid(store: TimelineStore, columns: readonly (readonly number[])[], ended: number): number {
  let known = 0;
  const row = new Buckets();
  columns.forEach((list, c) => {
    const pyramid = store.runs[0]!.column(c);
    for (let level = 0; 4 ** level < 4 * list.length; level++) {
      for (let i = 0; i * 4 ** level < list.length; i++) {
        if (!pyramid.isKnown(level, i)) continue;
        known++;
        const to = Math.min((i + 1) * 4 ** level, ended);
        pyramid.query(i * 4 ** level, to, Math.max(1, Math.ceil((to - i * 4 ** level) / 4 ** level)), list.length, row);
        const expected = bucketOf(list.slice(i * 4 ** level, (i + 1) * 4 ** level));
        if (row.level === level) {
          expect([row.min[0], row.max[0], row.last[0], row.nonFinite[0], row.from[0], row.to[0]], `level ${level}, bucket ${i}`).toEqual([
            ...expected,
            i * 4 ** level,
            to,
          ]);
        }
      }
    }
  });
  return known;
}

describe("timeline store", () => {
  test.each(Array.from({ length: 16 }, (_, seed) => seed))(
    "any order of frames, gaps and tiles gives the pyramid of the records (seed %i)",
    (seed) => {
      const next = random(seed);
      const total = 1 + Math.floor(next() * 6000);
      const columns = [records(total, next), records(total, next)];
      const messages: (() => void)[] = [];
      const store = new TimelineStore(1, [0, 1]);
      for (let at = 0; at < total;) {
        const to = Math.min(total, at + 1 + Math.floor(next() * 700));
        const lost = next() < 0.3,
          from = at,
          top = Math.floor(next() * 5);
        if (!lost) {
          const decoded = frame(columns, from, to, { top, state: to === total ? "finished" : "running" });
          messages.push(() => store.ingestFrame(decoded));
          if (next() < 0.2) messages.push(() => store.ingestFrame(decoded));
        }
        at = to;
      }
      for (let i = messages.length - 1; i > 0; i--) {
        // in any order
        const j = Math.floor(next() * (i + 1));
        [messages[i], messages[j]] = [messages[j]!, messages[i]!];
      }
      for (const deliver of messages) deliver();
      checkPyramid(store, columns, total);
      store.noteRun(0, "finished", total);
      for (let round = 0; round < 50 && store.headOf(0) < total; round++) {
        const tiles = store.gap(0);
        expect(tiles.length).toBeGreaterThan(0);
        expect(tiles.length).toBeLessThanOrEqual(2);
        for (const { level, index } of tiles) store.ingestTile(tile(columns, level, index, total));
      }
      expect(store.headOf(0)).toBe(total);
      expect(store.gap(0)).toEqual([]);
      checkPyramid(store, columns, total);
      // The top of the pyramid, ragged end and all, is known whatever happened before.
      for (const c of [0, 1]) {
        const top = Math.max(0, Math.ceil(Math.log(total) / Math.log(4)));
        expect(store.runs[0]!.column(c).isKnown(top, 0)).toBe(true);
      }
      // Level 0 everywhere: then every bucket of every level is known and right.
      for (let index = 0; index * 1024 < total; index++) store.ingestTile(tile(columns, 0, index, total));
      let all = 0;
      for (let level = 0; 4 ** level < 4 * total; level++) all += 2 * Math.ceil(total / 4 ** level);
      expect(checkPyramid(store, columns, total)).toBe(all);
    },
  );

  test("a late joiner needs one tile for a million updates", () => {
    const store = new TimelineStore(1, [0]);
    store.noteRun(0, "running", 1_000_000);
    expect(store.gap(0)).toEqual([{ run: 0, level: 6, index: 0 }]);
  });

  test("a lost frame is a gap until its tile is there, and the head waits before it", () => {
    const list = records(300, random(1));
    const store = new TimelineStore(1, [0]);
    store.ingestFrame(frame([list], 0, 100));
    store.ingestFrame(frame([list], 200, 300));
    expect(store.headOf(0)).toBe(100);
    expect(store.gap(0)).toEqual([{ run: 0, level: 0, index: 0 }]);
    store.ingestTile(tile([list], 0, 0, 300));
    expect(store.headOf(0)).toBe(300);
  });

  test("a tile that lacks a live column closes no gap", () => {
    const list = records(64, random(2));
    const store = new TimelineStore(1, [0, 1]);
    store.ingestTile(tile([list], 0, 0, 64));
    expect(store.headOf(0)).toBe(0);
  });

  test("a query answers with coarser buckets where detail is not known, and names the tiles that have it", () => {
    const list = records(4096, random(3));
    const store = new TimelineStore(1, [0]),
      row = new Buckets();
    store.noteRun(0, "running", 4096);
    store.ingestTile(tile([list], 2, 0, 4096));
    store.query(0, 0, 0, 4096, 512, row);
    expect([row.level, row.count, row.missing]).toEqual([2, 256, []]);
    store.query(0, 0, 1000, 1100, 512, row);
    expect([row.level, row.from[0], row.to[row.count - 1], [...row.missing]]).toEqual([0, 992, 1104, [0, 1]]);
    store.ingestTile(tile([list], 0, 0, 4096));
    store.ingestTile(tile([list], 0, 1, 4096));
    store.query(0, 0, 1000, 1100, 512, row);
    expect([row.level, row.count, row.missing]).toEqual([0, 100, []]);
  });

  test("the head of a running run is drawn in finer buckets, and nothing is missing there", () => {
    const list = records(1003, random(4));
    const store = new TimelineStore(1, [0]),
      row = new Buckets();
    store.ingestFrame(frame([list], 0, 1003));
    store.query(0, 0, 0, 2000, 16, row);
    expect(row.missing).toEqual([]);
    expect([row.from[0], row.to[row.count - 1]]).toEqual([0, 1003]);
    for (let i = 1; i < row.count; i++) expect(row.from[i]).toBe(row.to[i - 1]);
  });

  test("a run that goes on after its end forgets the ragged buckets", () => {
    const list = records(160, random(5));
    const store = new TimelineStore(1, [0]);
    store.ingestFrame(frame([list.slice(0, 90)], 0, 90, { state: "stopped" }));
    expect(store.runs[0]!.column(0).isKnown(4, 0)).toBe(true);
    store.ingestFrame(frame([list], 90, 160, { state: "finished" }));
    checkPyramid(store, [list], 160);
    expect(store.runs[0]!.column(0).isKnown(4, 0)).toBe(true);
  });

  test("the value at an update comes from the finest bucket around it", () => {
    const list = records(64, random(6)),
      row = new Buckets();
    const store = new TimelineStore(1, [0]);
    store.ingestFrame(frame([list], 0, 64, { top: 2 }));
    expect(store.at(0, 0, 5, row)).toBe(true);
    expect([row.level, row.from[0], row.to[0]]).toEqual([2, 0, 16]);
    expect(store.at(0, 0, 0, row)).toBe(false);
    expect(store.at(0, 0, 65, row)).toBe(false);
  });

  test("evaluations and path points arrive once, gaps are noticed, another plane begins anew", () => {
    const store = new TimelineStore(1, [0]);
    const points = [
      [0, 0, 0, 2.5, 0],
      [1, 1, 0, 2.25, 0.5],
    ];
    store.ingestFrame(
      frame([[]], 0, 0, { plane: 1, points: { first: 0, entries: points }, evaluations: { first: 0, entries: [[0, 2.5, NaN, NaN, 0]] } }),
    );
    store.ingestFrame(frame([[]], 0, 0, { plane: 1, points: { first: 1, entries: [points[1]!] } }));
    const run = store.runs[0]!;
    expect([run.points.count, run.points.value(1, 0), run.points.indexAt(0), run.points.indexAt(7), run.evaluations.count]).toEqual([
      2, 1, 0, 1, 1,
    ]);
    store.ingestFrame(frame([[]], 0, 0, { plane: 1, points: { first: 5, entries: [[9, 0, 0, 1, 0]] } }));
    expect([run.points.count, run.pointsMissing]).toEqual([2, true]);
    expect(store.ingestFrame(frame([[]], 0, 0, { plane: 2, points: { first: 0, entries: [points[0]!] } }))).toBe(true);
    expect([run.points.count, run.pointsMissing, store.plane]).toEqual([1, false, 2]);
  });

  test("an answer that was written before a frame came does not hide what is missing", () => {
    const store = new TimelineStore(1, [0]),
      run = store.runs[0]!;
    const entry = (update: number) => [update, 0, 0, 1, 0];
    run.evaluationsMissing = true; // asked for, and while the answer is on its way a frame overtakes it
    store.ingestFrame(
      frame([[]], 0, 0, { plane: 1, points: { first: 3, entries: [entry(3)] }, evaluations: { first: 3, entries: [entry(3)] } }),
    );
    store.ingestEvaluations(decodeEvaluations(listBytes("BVE1", [0, 1, 2].map(entry))));
    store.ingestPath(decodePaths(listBytes("BVP1", [0, 1, 2].map(entry), 1)));
    expect([run.evaluations.count, run.evaluationsMissing, run.points.count, run.pointsMissing]).toEqual([3, true, 3, true]);
    store.ingestEvaluations(decodeEvaluations(listBytes("BVE1", [0, 1, 2, 3].map(entry))));
    store.ingestPath(decodePaths(listBytes("BVP1", [0, 1, 2, 3].map(entry), 1)));
    expect([run.evaluations.count, run.evaluationsMissing, run.points.count, run.pointsMissing]).toEqual([4, false, 4, false]);
    store.ingestFrame(frame([[]], 0, 0, { plane: 2, points: { first: 1, entries: [] } }));
    store.ingestPath(decodePaths(listBytes("BVP1", [0, 1, 2, 3].map(entry), 1))); // of the plane before
    expect([run.points.count, run.pointsMissing]).toEqual([0, true]);
    store.ingestPath(decodePaths(listBytes("BVP1", [entry(0)], 2)));
    expect([run.points.count, run.pointsMissing]).toEqual([1, false]);
  });
});
