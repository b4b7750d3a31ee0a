import { expect, test } from "vitest";
import { automaticWorkers } from "./open.ts";

test("one worker for two threads of the machine, none on one, four at most", () => {
  const of = [1, 2, 3, 4, 6, 8, 16, 128].map(automaticWorkers);
  expect(of).toEqual([0, 1, 1, 2, 3, 4, 4, 4]);
});
