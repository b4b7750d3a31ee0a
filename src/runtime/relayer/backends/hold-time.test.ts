import { expect, test } from "vitest";
import { HoldTime } from "./hold-time.ts";

test("the wait is as long as those before it have the connections", () => {
  const holds = new HoldTime();
  expect(holds.waitFor(200, 100)).toBe(0);
  holds.held(500);
  expect(holds.waitFor(200, 100)).toBe(1_000);
});

test("a backend that gets faster or slower is followed within a few hundred requests, one odd request is not", () => {
  const holds = new HoldTime();
  holds.held(500);
  holds.held(30_000);
  expect(holds.waitFor(1, 1)).toBeLessThan(1_500);
  for (let request = 0; request < 300; request++) holds.held(5);
  expect(holds.waitFor(1, 1)).toBeLessThan(6);
});
