/**
 * One column of one run as a pyramid of buckets: level L holds, for every 4^L records, min, max, last and how many were
 * not finite. Buckets come in any order, overlap and repeat; a parent is computed as soon as its four children are known
 * (at the end of a run: those that exist), so what is known never depends on the order of arrival.
 *
 * Each level is paged, 64 buckets a page, and a page exists only when something in it is known. Live frames touch level 0
 * only at their ragged ends, so a million updates cost a few hundred pages and not fourteen megabytes a column.
 */

const PAGE = 64;
export const MAX_LEVEL = 15;
/** Buckets that one tile spans, whatever its level. */
export const TILE_BUCKETS = 1024;

const PARTIAL = 1;
const KNOWN = 2;

class Page {
  readonly min = new Float32Array(PAGE);
  readonly max = new Float32Array(PAGE);
  readonly last = new Float32Array(PAGE);
  readonly nonFinite = new Uint8Array(PAGE);
  /** 0: nothing below is known; PARTIAL: some bucket below is; KNOWN: this bucket is. */
  readonly state = new Uint8Array(PAGE);
}

/** A row of buckets for drawing, reused from one query to the next. */
export class Buckets {
  count = 0;
  level = 0;
  from = new Float64Array(256);
  to = new Float64Array(256);
  min = new Float32Array(256);
  max = new Float32Array(256);
  last = new Float32Array(256);
  nonFinite = new Uint8Array(256);
  /** Tiles of `level` to fetch, so that the same query would answer in full detail. */
  readonly missing: number[] = [];

  clear(level: number): void {
    this.count = 0;
    this.level = level;
    this.missing.length = 0;
  }

  add(from: number, to: number, page: Page, slot: number): void {
    if (this.count === this.from.length) this.grow();
    const n = this.count++;
    this.from[n] = from;
    this.to[n] = to;
    this.min[n] = page.min[slot]!;
    this.max[n] = page.max[slot]!;
    this.last[n] = page.last[slot]!;
    this.nonFinite[n] = page.nonFinite[slot]!;
  }

  /** Takes over buckets that begin where these end, of whatever level; what a coarser bucket covers already is left out. */
  append({ count, level, from, to, min, max, last, nonFinite }: Buckets): void {
    this.level = level;
    for (let i = 0; i < count; i++) {
      if (this.count > 0 && from[i]! < this.to[this.count - 1]!) continue;
      if (this.count === this.from.length) this.grow();
      const n = this.count++;
      this.from[n] = from[i]!;
      this.to[n] = to[i]!;
      this.min[n] = min[i]!;
      this.max[n] = max[i]!;
      this.last[n] = last[i]!;
      this.nonFinite[n] = nonFinite[i]!;
    }
  }

  private grow(): void {
    const size = 2 * this.count;
    this.from = enlarged(this.from, size);
    this.to = enlarged(this.to, size);
    this.min = enlarged(this.min, size);
    this.max = enlarged(this.max, size);
    this.last = enlarged(this.last, size);
    this.nonFinite = enlarged(this.nonFinite, size);
  }
}

export function enlarged<T extends Float64Array | Float32Array | Uint32Array | Uint8Array>(old: T, size: number): T {
  const bigger = new (old.constructor as new (n: number) => T)(size);
  bigger.set(old);
  return bigger;
}

export class Pyramid {
  private readonly levels: (Page | undefined)[][] = Array.from({ length: MAX_LEVEL + 1 }, () => []);
  /** Records of the run when it has ended, −1 while it goes on. */
  private end = -1;

  /** Takes `count` buckets of a segment; the arrays are views of the message, `at` and `nonFiniteAt` where it begins. */
  ingest(level: number, first: number, count: number, floats: Float32Array, at: number, bytes: Uint8Array, nonFiniteAt: number): void {
    for (let i = 0; i < count; i++) {
      const index = first + i;
      const page = this.pageOf(level, index);
      const slot = index % PAGE;
      if (page.state[slot] === KNOWN) continue;
      page.min[slot] = floats[at + i]!;
      page.max[slot] = floats[at + count + i]!;
      page.last[slot] = floats[at + 2 * count + i]!;
      page.nonFinite[slot] = bytes[nonFiniteAt + i]!;
      page.state[slot] = KNOWN;
    }
    this.raise(level, first, first + count - 1);
  }

  /** The run has ended after `records` (or goes on again: −1). */
  setEnd(records: number): void {
    if (records === this.end) return;
    const before = this.end;
    if (before >= 0) this.forgetRagged();
    this.end = records;
    if (before >= 0) this.raiseFrom(before);
    if (records <= 0) return;
    for (let level = 0; level < MAX_LEVEL; level++) {
      const last = Math.floor((records - 1) / 4 ** level);
      this.raise(level, last, last);
      if (last === 0) break;
    }
  }

  isKnown(level: number, index: number): boolean {
    return this.stateOf(level, index) === KNOWN;
  }

  /** The finest known bucket that holds this record, as one row of `out`; false when there is none. */
  at(record: number, out: Buckets): boolean {
    for (let level = 0; level <= MAX_LEVEL; level++) {
      const index = Math.floor(record / 4 ** level);
      if (this.stateOf(level, index) !== KNOWN) continue;
      out.clear(level);
      this.emit(level, index, out);
      return true;
    }
    return false;
  }

