/**
 * The timeline store: everything known about the runs of one experiment, by run, column and level. It knows neither the
 * page nor the network: what it is given it keeps, and what it lacks it names. The load test imports it in plain Node.
 */
import { Buckets, enlarged, Pyramid, TILE_BUCKETS } from "./pyramid.ts";
import {
  columnBytes,
  type Entries,
  type EntryList,
  type Frame,
  type RunFrame,
  type RunState,
  type Segment,
  type Tile,
  type View,
} from "./wire.ts";

export { Buckets } from "./pyramid.ts";

/** Two canvas pixels a bucket are enough for the eye; in a window with fewer records than this each is drawn for itself. */
export const MOST_DRAWN = 512;

export interface TileAddress {
  run: number;
  level: number;
  index: number;
}

const ENDED: ReadonlySet<RunState> = new Set<RunState>(["finished", "diverged", "stopped", "failed"]);
export const hasEnded = (state: RunState): boolean => ENDED.has(state);

/** Evaluations (evaluation loss, test loss, test accuracy, lane seconds) or path points (x, y, loss, distance) of one run. */
export class EntryStore {
  count = 0;
  /** Entries that exist, as far as any message said. */
  expected = 0;
  updates = new Uint32Array(64);
  /** Four values an entry, interleaved. */
  values = new Float32Array(256);

  /** Takes entries; false when they begin beyond the end, so that some in between are missing. */
  put(view: View, entries: Entries): boolean {
    const end = entries.first + entries.count;
    this.expected = Math.max(this.expected, end);
    if (entries.first > this.count) return false;
    while (end > this.updates.length) {
      this.updates = enlarged(this.updates, 2 * this.updates.length);
      this.values = enlarged(this.values, 2 * this.values.length);
    }
    for (let i = this.count; i < end; i++) {
      const word = entries.word + 5 * (i - entries.first);
      this.updates[i] = view.words[word]!;
      for (let k = 0; k < 4; k++) this.values[4 * i + k] = view.floats[word + 1 + k]!;
    }
    this.count = Math.max(this.count, end);
    return true;
  }

  /** Nothing that a message spoke of is lacking. */
  get whole(): boolean {
    return this.count >= this.expected;
  }

  clear(): void {
    this.count = this.expected = 0;
  }

  /** Index of the last entry at or before this update, −1 when there is none. */
  indexAt(update: number): number {
    let low = 0,
      high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.updates[middle]! <= update) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The value at this update, on the straight line between two entries; NaN before the first. */
  between(update: number, k: number): number {
    const i = this.indexAt(update);
    if (i < 0) return NaN;
    const j = Math.min(i + 1, this.count - 1);
    const u0 = this.updates[i]!,
      u1 = this.updates[j]!;
    const a = this.value(i, k);
    return u1 > u0 && update > u0 ? a + ((this.value(j, k) - a) * (update - u0)) / (u1 - u0) : a;
  }

  value(index: number, k: number): number {
    return this.values[4 * index + k]!;
  }
}

/** One run's timeline. */
export class RunTimeline {
  state: RunState = "waiting";
  /** Records that the server said exist. */
  made = 0;
  readonly evaluations = new EntryStore();
  readonly points = new EntryStore();
  evaluationsMissing = false;
  pointsMissing = false;
  readonly columns: (Pyramid | undefined)[] = [];
  /** Disjoint spans of records that are covered for the live columns: from, to, from, to, … ascending. */
  readonly spans: number[] = [];

  column(index: number): Pyramid {
    let column = this.columns[index];
    if (column === undefined) {
      column = this.columns[index] = new Pyramid();
      if (hasEnded(this.state)) column.setEnd(this.made);
    }
    return column;
  }

  /** Everything is known from the first record up to here. */
  get head(): number {
    return this.spans[0] === 0 ? this.spans[1]! : 0;
  }

  cover(from: number, to: number): void {
    if (to <= from) return;
    const spans = this.spans;
    let i = 0;
    while (i < spans.length && spans[i + 1]! < from) i += 2;
    let j = i;
    while (j < spans.length && spans[j]! <= to) {
      from = Math.min(from, spans[j]!);
      to = Math.max(to, spans[j + 1]!);
      j += 2;
    }
    if (j === i + 2) {
      // the usual case, a frame that continues the last one, must not allocate
      spans[i] = from;
      spans[i + 1] = to;
    } else spans.splice(i, j - i, from, to);
  }
}

export class TimelineStore {
  readonly runs: RunTimeline[] = [];
  plane = 0;

  /** `liveColumns` are the indices in the manifest's `columns` that frames carry: only what covers them closes a gap. */
  constructor(
    runs: number,
    private readonly liveColumns: readonly number[],
  ) {
    this.grow(runs);
  }

  /** More runs have joined. */
  grow(runs: number): void {
    while (this.runs.length < runs) this.runs.push(new RunTimeline());
  }

  headOf(run: number): number {
    return this.runs[run]?.head ?? 0;
  }

