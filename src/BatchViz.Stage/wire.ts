/**
 * The wire format, version 1, as docs/wire-format.md describes it: frames, tiles, evaluations, paths and grids.
 *
 * Nothing is copied. A message is viewed in place through one Float32Array, one Uint32Array and one Uint8Array; segments
 * and entries are small cursors into them. So a frame of 64 buckets a column costs a handful of objects, not hundreds.
 * Typed arrays have the byte order of the machine, and every machine that runs a browser today is little-endian.
 */

export const FLAG_HELD = 1;
export const FLAG_FINISHED = 2;

/** States of a run, by their number on the wire. */
export const RUN_STATES = ["waiting", "running", "finished", "diverged", "stopped", "failed"] as const;
export type RunState = (typeof RUN_STATES)[number];

/** A message that is not what it should be. Its text is one sentence for the reader of the page. */
export class WireError extends Error {}

/** A row of buckets of one level, for all columns of its message. */
export interface Segment {
  level: number;
  first: number;
  count: number;
  /** Byte offset of the first column's block; blocks follow each other, `columnBytes(count)` apart. */
  offset: number;
}

/** Evaluations or path points: 20 bytes each, an update number and four floats. */
export interface Entries {
  /** Index of the first entry within the run's whole list. */
  first: number;
  count: number;
  /** Offset of the first entry, in 4-byte words. */
  word: number;
}

export interface RunFrame {
  run: number;
  state: RunState;
  from: number;
  to: number;
  segments: Segment[];
  evaluations: Entries;
  points: Entries;
}

/** The message's bytes, seen as numbers. */
export interface View {
  bytes: Uint8Array;
  floats: Float32Array;
  words: Uint32Array;
}

export interface Frame {
  view: View;
  held: boolean;
  finished: boolean;
  sequence: number;
  generation: number;
  revision: number;
  plane: number;
  grid: number;
  resolution: number;
  watching: number;
  seconds: number;
  columns: number[];
  runs: RunFrame[];
}

export interface Tile {
  view: View;
  level: number;
  whole: boolean;
  generation: number;
  run: number;
  index: number;
  from: number;
  to: number;
  columns: number[];
  segments: Segment[];
}

export interface EntryList {
  view: View;
  run: number;
  generation: number;
  plane: number;
  entries: Entries;
}

export interface Grid {
  resolution: number;
  generation: number;
  plane: number;
  grid: number;
  /** x of the first and last column, y of the first and last row. */
  region: [number, number, number, number];
  /** Loss at each point, row by row from the first y. */
  values: Float32Array;
}

/** Bytes that one column takes in a segment of `count` buckets: three floats each, and a counter each, padded. */
export const columnBytes = (count: number): number => 12 * count + ((count + 3) & ~3);

const NAMES = { BVF1: 0x31465642, BVT1: 0x31545642, BVE1: 0x31455642, BVP1: 0x31505642, BVG1: 0x31475642 } as const;
const WORDS = { BVF1: "live frame", BVT1: "tile", BVE1: "list of evaluations", BVP1: "list of path points", BVG1: "grid" };
const VERSION = 1;

/** Reads forward through a message and refuses to read past its end. */
class Cursor {
  readonly view: View;
  private readonly data: DataView;
  at = 0;

  constructor(
    bytes: Uint8Array,
    private readonly name: keyof typeof NAMES,
  ) {
    // Floats are viewed in place, so a message that begins at an odd address (a slice) is moved once.
    const own = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
    const whole = own.byteLength >> 2;
    this.data = new DataView(own.buffer, own.byteOffset, own.byteLength);
    this.view = {
      bytes: own,
      floats: new Float32Array(own.buffer, own.byteOffset, whole),
      words: new Uint32Array(own.buffer, own.byteOffset, whole),
    };
    if (own.byteLength < 6 || this.u32() !== NAMES[name]) this.refuse(`does not begin with ${name}`);
    const version = this.u16();
    if (version !== VERSION) this.refuse(`has version ${version}, and this page reads version ${VERSION}; reload the page`);
  }

  refuse(why: string): never {
    throw new WireError(`The ${WORDS[this.name]} that arrived ${why}.`);
  }

  /** Steps over `bytes` and returns where they began. */
  skip(bytes: number): number {
    const start = this.at;
    if (start + bytes > this.data.byteLength) this.refuse(`ends after ${this.data.byteLength} bytes, in the middle of a value`);
    this.at = start + bytes;
    return start;
  }

  u8(): number {
    return this.data.getUint8(this.skip(1));
  }
  u16(): number {
    return this.data.getUint16(this.skip(2), true);
  }
  u32(): number {
    return this.data.getUint32(this.skip(4), true);
  }
  f32(): number {
    return this.data.getFloat32(this.skip(4), true);
  }
  f64(): number {
    return this.data.getFloat64(this.skip(8), true);
  }
  align(): void {
    this.skip(-this.at & 3);
  }

