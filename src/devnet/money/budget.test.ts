import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { allowances, type BudgetInput } from "./budget.ts";
import { ceilOf, exactDecimal } from "./decimal.ts";

const input = (claimed: readonly bigint[], changes: Partial<BudgetInput> = {}): BudgetInput => ({
  claims: claimed.map((claimedUpokt) => ({ claimedUpokt, settles: true })),
  stakeUpokt: 192_300_000n,
  pendingSessions: 1n,
  spendLimitUpokt: 0n,
  inflation: exactDecimal(0.1),
  bonusMultiplier: 3n,
  ...changes,
});

describe("the block of chain 8.3", () => {
  const claimed = [3_500_000n, 245_000_000n, 52_500_000n, 17_500_000n, 1_050_000_000n];

  test("caps and settled amounts", () => {
    const granted = allowances(input(claimed));
    expect(granted.map(({ trimmed }) => trimmed)).toEqual([false, true, true, false, true]);
    expect(granted.filter(({ trimmed }) => trimmed).map(({ cap }) => cap)).toEqual([
      47_557_114n,
      39_219_536n,
      82_423_348n,
    ]);
    expect(granted.map(({ settledUpokt }) => settledUpokt)).toEqual([
      3_500_000n,
      43_233_740n,
      35_654_123n,
      17_500_000n,
      74_930_316n,
    ]);
  });

  test("without a bonus each gets its floor", () => {
    const granted = allowances(input(claimed, { bonusMultiplier: 0n }));
    expect(new Set(granted.map(({ cap }) => cap))).toEqual(new Set([38_460_000n]));
  });

  test("a claim that is not paid takes its place, but leaves nothing to others", () => {
    const { claims, ...rest } = input(claimed);
    const unpaid = claims.map((claim, index) => ({ ...claim, settles: index > 0 }));
    const [, second] = allowances({ ...rest, claims: unpaid });
    expect(second?.cap).toBe(
      38_460_000n + (19_210_000n * 231_040_000n) / (231_040_000n + 19_290_000n + 1_116_540_000n),
    );
  });

  test("sessions that wait share the stake", () => {
    expect(allowances(input(claimed, { pendingSessions: 2n, bonusMultiplier: 1n }))[0]?.cap).toBe(
      19_230_000n,
    );
  });
});

describe("the application's own limit", () => {
  test("counts where it is the smaller", () => {
    const [first] = allowances(input([50_000n, 0n], { spendLimitUpokt: 80_001n, bonusMultiplier: 1n }));
    expect(first).toEqual({
      settledUpokt: 36_363n,
      expectedBurn: 55_000n,
      cap: 40_000n,
      trimmed: true,
      spendLimitExceeded: true,
    });
  });

  test("does not where the stake is", () => {
    const [first] = allowances(input([50_000n], { spendLimitUpokt: 500_000_000n }));
    expect(first?.spendLimitExceeded).toBe(false);
  });
});

test("what is paid fits the cap and is the most that does", () => {
  const amount = fc.bigInt({ min: 0n, max: 10n ** 12n });
  fc.assert(
    fc.property(
      fc.array(amount, { minLength: 1, maxLength: 8 }),
      amount,
      fc.bigInt({ min: 0n, max: 5n }),
      fc.constantFrom(0, 0.1, 0.035, 1),
      (claimed, stakeUpokt, bonusMultiplier, rate) => {
        const inflation = exactDecimal(rate);
        const burnOf = (x: bigint) => x + ceilOf(x, inflation);
        const granted = allowances(input(claimed, { stakeUpokt, bonusMultiplier, inflation }));
        return granted.every(({ settledUpokt, cap, trimmed }, index) => {
          const most = claimed[index] ?? 0n;
          if (!trimmed) return settledUpokt === most && burnOf(most) <= cap;
          return settledUpokt < most && burnOf(settledUpokt) <= cap && burnOf(settledUpokt + 1n) > cap;
        });
      },
    ),
  );
});

test("all together never take more than the stake", () => {
  const amount = fc.bigInt({ min: 0n, max: 10n ** 12n });
  fc.assert(
    fc.property(fc.array(amount, { minLength: 1, maxLength: 8 }), amount, (claimed, stakeUpokt) => {
      const inflation = exactDecimal(0.1);
      const granted = allowances(input(claimed, { stakeUpokt, bonusMultiplier: 1000n, inflation }));
      const total = granted.reduce((sum, { settledUpokt: x }) => sum + x + ceilOf(x, inflation), 0n);
      return total <= stakeUpokt;
    }),
  );
});
