import { expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { Slots } from "./slots.ts";

test("whoever finds no slot waits in line, first come first served, and leaves empty-handed when it takes too long", async () => {
  const slots = new Slots(1, systemClock);
  expect(await slots.take(0)).toBe(true);
  const order: string[] = [];
  const wait = async (name: string, ms: number) => order.push(`${name} ${await slots.take(ms)}`);
  const all = Promise.all([wait("a", 60_000), wait("b", 1), wait("c", 60_000)]);
  await systemClock.sleep(20);
  slots.release();
  await systemClock.sleep(1);
  slots.release();
  await all;
  expect(order).toEqual(["b false", "a true", "c true"]);
  expect(await slots.take(1)).toBe(false);
  slots.release();
  expect(await slots.take(0)).toBe(true);
});