  columns(count: number): number[] {
    const start = this.skip(count);
    const indices = Array.from(this.view.bytes.subarray(start, start + count));
    this.align();
    return indices;
  }

  /** Segments that cover `[from, to)` without a hole. */
  segments(count: number, columns: number, from: number, to: number): Segment[] {
    const segments: Segment[] = [];
    let next = from;
    for (let i = 0; i < count; i++) {
      const level = this.u8();
      this.u8();
      const buckets = this.u16();
      const first = this.u32();
      if (level > 15 || first * 4 ** level !== next) this.refuse("has a hole in its records");
      next = (first + buckets) * 4 ** level;
      segments.push({ level, first, count: buckets, offset: this.skip(columns * columnBytes(buckets)) });
    }
    if (next !== to) this.refuse(`promises records up to ${to} and carries them up to ${next}`);
    return segments;
  }

  entries(first: number, count: number): Entries {
    return { first, count, word: this.skip(20 * count) >> 2 };
  }
}

export function decodeFrame(bytes: Uint8Array): Frame {
  const c = new Cursor(bytes, "BVF1");
  const flags = c.u16();
  const frame: Frame = {
    view: c.view,
    held: (flags & FLAG_HELD) !== 0,
    finished: (flags & FLAG_FINISHED) !== 0,
    sequence: c.u32(),
    generation: c.u32(),
    revision: c.u32(),
    plane: c.u32(),
    grid: c.u32(),
    resolution: c.u16(),
    watching: c.u16(),
    seconds: c.f64(),
    columns: [],
    runs: [],
  };
  const runs = c.u16();
  frame.columns = c.columns(c.u16());
  for (let i = 0; i < runs; i++) {
    const run = c.u16();
    const state = RUN_STATES[c.u8()] ?? c.refuse("names a state of a run that this page does not know");
    const segments = c.u8();
    const from = c.u32(),
      to = c.u32();
    const firstEvaluation = c.u32(),
      firstPoint = c.u32();
    const evaluations = c.u16(),
      points = c.u16();
    frame.runs.push({
      run,
      state,
      from,
      to,
      segments: c.segments(segments, frame.columns.length, from, to),
      evaluations: c.entries(firstEvaluation, evaluations),
      points: c.entries(firstPoint, points),
    });
  }
  return frame;
}

export function decodeTile(bytes: Uint8Array): Tile {
  const c = new Cursor(bytes, "BVT1");
  const level = c.u8();
  const whole = (c.u8() & 1) !== 0;
  const generation = c.u32();
  const run = c.u16();
  const columnCount = c.u16();
  const index = c.u32();
  const from = c.u32(),
    to = c.u32();
  const segmentCount = c.u16();
  c.u16();
  const columns = c.columns(columnCount);
  const segments = c.segments(segmentCount, columnCount, from, to);
  return { view: c.view, level, whole, generation, run, index, from, to, columns, segments };
}

export const decodeEvaluations = (bytes: Uint8Array): EntryList => decodeEntries(bytes, "BVE1");
export const decodePaths = (bytes: Uint8Array): EntryList => decodeEntries(bytes, "BVP1");

function decodeEntries(bytes: Uint8Array, name: "BVE1" | "BVP1"): EntryList {
  const c = new Cursor(bytes, name);
  const run = c.u16();
  const generation = c.u32();
  const plane = c.u32();
  const count = c.u32();
  return { view: c.view, run, generation, plane, entries: c.entries(0, count) };
}

export function decodeGrid(bytes: Uint8Array): Grid {
  const c = new Cursor(bytes, "BVG1");
  const resolution = c.u16();
  const generation = c.u32();
  const plane = c.u32();
  const grid = c.u32();
  const region: Grid["region"] = [c.f32(), c.f32(), c.f32(), c.f32()];
  const start = c.skip(4 * resolution * resolution) >> 2;
  return { resolution, generation, plane, grid, region, values: c.view.floats.subarray(start, start + resolution * resolution) };
}

export type Block = (Tile & { kind: "tile" }) | (EntryList & { kind: "evaluations" | "paths" }) | (Grid & { kind: "grid" });

/** A block of history of any kind, told by its magic number. */
export function decodeBlock(bytes: Uint8Array): Block {
  const magic = bytes.length < 4 ? 0 : new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  switch (magic) {
    case NAMES.BVT1:
      return { kind: "tile", ...decodeTile(bytes) };
    case NAMES.BVE1:
      return { kind: "evaluations", ...decodeEvaluations(bytes) };
    case NAMES.BVP1:
      return { kind: "paths", ...decodePaths(bytes) };
    case NAMES.BVG1:
      return { kind: "grid", ...decodeGrid(bytes) };
    default:
      throw new WireError("A block of this recording is of a kind that this page does not know.");
  }
}

/** Bytes that travel inside JSON: pixels, the values of a boundary, the blocks of a replay in one file. */
export function fromBase64(text: string): Uint8Array {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
