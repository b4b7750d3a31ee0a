import fc from "fast-check";
import { expect, test } from "vitest";
import { FairQueue } from "./fair-queue.ts";

type Job = { readonly account: string; readonly name: string };
const job = (account: string, index = 0): Job => ({ account, name: `${account}${index}` });
const drained = (queue: FairQueue<Job>): string[] => {
  const names: string[] = [];
  for (let next = queue.next(); next; next = queue.next()) names.push(next.name);
  return names;
};

test("accounts take turns, and each goes in the order in which it came", () => {
  const queue = new FairQueue<Job>();
  for (let index = 0; index < 4; index++) queue.add(job("flood", index), 100);
  queue.add(job("a"), 100);
  queue.add(job("b", 0), 100);
  queue.add(job("b", 1), 100);
  expect(queue.size).toBe(7);
  expect(drained(queue)).toEqual(["flood0", "a0", "b0", "flood1", "b1", "flood2", "flood3"]);
  expect(queue.size).toBe(0);
});

test("an account that floods takes half of the places, and whoever comes then finds one", () => {
  const limit = 64;
  const queue = new FairQueue<Job>();
  const offer = (account: string) => queue.add(job(account), limit - queue.size);
  for (let index = 0; index < 1_000; index++) offer("flood");
  expect(queue.size).toBe(limit / 2);
  for (let index = 0; index < 1_000; index++) offer("flood too");
  expect(queue.size).toBe((limit * 3) / 4);
  expect(offer("a")).toBe(true);
  for (let index = 0; index < 1_000; index++) offer(`stranger ${index}`);
  expect(queue.size).toBe(limit);
  expect(offer("b")).toBe(false);
});

test("what is put back is next in its line", () => {
  const queue = new FairQueue<Job>();
  queue.add(job("a", 1), 9);
  queue.add(job("b", 0), 9);
  queue.putBack(job("a", 0));
  queue.putBack(job("c", 0));
  expect(queue.size).toBe(4);
  expect(drained(queue)).toEqual(["a0", "b0", "c0", "a1"]);
});

test("what is late is taken out, whoever's turn it is", () => {
  const queue = new FairQueue<Job>();
  for (const index of [0, 1, 2]) for (const account of ["a", "b"]) queue.add(job(account, index), 99);
  queue.add(job("c", 0), 99);
  const late = queue.takeLate(({ account, name }) => account === "c" || name.endsWith("0"));
  expect(late.map(({ name }) => name)).toEqual(["a0", "b0", "c0"]);
  expect(queue.size).toBe(4);
  expect(drained(queue)).toEqual(["a1", "b1", "a2", "b2"]);
});

test("nothing is lost, nothing comes twice, and each account's jobs keep their order", () => {
  const steps = fc.array(fc.oneof(fc.constantFrom("a", "b", "c"), fc.constant("take")), {
    maxLength: 200,
    size: "max",
  });
  fc.assert(
    fc.property(steps, (given) => {
      const queue = new FairQueue<Job>();
      const lines = new Map<string, string[]>();
      let index = 0;
      for (const step of given) {
        if (step === "take") {
          const next = queue.next();
          if (next === undefined) expect([...lines.values()].flat()).toEqual([]);
          else expect(lines.get(next.account)?.shift()).toBe(next.name);
        } else {
          const added = job(step, index++);
          expect(queue.add(added, 1_000)).toBe(true);
          lines.set(step, [...(lines.get(step) ?? []), added.name]);
        }
        expect(queue.size).toBe([...lines.values()].flat().length);
      }
    }),
  );
});
