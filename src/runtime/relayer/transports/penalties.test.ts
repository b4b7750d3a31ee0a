import { describe, expect, test } from "vitest";
import type { Clock } from "../../../base/clock.ts";
import { Penalties } from "./penalties.ts";

const LONGEST = 10_000;

function world(longestMs = LONGEST) {
  const time = { now: 5_000 };
  const penalties = new Penalties({ monotonic: () => time.now } as Clock, longestMs);
  return { time, penalties };
}

describe("an address that flooded", () => {
  test("waits a second after the first flood, twice as long after each other, and never longer than the longest", () => {
    const { time, penalties } = world();
    const waits = Array.from({ length: 6 }, () => {
      penalties.flooded("a");
      const wait = penalties.waitMs("a") ?? Number.NaN;
      time.now += wait;
      return wait;
    });
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  });

  test("has its connections served one at a time, and none that would wait too long", () => {
    const { penalties } = world();
    penalties.flooded("a");
    penalties.flooded("a");
    expect([1, 2, 3, 4, 5, 6].map(() => penalties.waitMs("a"))).toEqual([
      ...[2_000, 4_000, 6_000, 8_000, 10_000],
      undefined,
    ]);
  });

  test("is forgotten after a minute, and does not harm another", () => {
    const { time, penalties } = world();
    penalties.flooded("a");
    expect(penalties.waitMs("b")).toBe(0);
    time.now += 60_001;
    expect(penalties.waitMs("a")).toBe(0);
    penalties.flooded("a");
    expect(penalties.waitMs("a")).toBe(1_000);
  });

  test("does not wait where waiting is switched off", () => {
    const { penalties } = world(0);
    penalties.flooded("a");
    expect([penalties.waitMs("a"), penalties.waitMs("a")]).toEqual([0, 0]);
  });
});
