import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const top = join(import.meta.dirname, "../..");
const read = (name: string) => readFileSync(join(top, name), "utf8");

test("the lock file names no download address, so it installs from any registry", () => {
  const packages = Object.values(JSON.parse(read("package-lock.json")).packages as Record<string, { resolved?: string }>);
  expect(packages.length).toBeGreaterThan(20);
  expect(packages.filter((p) => p.resolved)).toEqual([]);
  expect(read(".npmrc")).toContain("omit-lockfile-registry-resolved=true");
});
