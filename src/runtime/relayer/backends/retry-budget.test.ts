import { expect, test } from "vitest";
import type { Clock } from "../../../base/clock.ts";
import { RetryBudget } from "./retry-budget.ts";

function budgetOf(percent: number) {
  let now = 0;
  const budget = new RetryBudget(percent, { monotonic: () => now } as Clock);
  return {
    ask: (times: number) => {
      for (let each = 0; each < times; each++) budget.asked(now);
    },
    /** Retries until there is none left. */
    spend: () => {
      let count = 0;
      while (!budget.isSpent && count < 10_000) {
        budget.retried();
        count += 1;
      }
      return count;
    },
    pass: (ms: number) => {
      now += ms;
    },
  };
}

test("a fifth of the recent requests, and ten that are free", () => {
  const { ask, spend } = budgetOf(20);
  expect(spend()).toBe(10);
  ask(1_000);
  expect(spend()).toBe(200);
  ask(4);
  expect(spend()).toBe(0);
  ask(1);
  expect(spend()).toBe(1);
});

test("what is longer ago than ten seconds counts no more, neither requests nor retries", () => {
  const { ask, spend, pass } = budgetOf(20);
  ask(1_000);
  expect(spend()).toBe(210);
  pass(5_000);
  expect(spend()).toBe(0);
  pass(5_000);
  expect(spend()).toBe(10);
  ask(500);
  pass(60_000);
  expect(spend()).toBe(10);
});

test("0 percent is none at all, 100 as many as requests", () => {
  expect(budgetOf(0).spend()).toBe(0);
  const all = budgetOf(100);
  all.ask(50);
  expect(all.spend()).toBe(60);
});
