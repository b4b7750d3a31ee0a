import { expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { LoopDelay } from "./loop-delay.ts";

test("a turn of the loop that takes long is seen once, in seconds", async () => {
  const delay = new LoopDelay();
  await systemClock.sleep(100);
  const end = performance.now() + 300;
  while (performance.now() < end);
  await systemClock.sleep(100);
  const { p50, max } = delay.read();
  expect(max).toBeGreaterThan(0.25);
  expect(max).toBeLessThan(3);
  expect(p50).toBeLessThan(max);
  await systemClock.sleep(100);
  expect(delay.read().max).toBeLessThan(0.25);
  delay.close();
});
