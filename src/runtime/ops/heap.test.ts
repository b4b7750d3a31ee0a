import { expect, test } from "vitest";
import { nodeOptions } from "./heap.ts";

test("Node is told how much room young objects have, unless the operator said so", () => {
  expect(nodeOptions([], "")).toEqual(["--max-semi-space-size=8"]);
  expect(nodeOptions(["--cpu-prof"], "--enable-source-maps")).toEqual([
    "--cpu-prof",
    "--max-semi-space-size=8",
  ]);
  for (const own of ["--max-semi-space-size=16", "--max_semi_space_size=64"])
    expect(nodeOptions([own], "")).toEqual([own]);
  expect(nodeOptions([], "--trace-warnings --max-semi-space-size=64")).toEqual([]);
});
