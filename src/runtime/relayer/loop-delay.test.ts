import { expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { LoopDelay } from "./loop-delay.ts";

test("a turn of the loop that takes long is seen once, in seconds", { timeout: 20_000 }, async () => {
  const delay = new LoopDelay();
  await systemClock.sleep(100);
  const end = performance.now() + 300;
  while (performance.now() < end);
  await systemClock.sleep(100);
  const { p50, max } = delay.read();
  expect(max).toBeGreaterThan(0.25);
  expect(max).toBeLessThan(10);
  expect(p50).toBeLessThan(max);
  // The machine itself may stand still for a while meanwhile; then the next look.
  const next = async () => {
    await systemClock.sleep(100);
    return delay.read().max;
  };
  await expect.poll(next, { timeout: 4_000 }).toBeLessThan(0.25);
  delay.close();
});
