import { expect, test } from "vitest";
import { nodeOptions } from "./heap.ts";

const optionsOf = (options: readonly string[], environment = "") => nodeOptions({ options, environment });

test("Node is told how much room young objects have, unless the operator said so", () => {
  expect(optionsOf([])).toEqual(["--max-semi-space-size=8"]);
  expect(optionsOf(["--cpu-prof"], "--enable-source-maps")).toEqual([
    "--cpu-prof",
    "--max-semi-space-size=8",
  ]);
  for (const own of ["--max-semi-space-size=16", "--max_semi_space_size=64"])
    expect(optionsOf([own])).toEqual([own]);
  expect(optionsOf([], "--trace-warnings --max-semi-space-size=64")).toEqual([]);
});
