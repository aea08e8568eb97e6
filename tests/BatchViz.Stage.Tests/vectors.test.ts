/**
 * The byte vectors that the C# encoder writes (tests/vectors/wire): NAME.bin, and beside it NAME.json with
 *
 *   { "kind": "frame" | "tile" | "evaluations" | "paths" | "grid", "expect": { … } }
 *
 * where `expect` has the decoder's own property names. A segment is { level, first, count, buckets } with buckets[column][i] =
 * [min, max, last, nonFinite]; a list of entries is { first, count, values } with values[i] = [update, a, b, c, d]; a grid's
 * values are a plain array. What JSON cannot say is "NaN", "Infinity" or "-Infinity".
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import * as wire from "../../src/BatchViz.Stage/wire.ts";

const folder = join(import.meta.dirname, "../vectors/wire");
const names = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .map((name) => name.slice(0, -5));
const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, `${name}.bin`)));
const DECODERS: Record<string, (bytes: Uint8Array) => object> = {
  frame: wire.decodeFrame,
  tile: wire.decodeTile,
  evaluations: wire.decodeEvaluations,
  paths: wire.decodePaths,
  grid: wire.decodeGrid,
};

const numbers = (values: ArrayLike<number>): (number | string)[] => Array.from(values, (v) => (Number.isFinite(v) ? v : String(v)));

function plainSegment(view: wire.View, segment: wire.Segment, columns: number): object {
  const { level, first, count, offset } = segment;
  const buckets = Array.from({ length: columns }, (_, c) => {
    const start = offset + c * wire.columnBytes(count),
      f = start >> 2;
    return Array.from({ length: count }, (__, i) => [
      ...numbers([view.floats[f + i]!, view.floats[f + count + i]!, view.floats[f + 2 * count + i]!]),
      view.bytes[start + 12 * count + i]!,
    ]);
  });
  return { level, first, count, buckets };
}

function plainEntries(view: wire.View, { first, count, word }: wire.Entries): object {
  return {
    first,
    count,
    values: Array.from({ length: count }, (_, i) => [
      view.words[word + 5 * i]!,
      ...numbers(view.floats.subarray(word + 5 * i + 1, word + 5 * i + 5)),
    ]),
  };
}

/** What was decoded, without views into the message. */
function plain(value: unknown, view?: wire.View, columns = 0): unknown {
  if (value instanceof Float32Array) return numbers(value);
  if (Array.isArray(value)) return value.map((item) => plain(item, view, columns));
  if (typeof value !== "object" || value === null) return typeof value === "number" ? numbers([value])[0] : value;
  const own = (value as { view?: wire.View }).view ?? view;
  const width = (value as { columns?: number[] }).columns?.length ?? columns;
  if ("word" in value) return plainEntries(own!, value as wire.Entries);
  if ("offset" in value) return plainSegment(own!, value as wire.Segment, width);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "view")
      .map(([key, item]) => [key, plain(item, own, width)]),
  );
}

test("there are vectors", () => expect(names.length).toBeGreaterThan(0));

describe.each(names)("%s", (name) => {
  const { kind, expect: expected } = JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as { kind: string; expect: object };

  test("decodes to what the encoder meant", () => {
    expect(plain(DECODERS[kind]!(bytesOf(name)))).toEqual(expected);
  });

  test("is refused in one sentence when it ends early, anywhere", () => {
    const bytes = bytesOf(name);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => DECODERS[kind]!(bytes.slice(0, length)), `${length} bytes`).toThrow(/^The [^.]*\.$/);
    }
  });

  test("reads the same from an odd address", () => {
    const bytes = bytesOf(name);
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(plain(DECODERS[kind]!(shifted.subarray(3)))).toEqual(expected);
  });

  test("is refused with another magic number or version", () => {
    const magic = bytesOf(name),
      version = bytesOf(name);
    magic[0]! ^= 1;
    version[4] = 2;
    expect(() => DECODERS[kind]!(magic)).toThrow(/does not begin with BV/);
    expect(() => DECODERS[kind]!(version)).toThrow(/has version 2/);
  });
});