  /** Takes a live frame. Returns true when the plane has changed and the paths begin anew. */
  ingestFrame(frame: Frame): boolean {
    const replaned = this.setPlane(frame.plane);
    for (const part of frame.runs) this.ingestRun(frame, part);
    return replaned;
  }

  /** Takes what a frame that was taken before said of runs from this one on: they were not known then. */
  ingestLate(frame: Frame, firstRun: number): void {
    for (const part of frame.runs) if (part.run >= firstRun) this.ingestRun(frame, part);
  }

  private ingestRun(frame: Frame, part: RunFrame): void {
    const run = this.runs[part.run];
    if (run === undefined) return;
    this.ingestSegments(run, frame.view, frame.columns, part.segments);
    if (this.carriesLive(frame.columns)) run.cover(part.from, part.to);
    this.setState(run, part);
    run.evaluationsMissing = !run.evaluations.put(frame.view, part.evaluations) || run.evaluationsMissing;
    if (frame.plane === this.plane) run.pointsMissing = !run.points.put(frame.view, part.points) || run.pointsMissing;
  }

  ingestTile(tile: Tile): void {
    const run = this.runs[tile.run];
    if (run === undefined) return;
    this.ingestSegments(run, tile.view, tile.columns, tile.segments);
    if (this.carriesLive(tile.columns)) run.cover(tile.from, tile.to);
    if (tile.to > run.made && !hasEnded(run.state)) run.made = tile.to;
  }

  /** A list that was written before the newest frame may lack what that frame spoke of: then it is still missing. */
  ingestEvaluations(list: EntryList): void {
    const run = this.runs[list.run];
    if (run === undefined) return;
    run.evaluations.put(list.view, list.entries);
    run.evaluationsMissing = !run.evaluations.whole;
  }

  /** Path points of a plane that is no longer current are dropped. */
  ingestPath(list: EntryList): void {
    const run = this.runs[list.run];
    if (run === undefined || list.plane !== this.plane) return;
    run.points.put(list.view, list.entries);
    run.pointsMissing = !run.points.whole;
  }

  /** The manifest's word on a run: its state and how many updates it had made. */
  noteRun(run: number, state: RunState, updates: number): void {
    const timeline = this.runs[run];
    if (timeline !== undefined && updates >= timeline.made) this.setState(timeline, { state, to: updates });
  }

  /** Returns true when this plane is another one than before. */
  setPlane(plane: number): boolean {
    if (plane === this.plane) return false;
    this.plane = plane;
    for (const run of this.runs) {
      run.points.clear();
      run.pointsMissing = false;
    }
    return true;
  }

  /** Something is known to exist and not here. */
  get lacking(): boolean {
    return this.runs.some((run, r) => run.evaluationsMissing || (run.pointsMissing && this.plane !== 0) || this.gap(r).length > 0);
  }

  /**
   * The tiles that close this run's first gap: one or two, at the finest level that a chart would draw it at. Finer detail comes when it is
   * zoomed into.
   */
  gap(run: number): TileAddress[] {
    const timeline = this.runs[run];
    if (timeline === undefined) return [];
    const from = timeline.head;
    const to = from === 0 ? (timeline.spans[0] ?? timeline.made) : (timeline.spans[2] ?? timeline.made);
    if (to <= from) return [];
    let level = 0;
    while ((to - from) / 4 ** level > MOST_DRAWN) level++;
    const tiles: TileAddress[] = [];
    for (let index = tileOf(from, level); index <= tileOf(to - 1, level); index++) tiles.push({ run, level, index });
    return tiles;
  }

  /** Buckets of a column over records `[from, to)`; see Pyramid.query. False when the run or column holds nothing yet. */
  query(run: number, column: number, from: number, to: number, maxBuckets: number, out: Buckets): boolean {
    const timeline = this.runs[run];
    if (timeline === undefined) return false;
    timeline.column(column).query(from, to, maxBuckets, timeline.made, out);
    return out.count > 0;
  }

  /** The finest known bucket around the record of this update. */
  at(run: number, column: number, update: number, out: Buckets): boolean {
    return update >= 1 && (this.runs[run]?.column(column).at(update - 1, out) ?? false);
  }

  private carriesLive(columns: readonly number[]): boolean {
    return this.liveColumns.every((column) => columns.includes(column));
  }

  private setState(run: RunTimeline, news: Pick<RunFrame, "state" | "to">): void {
    if (news.to < run.made) return; // an older frame, delivered late
    run.made = news.to;
    run.state = news.state;
    const end = hasEnded(news.state) ? news.to : -1;
    for (const column of run.columns) column?.setEnd(end);
  }

  private ingestSegments(run: RunTimeline, view: View, columns: readonly number[], segments: readonly Segment[]): void {
    for (const { level, first, count, offset } of segments) {
      const size = columnBytes(count);
      for (let c = 0; c < columns.length; c++) {
        const start = offset + c * size;
        run.column(columns[c]!).ingest(level, first, count, view.floats, start >> 2, view.bytes, start + 12 * count);
      }
    }
  }
}

const tileOf = (record: number, level: number): number => Math.floor(record / (TILE_BUCKETS * 4 ** level));
