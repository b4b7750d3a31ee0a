import fc from "fast-check";
import { expect, test } from "vitest";
import { AccountBudget, type Rate } from "./account-budget.ts";

function budgetOf({
  each,
  together = { perSecond: 1e6, burst: 1e6 },
  mostAccounts = 100,
}: {
  each: Rate;
  together?: Rate;
  mostAccounts?: number;
}) {
  let time = 5_000;
  const budget = new AccountBudget({ each, together, mostAccounts, now: () => time });
  const granted = (account: string | undefined, asked: number): number =>
    Array.from({ length: asked }, () => budget.take(account)).filter(Boolean).length;
  return { budget, granted, pass: (ms: number) => (time += ms) };
}

test("asking whether there is something left takes nothing", () => {
  const { budget, granted, pass } = budgetOf({ each: { perSecond: 1, burst: 2 } });
  for (let index = 0; index < 5; index++) expect(budget.has("a")).toBe(true);
  expect(granted("a", 3)).toBe(2);
  expect(budget.has("a")).toBe(false);
  expect(budget.has("b")).toBe(true);
  pass(1_000);
  expect(budget.has("a")).toBe(true);
});

test("an account has its burst at once, then so many a second, and never more than the burst", () => {
  const { granted, pass } = budgetOf({ each: { perSecond: 2, burst: 5 } });
  expect(granted("a", 20)).toBe(5);
  pass(499);
  expect(granted("a", 1)).toBe(0);
  pass(1);
  expect(granted("a", 3)).toBe(1);
  pass(2_000);
  expect(granted("a", 20)).toBe(4);
  pass(3_600_000);
  expect(granted("a", 20)).toBe(5);
});

test("one account's is not another's; nameless ones share one", () => {
  const { granted } = budgetOf({ each: { perSecond: 1, burst: 3 } });
  expect(granted("a", 9)).toBe(3);
  expect(granted("b", 2)).toBe(2);
  expect(granted(undefined, 2)).toBe(2);
  expect(granted("", 2)).toBe(1);
});

test("all together have a bound, too, and what it refuses is not the account's loss", () => {
  const { granted, pass } = budgetOf({
    each: { perSecond: 0, burst: 3 },
    together: { perSecond: 1, burst: 4 },
  });
  expect(granted("a", 3)).toBe(3);
  expect(granted("b", 3)).toBe(1);
  pass(10_000);
  expect(granted("b", 3)).toBe(2);
});

test("only so many accounts are remembered, and the one that asked last stays", () => {
  const { budget, granted } = budgetOf({ each: { perSecond: 0, burst: 1 }, mostAccounts: 3 });
  for (const account of ["a", "b", "c"]) expect(granted(account, 1)).toBe(1);
  expect(granted("a", 1)).toBe(0);
  expect(granted("d", 1)).toBe(1);
  expect(budget.size).toBe(3);
  // "b" asked longest ago
  expect(granted("a", 1)).toBe(0);
  expect(granted("c", 1)).toBe(0);
  expect(granted("b", 1)).toBe(1);
  for (let number = 0; number < 1000; number++) budget.take(`${number}`);
  expect(budget.size).toBe(3);
});

test("a clock that stands still or goes back gives nothing", () => {
  const { granted, pass } = budgetOf({ each: { perSecond: 1000, burst: 1 } });
  expect(granted("a", 2)).toBe(1);
  pass(-4_000);
  expect(granted("a", 2)).toBe(0);
});

test("in no stretch of time are there more than the burst and the rate allow", () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 0, max: 6 })), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(
      steps,
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 9 }),
      (list, perSecond, burst) => {
        const { granted, pass } = budgetOf({ each: { perSecond, burst } });
        let [total, time] = [0, 0];
        for (const [ms, asked] of list) {
          pass(ms);
          time += ms;
          total += granted("a", asked);
          expect(total).toBeLessThanOrEqual(burst + (time / 1000) * perSecond + 1e-6);
        }
      },
    ),
  );
});
