import { expect, test } from "vitest";
import { manualClock } from "../../../../test/kit/manual-clock.ts";
import { Pace } from "./pace.ts";

/** When those who wait go, in ms. */
function timesOf(count: number, meanMs: number, stepMs = 0.25): number[] {
  const clock = manualClock();
  const times: number[] = [];
  const serve = () => {
    while (times.length < count && pace.isDue()) {
      times.push(clock.monotonic());
      pace.went(meanMs);
    }
  };
  const pace = new Pace(clock, serve);
  serve();
  while (times.length < count) clock.advance(stepMs);
  return times;
}

test("those who wait for a slow backend go one after the other, somewhat faster than it serves", () => {
  const times = timesOf(100, 5);
  expect(times[1]).toBeCloseTo(3.5);
  expect(times.at(-1)).toBeCloseTo(99 * 3.5);
});

test("where a backend is fast, they all go at once; where it is very slow, they wait for some milliseconds", () => {
  expect(timesOf(100, 1)).toEqual(Array(100).fill(0));
  expect(timesOf(3, 30_000)).toEqual([0, 20, 40]);
});

test("the first one goes at once, a second call sets no second timer, and nothing happens after the end", () => {
  const clock = manualClock();
  const pace = new Pace(clock, () => expect.fail("called after the end"));
  expect(pace.isDue()).toBe(true);
  pace.went(10);
  expect([pace.isDue(), pace.isDue(), clock.timers()]).toEqual([false, false, 1]);
  pace.stop();
  expect(clock.timers()).toBe(0);
  clock.advance(100);
  expect(pace.isDue()).toBe(true);
});
