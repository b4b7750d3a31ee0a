import { expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { Heights } from "./heights.ts";

test("the height only grows, and listeners hear each growth once", () => {
  const heights = new Heights(systemClock);
  const heard: bigint[] = [];
  const stop = heights.onChange((height) => heard.push(height));
  for (const height of [5n, 4n, 5n, 7n]) heights.set(height);
  stop();
  heights.set(9n);
  expect(heard).toEqual([5n, 7n]);
  expect(heights.current).toBe(9n);
});

test("waiting for a height ends with the height or with the time", async () => {
  const heights = new Heights(systemClock);
  const waiting = heights.reached(3n, 60_000);
  heights.set(3n);
  expect(await waiting).toBe(true);
  expect(await heights.reached(4n, 1)).toBe(false);
});
