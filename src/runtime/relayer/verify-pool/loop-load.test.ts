import { expect, test } from "vitest";
import { systemClock } from "../../../base/clock.ts";
import { LoopLoad } from "./loop-load.ts";

const work = (ms: number) => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

test("a loop that works is busy, one that waits is not", async () => {
  const load = new LoopLoad(systemClock);
  expect(load.isBusy()).toBe(false);
  work(110);
  expect(load.isBusy()).toBe(true);
  // until the next look it stays so
  expect(load.isBusy()).toBe(true);
  await systemClock.sleep(300);
  expect(load.isBusy()).toBe(false);
});
