/** Keys: what is pressed finds its row, the sheet shows every table, and nobody listens to keys in any other way. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { press, written, type Keys } from "../../src/BatchViz.Stage/panels/keys.ts";

vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener() {} }));
const { EVERYWHERE, SHEET } = await import("../../src/BatchViz.Stage/panels/help.ts");

const STAGE = join(import.meta.dirname, "../../src/BatchViz.Stage");
const pressed = (name: string): Parameters<typeof press>[1] => ({
  key: name.replace(/^(Ctrl\+)?(Shift\+)?/, ""),
  ctrlKey: name.startsWith("Ctrl+"),
  shiftKey: name.includes("Shift+"),
  metaKey: false,
  altKey: false,
});
const sources = readdirSync(STAGE, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => ({ path, text: readFileSync(join(STAGE, path), "utf8") }));

describe("tables of keys", () => {
  const table: Keys<string[]> = [
    { keys: ["ArrowLeft", "ArrowRight"], words: "", act: (done, key) => void done.push(key) },
    { keys: ["Shift+ArrowLeft"], words: "", act: (done) => void done.push("far") },
    { keys: ["n", "Shift+n"], also: ["="], words: "", act: (done, key) => void done.push(key) },
    { keys: ["Ctrl+z"], words: "", act: (done) => void done.push("undo") },
    { keys: ["x"], words: "", act: () => false },
  ];

  test("the closest name is meant; a key that nobody wants is free", () => {
    const done: string[] = [];
    const keys = ["ArrowLeft", "Shift+ArrowLeft", "Shift+ArrowRight", "n", "Shift+N", "=", "Ctrl+z"];
    expect(keys.map((key) => press(table, pressed(key), done))).toEqual(keys.map(() => true));
    expect(done).toEqual(["ArrowLeft", "far", "ArrowRight", "n", "Shift+n", "=", "undo"]);
    expect([
      press(table, pressed("x"), done),
      press(table, pressed("y"), done),
      press(table, pressed("Ctrl+n"), done),
      press(table, { ...pressed("n"), altKey: true }, done),
      press(table, { ...pressed("z"), metaKey: true }, done),
    ]).toEqual([false, false, false, false, true]);
  });

  test("names are those on the keys", () => {
    expect(["Shift+ArrowLeft", " ", "Shift+ ", "Ctrl+Shift+z", "-", "Escape", "k"].map(written)).toEqual([
      "Shift+←",
      "Space",
      "Shift+Space",
      "Ctrl+Shift+Z",
      "−",
      "Esc",
      "K",
    ]);
  });
});

describe("the sheet", () => {
  const tables = SHEET.flatMap(([, parts]) => parts.map(([where, table]) => ({ where, table: table as Keys<unknown> })));

  test("every key on it does what stands beside it, and nothing that comes earlier in its table", () => {
    for (const { where, table } of tables) {
      for (const row of table) {
        for (const key of [...row.keys, ...(row.also ?? [])]) {
          const spied = table.map((other) => ({ ...other, act: vi.fn() }));
          expect(press(spied, pressed(key), null), `${where} ${key}`).toBe(true);
          expect(
            spied.filter(({ act }) => act.mock.calls.length > 0).map(({ words }) => words),
            `${where} ${key}`,
          ).toEqual([row.words]);
        }
      }
    }
  });

  test("no key means two things at the same place", () => {
    const keys = EVERYWHERE.flatMap((row) => row.keys);
    expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
  });

  test("every table of keys in the source is on it", () => {
    const named = sources.flatMap(({ text }) => [...text.matchAll(/^(?:export )?const (\w+_KEYS): Keys</gm)].map(([, name]) => name!));
    const text = sources.find(({ path }) => path === join("panels", "help.ts"))!.text,
      sheet = text.slice(text.indexOf("export const SHEET"), text.indexOf("];", text.indexOf("export const SHEET")));
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !new RegExp(`\\b${name}\\b`).test(sheet))).toEqual([]);
    expect(tables).toHaveLength(named.length);
  });

  test("whoever listens to keys works through a table", () => {
    const listening = sources.filter(({ text }) => text.includes('addEventListener("keydown"'));
    expect(listening.length).toBeGreaterThan(8);
    for (const { path, text } of listening) {
      expect(text, path).toMatch(/press\((\w+_KEYS|EVERYWHERE), event, /);
      // A key that is only let go by is no key that does something.
      const others = text
        .split("\n")
        .filter((line) => /\bevent\.key\b|\bkey === "[A-Z]/.test(line) && !/\breturn;|stopPropagation/.test(line) && !/\bact: /.test(line));
      expect(others, path).toEqual([]);
    }
  });
});
