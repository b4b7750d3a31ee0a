import fc from "fast-check";
import { expect, test } from "vitest";
import { dueBy, pairOf, quota } from "./traffic.ts";

const count = fc.integer({ min: 0, max: 10_000 });

test("quotas of all sessions add up, and none is more than one above another", () => {
  fc.assert(
    fc.property(count, fc.integer({ min: 1, max: 50 }), (relays, sessions) => {
      let left = relays;
      const shares = Array.from({ length: sessions }, (_, session) => {
        const share = quota(left, sessions - session);
        left -= share;
        return share;
      });
      expect(left).toBe(0);
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
    }),
  );
});

test("what is due only grows, and at the end everything is", () => {
  fc.assert(
    fc.property(count, fc.integer({ min: 1, max: 100_000 }), (relays, total) => {
      let last = 0;
      for (let step = 0; step <= 20; step++) {
        const due = dueBy((total * step) / 20, total, relays);
        expect(due).toBeGreaterThanOrEqual(last);
        expect(due).toBeLessThanOrEqual(relays);
        last = due;
      }
      expect(last).toBe(relays);
    }),
  );
  expect(dueBy(0, 0, 7)).toBe(7);
  expect(dueBy(0, -5, 7)).toBe(7);
});

test("every pair of a service and a supplier comes once before any comes twice", () => {
  const pairs = Array.from({ length: 12 }, (_, turn) => pairOf(turn, 3, 4));
  expect(new Set(pairs.map(({ service, supplier }) => `${service}/${supplier}`)).size).toBe(12);
  expect(pairOf(12, 3, 4)).toEqual(pairOf(0, 3, 4));
});
