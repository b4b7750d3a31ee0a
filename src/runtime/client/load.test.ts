import { expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { runLoad } from "./load.ts";
import type { Outcome } from "./outcome.ts";

const answered = (latencyMs: number): Outcome => ({ kind: "answered", latencyMs, answers: [] });

test("each number is sent once, and never more than the concurrency at a time", async () => {
  const sent: number[] = [];
  let [inFlight, most] = [0, 0];
  const time = await runLoad<number>({
    plan: { count: 50, concurrency: 4, rps: 0 },
    clock: systemClock,
    signal: new AbortController().signal,
    relay: (number) => number,
    send: async () => {
      most = Math.max(most, ++inFlight);
      await systemClock.sleep(1);
      inFlight -= 1;
      return answered(1);
    },
    onOutcome: (number) => sent.push(number),
  });
  expect(sent.toSorted((left, right) => left - right)).toEqual(
    Array.from({ length: 50 }, (_, index) => index),
  );
  expect(most).toBe(4);
  expect(time.begun).toBe(50);
});

test("at a rate, a relay that had to wait for a stalled one counts from when it was due", async () => {
  const latencies: number[] = [];
  const time = await runLoad<number>({
    plan: { count: 10, concurrency: 1, rps: 100 },
    clock: systemClock,
    signal: new AbortController().signal,
    relay: (number) => number,
    send: async (number) => {
      if (number === 0) await systemClock.sleep(120);
      return answered(number === 0 ? 120 : 0);
    },
    onOutcome: (_, outcome) => outcome.kind === "answered" && latencies.push(outcome.latencyMs),
  });
  expect(time.seconds).toBeGreaterThan(0.09);
  // The second was due after 10 ms and could not begin before 120.
  expect(latencies[1]).toBeGreaterThan(80);
});

test("an aborted load ends early and says how many relays it began", async () => {
  const stop = new AbortController();
  const time = await runLoad<number>({
    plan: { count: 1_000, concurrency: 2, rps: 0 },
    clock: systemClock,
    signal: stop.signal,
    relay: (number) => number,
    send: async (number) => {
      if (number === 20) stop.abort();
      await systemClock.sleep(1);
      return answered(1);
    },
    onOutcome: () => undefined,
  });
  expect(time.begun).toBeGreaterThan(20);
  expect(time.begun).toBeLessThan(30);
});