  /**
   * Buckets over records `[from, to)`, at the finest level that needs at most `maxBuckets` of them. Where that level is
   * not known a coarser bucket stands in, and its tile is named in `out.missing`; at the head of a run, where the last
   * bucket is not complete, finer ones do. `made` is how many records the run has: beyond it nothing is missing.
   */
  query(from: number, to: number, maxBuckets: number, made: number, out: Buckets): void {
    let level = 0;
    while (level < MAX_LEVEL && (to - from) / 4 ** level > maxBuckets) level++;
    out.clear(level);
    const size = 4 ** level;
    const stop = Math.ceil(Math.min(to, made) / size);
    for (let index = Math.floor(from / size); index < stop;) index = this.cover(level, index, stop, made, out);
  }

  /** Emits what is known for one bucket and returns the index where to go on. */
  private cover(level: number, index: number, stop: number, made: number, out: Buckets): number {
    const state = this.stateOf(level, index);
    if (state === KNOWN) {
      this.emit(level, index, out);
      return index + 1;
    }
    const whole = (index + 1) * 4 ** level <= made || this.end >= 0;
    if (whole) this.noteMissing(index, out);
    for (let up = level + 1; up <= MAX_LEVEL; up++) {
      const ancestor = Math.floor(index / 4 ** (up - level));
      if (this.stateOf(up, ancestor) !== KNOWN) continue;
      this.emit(up, ancestor, out);
      const next = (ancestor + 1) * 4 ** (up - level);
      if (whole) this.noteMissing(Math.min(next, stop) - 1, out);
      return next;
    }
    if (state === PARTIAL) this.descend(level, index, out);
    return index + 1;
  }

  private descend(level: number, index: number, out: Buckets): void {
    for (let child = 4 * index; child < 4 * index + 4; child++) {
      const state = this.stateOf(level - 1, child);
      if (state === KNOWN) this.emit(level - 1, child, out);
      else if (state === PARTIAL) this.descend(level - 1, child, out);
    }
  }

  private noteMissing(index: number, out: Buckets): void {
    const tile = Math.floor(index / TILE_BUCKETS);
    if (out.missing[out.missing.length - 1] !== tile) out.missing.push(tile);
  }

  private emit(level: number, index: number, out: Buckets): void {
    const size = 4 ** level;
    const to = (index + 1) * size;
    out.add(index * size, this.end >= 0 && to > this.end ? this.end : to, this.levels[level]![Math.floor(index / PAGE)]!, index % PAGE);
  }

  private stateOf(level: number, index: number): number {
    const page = this.levels[level]![Math.floor(index / PAGE)];
    return page === undefined ? 0 : page.state[index % PAGE]!;
  }

  private pageOf(level: number, index: number): Page {
    const pages = this.levels[level]!;
    const number = Math.floor(index / PAGE);
    return (pages[number] ??= new Page());
  }

  /** Buckets `first…last` of `level` may have become known: computes the parents that now can be, all the way up. */
  private raise(level: number, first: number, last: number): void {
    for (; level < MAX_LEVEL; level++) {
      const top = this.end > 0 && 4 ** level >= this.end;
      if (top) return;
      first = Math.floor(first / 4);
      last = Math.floor(last / 4);
      let news = false;
      for (let parent = first; parent <= last; parent++) news = this.join(level, parent) || news;
      if (!news) return;
    }
  }

  /** Computes bucket `parent` of the level above from its children where all that exist are known. True when its state changed. */
  private join(level: number, parent: number): boolean {
    const page = this.pageOf(level + 1, parent);
    const slot = parent % PAGE;
    const before = page.state[slot]!;
    if (before === KNOWN) return false;
    const from = 4 * parent;
    let to = from + 4;
    if (this.end >= 0) to = Math.min(to, Math.floor((this.end - 1) / 4 ** level) + 1);
    const children = this.levels[level]![Math.floor(from / PAGE)];
    let known = to > from;
    for (let child = from; known && child < to; child++) known = children !== undefined && children.state[child % PAGE] === KNOWN;
    if (!known || children === undefined) {
      page.state[slot] = PARTIAL;
      return before !== PARTIAL;
    }
    let min = NaN,
      max = NaN,
      nonFinite = 0;
    for (let child = from; child < to; child++) {
      const c = child % PAGE;
      const low = children.min[c]!,
        high = children.max[c]!;
      if (!(min <= low) && low === low) min = low;
      if (!(max >= high) && high === high) max = high;
      nonFinite += children.nonFinite[c]!;
    }
    page.min[slot] = min;
    page.max[slot] = max;
    page.last[slot] = children.last[(to - 1) % PAGE]!;
    page.nonFinite[slot] = Math.min(255, nonFinite);
    page.state[slot] = KNOWN;
    return true;
  }

  /** Joins anew everything from this record on: what arrived while the run was thought to have ended before it. */
  private raiseFrom(record: number): void {
    for (let level = 0; level < MAX_LEVEL; level++) {
      const last = this.levels[level]!.length * PAGE - 1;
      const first = Math.floor(record / 4 ** level);
      if (last >= first) this.raise(level, first, last);
    }
  }

  /** Buckets that were cut short by an end that was not the end after all. */
  private forgetRagged(): void {
    for (let level = 1; level <= MAX_LEVEL; level++) {
      if (this.end % 4 ** level === 0) continue;
      const index = Math.floor(this.end / 4 ** level);
      const page = this.levels[level]![Math.floor(index / PAGE)];
      if (page !== undefined && page.state[index % PAGE] === KNOWN) page.state[index % PAGE] = PARTIAL;
    }
  }
}
