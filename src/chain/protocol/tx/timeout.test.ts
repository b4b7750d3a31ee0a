import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEFAULT_TIMEOUT_RULES, TimeoutNonces, txTimeout } from "./timeout.ts";

const SECOND = 1_000_000_000n;
const NOW_MS = 1_795_465_355_820;
const NOW = BigInt(NOW_MS) * 1_000_000n;

describe("a transaction's life", () => {
  test("stays between the bounds, whatever the window has left", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), (left) => {
        const { durationNs, rule } = txTimeout(left);
        expect(durationNs >= DEFAULT_TIMEOUT_RULES.minNs && durationNs <= DEFAULT_TIMEOUT_RULES.maxNs).toBe(
          true,
        );
        if (rule === "window") expect(durationNs).toBe(left - DEFAULT_TIMEOUT_RULES.skewNs);
      }),
    );
  });
});

describe("timeouts as nonces", () => {
  test("are never used twice by one supplier, and lie in the second before the one asked for", () => {
    const nonces = new TimeoutNonces();
    const given = Array.from({ length: 500 }, () => nonces.next("a", NOW_MS, 300n * SECOND));
    expect(new Set(given).size).toBe(500);
    for (const timeout of given) {
      expect(timeout <= NOW + 300n * SECOND).toBe(true);
      expect(timeout > NOW + 299n * SECOND - 500n).toBe(true);
    }
  });

  test("step aside when the draw repeats, for each supplier on its own", () => {
    const nonces = new TimeoutNonces(() => 0);
    const wanted = NOW + 120n * SECOND;
    const next = (supplier: string) => nonces.next(supplier, NOW_MS, 120n * SECOND);
    expect([next("a"), next("a"), next("b"), next("a")]).toEqual([wanted, wanted - 1n, wanted, wanted - 2n]);
  });

  test("may come again once the chain's time has passed them", () => {
    const nonces = new TimeoutNonces(() => 0);
    const first = nonces.next("a", NOW_MS, 120n * SECOND);
    expect(nonces.next("a", NOW_MS + 120_000, 0n)).toBe(first);
  });
});
