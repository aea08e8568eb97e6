/** The page's own colours against each other, as WCAG 2 asks for: 4.5:1 for words, 3:1 for what is drawn. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { contrast } from "./contrast.ts";
import { GROUND } from "../../src/BatchViz.Stage/style.ts";

const css = readFileSync(join(import.meta.dirname, "../../wwwroot/css/tokens.css"), "utf8");
const tokens = Object.fromEntries(
  [...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(([, name, light, dark]) => [
    name!,
    { light: light!, dark: dark! },
  ]),
);

test("the grounds that runs are told from are those of the page", () => {
  expect(GROUND).toEqual(tokens["ground"]);
});

test.each(["light", "dark"] as const)("words and drawings stand out in the %s theme", (theme) => {
  const of = (name: string): string => tokens[name]![theme];
  const low: string[] = [];
  const ask = (word: string, ground: string, least: number): void => {
    const found = contrast(of(word), of(ground));
    if (found < least) low.push(`${word} on ${ground}: ${found.toFixed(2)}`);
  };
  for (const ground of ["ground", "panel", "raised", "hover"]) {
    for (const word of ["text", "quiet"]) ask(word, ground, 4.5);
    ask("green", ground, 3);
  }
  for (const ground of ["ground", "panel"]) for (const word of ["accent", "red"]) ask(word, ground, 4.5);
  ask("on-accent", "accent", 4.5);
  expect(low).toEqual([]);
});
