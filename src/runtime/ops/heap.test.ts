import { expect, test } from "vitest";
import { nodeOptions } from "./heap.ts";

const YOUNG = "--max-semi-space-size=8";
const HELPERS = "--v8-pool-size=1";

test("Node is told how much room young objects have and how many threads help, unless the operator said so", () => {
  expect(nodeOptions([], "", 2)).toEqual([YOUNG, HELPERS]);
  expect(nodeOptions(["--cpu-prof"], "--enable-source-maps", 2)).toEqual(["--cpu-prof", YOUNG, HELPERS]);
  for (const own of ["--max-semi-space-size=16", "--max_semi_space_size=64"])
    expect(nodeOptions([own], "", 2)).toEqual([own, HELPERS]);
  expect(nodeOptions([], "--trace-warnings --max-semi-space-size=64", 2)).toEqual([HELPERS]);
  for (const own of ["--v8-pool-size=3", "--v8_pool_size=0"])
    expect(nodeOptions([], own, 2)).toEqual([YOUNG]);
});

test.each([
  [1, 1],
  [2, 1],
  [3, 2],
  [5, 4],
  [64, 4],
])("on %i cores %i threads help, no more than Node would start", (cores, helpers) => {
  expect(nodeOptions([YOUNG], "", cores)).toEqual([YOUNG, `--v8-pool-size=${helpers}`]);
});
