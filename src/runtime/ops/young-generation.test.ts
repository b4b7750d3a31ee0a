import { expect, test } from "vitest";
import { nodeOptions } from "./young-generation.ts";

test("Node is given room for young objects, unless the operator said how much", () => {
  expect(nodeOptions([], "")).toEqual(["--max-semi-space-size=8"]);
  expect(nodeOptions(["--cpu-prof"], "--enable-source-maps")).toEqual([
    "--cpu-prof",
    "--max-semi-space-size=8",
  ]);
  for (const own of ["--max-semi-space-size=16", "--max_semi_space_size=64"])
    expect(nodeOptions([own], "")).toEqual([own]);
  expect(nodeOptions([], "--trace-warnings --max-semi-space-size=64")).toEqual([]);
});
