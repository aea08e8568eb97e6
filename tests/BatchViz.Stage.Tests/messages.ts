/** Builds messages as docs/wire-format.md says, for tests: plainly, record by record, unlike either encoder. */
import { decodeFrame, decodeTile, RUN_STATES, type RunState } from "../../src/BatchViz.Stage/wire.ts";

export type Bucket = [min: number, max: number, last: number, nonFinite: number];

/** The bucket over records, computed directly from them. */
export function bucketOf(records: readonly number[]): Bucket {
  const finite = records.filter(Number.isFinite).map(Math.fround);
  return [
    finite.length ? Math.min(...finite) : NaN,
    finite.length ? Math.max(...finite) : NaN,
    Math.fround(records.at(-1)!),
    Math.min(255, records.length - finite.length),
  ];
}

class Bytes {
  private readonly list: number[] = [];
  private readonly scratch = new DataView(new ArrayBuffer(8));
  put(kind: "u8" | "u16" | "u32" | "f32" | "f64", value: number): this {
    const size = { u8: 1, u16: 2, u32: 4, f32: 4, f64: 8 }[kind];
    if (kind === "u8") this.scratch.setUint8(0, value);
    if (kind === "u16") this.scratch.setUint16(0, value, true);
    if (kind === "u32") this.scratch.setUint32(0, value, true);
    if (kind === "f32") this.scratch.setFloat32(0, value, true);
    if (kind === "f64") this.scratch.setFloat64(0, value, true);
    for (let i = 0; i < size; i++) this.list.push(this.scratch.getUint8(i));
    return this;
  }
  align(): this {
    while (this.list.length % 4) this.list.push(0);
    return this;
  }
  done(): Uint8Array {
    return Uint8Array.from(this.list);
  }
}

/** The canonical split of [from, to) with levels up to `top`: runs of neighbours of one level. */
export function split(from: number, to: number, top: number): { level: number; first: number; count: number }[] {
  const segments: { level: number; first: number; count: number }[] = [];
  for (let at = from; at < to;) {
    let level = top;
    while (level > 0 && (at % 4 ** level !== 0 || at + 4 ** level > to)) level--;
    const last = segments.at(-1);
    if (last?.level === level) last.count++;
    else segments.push({ level, first: at / 4 ** level, count: 1 });
    at += 4 ** level;
  }
  return segments;
}

function putSegments(out: Bytes, columns: readonly (readonly number[])[], from: number, to: number, top: number): number {
  const segments = split(from, to, top);
  for (const { level, first, count } of segments) {
    out.put("u8", level).put("u8", 0).put("u16", count).put("u32", first);
    for (const records of columns) {
      const buckets = Array.from({ length: count }, (_, i) =>
        bucketOf(records.slice((first + i) * 4 ** level, (first + i + 1) * 4 ** level)),
      );
      for (const k of [0, 1, 2]) for (const bucket of buckets) out.put("f32", bucket[k]!);
      for (const bucket of buckets) out.put("u8", bucket[3]);
      out.align();
    }
  }
  return segments.length;
}

export interface FrameOptions {
  run?: number;
  state?: RunState;
  plane?: number;
  evaluations?: { first: number; entries: number[][] };
  points?: { first: number; entries: number[][] };
  top?: number;
  sequence?: number;
  generation?: number;
  revision?: number;
  grid?: number;
  resolution?: number;
}

export const frame = (columns: readonly (readonly number[])[], from: number, to: number, options: FrameOptions = {}) =>
  decodeFrame(frameBytes(columns, from, to, options));

export function frameBytes(columns: readonly (readonly number[])[], from: number, to: number, options: FrameOptions = {}) {
  const body = new Bytes();
  const segments = putSegments(body, columns, from, to, options.top ?? 3);
  const out = new Bytes()
    .put("u32", 0x31465642)
    .put("u16", 1)
    .put("u16", 0)
    .put("u32", options.sequence ?? 1)
    .put("u32", options.generation ?? 1)
    .put("u32", options.revision ?? 1)
    .put("u32", options.plane ?? 0)
    .put("u32", options.grid ?? 0)
    .put("u16", options.resolution ?? 0)
    .put("u16", 0)
    .put("f64", 0)
    .put("u16", 1)
    .put("u16", columns.length);
  columns.forEach((_, index) => out.put("u8", index));
  out
    .align()
    .put("u16", options.run ?? 0)
    .put("u8", RUN_STATES.indexOf(options.state ?? "running"))
    .put("u8", segments)
    .put("u32", from)
    .put("u32", to);
  const { evaluations, points } = options;
  out
    .put("u32", evaluations?.first ?? 0)
    .put("u32", points?.first ?? 0)
    .put("u16", evaluations?.entries.length ?? 0)
    .put("u16", points?.entries.length ?? 0);
  putSegments(out, columns, from, to, options.top ?? 3);
  for (const list of [evaluations, points])
    for (const [update, ...values] of list?.entries ?? []) {
      out.put("u32", update!);
      for (const value of values) out.put("f32", value);
    }
  return out.done();
}

/** The HTTP answer with all evaluations, or with all path points of a plane. */
export function listBytes(name: "BVE1" | "BVP1", entries: readonly (readonly number[])[], plane = 0, generation = 1, run = 0): Uint8Array {
  const out = new Bytes()
    .put("u32", name === "BVE1" ? 0x31455642 : 0x31505642)
    .put("u16", 1)
    .put("u16", run)
    .put("u32", generation)
    .put("u32", plane)
    .put("u32", entries.length);
  for (const [update, ...values] of entries) {
    out.put("u32", update!);
    for (const value of values) out.put("f32", value);
  }
  return out.done();
}

export function tile(columns: readonly (readonly number[])[], level: number, index: number, head: number, run = 0) {
  const from = index * 1024 * 4 ** level,
    to = Math.min(head, (index + 1) * 1024 * 4 ** level);
  const body = new Bytes();
  const segments = putSegments(body, columns, from, to, level);
  const out = new Bytes()
    .put("u32", 0x31545642)
    .put("u16", 1)
    .put("u8", level)
    .put("u8", 0)
    .put("u32", 1)
    .put("u16", run)
    .put("u16", columns.length)
    .put("u32", index)
    .put("u32", from)
    .put("u32", to)
    .put("u16", segments)
    .put("u16", 0);
  columns.forEach((_, i) => out.put("u8", i));
  out.align();
  putSegments(out, columns, from, to, level);
  return decodeTile(out.done());
}
