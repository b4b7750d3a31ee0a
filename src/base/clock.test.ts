import { expect, test } from "vitest";
import { repeat, systemClock } from "./clock.ts";

test("a sleep ends early, without error, when its signal aborts", async () => {
  const stop = new AbortController();
  const start = systemClock.monotonic();
  const sleeping = systemClock.sleep(60_000, stop.signal);
  stop.abort();
  await sleeping;
  await systemClock.sleep(60_000, stop.signal);
  expect(systemClock.monotonic() - start).toBeLessThan(10_000);
});

test("a repeated turn goes on after one that threw, never two at a time, and stops on abort", async () => {
  const stop = new AbortController();
  const errors: unknown[] = [];
  let turns = 0;
  let running = 0;
  await repeat(
    systemClock,
    { everyMs: 1, signal: stop.signal, onError: (thrown) => errors.push(thrown) },
    async () => {
      running += 1;
      expect(running).toBe(1);
      turns += 1;
      await systemClock.sleep(1);
      running -= 1;
      if (turns === 2) throw new Error("second turn");
      if (turns === 4) stop.abort();
    },
  );
  expect(turns).toBe(4);
  expect(errors).toEqual([new Error("second turn")]);
});
