/** Where a run stands under one core's roofline. */
import { expect, test } from "vitest";
import { roofline, sayRoofline } from "../../src/BatchViz.Stage/roofline.ts";

const machine = { fmaGflops: 110, memoryGBs: 10, cores: 2 };

test("below the ridge memory is the limit, above it arithmetic", () => {
  const small = roofline(machine, 4e6, 2e6, 1000)!,
    large = roofline(machine, 400e6, 10e6, 170)!;
  expect([small.intensity, small.reached, small.ceiling, small.ridge, small.boundBy]).toEqual([2, 4, 20, 11, "memory"]);
  expect([large.intensity, large.reached, large.ceiling, large.boundBy]).toEqual([40, 68, 110, "arithmetic"]);
  expect(sayRoofline(small, machine)).toBe(
    "Reaches 4 % of one core's 110 GFLOP/s; with 2 FLOP/byte it is bound by memory (below 11 FLOP/byte).",
  );
  expect(sayRoofline(large, machine)).toMatch(/^Reaches 62 % .* bound by arithmetic/);
});

test("what is not measured has no place", () => {
  expect(roofline(machine, 4e6, 2e6, 0)).toBeNull();
  expect(roofline(machine, 4e6, 0, 1000)).toBeNull();
  expect(roofline({ ...machine, memoryGBs: 0 }, 4e6, 2e6, 1000)).toBeNull();
});
