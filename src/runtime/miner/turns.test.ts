import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { Turns } from "./turns.ts";

/** Work that ends when it is told to. */
function work(name: string, done: string[]) {
  const ends: { now: () => void; fail: () => void } = { now: () => undefined, fail: () => undefined };
  const run = () =>
    new Promise<void>((resolve, reject) => {
      done.push(name);
      ends.now = resolve;
      ends.fail = () => reject(new Error(name));
    });
  return { run, ends };
}

test("no more than so many at once, nearest first, and in their order where it is the same", async () => {
  const began: string[] = [];
  const waiting: number[] = [];
  const turns = new Turns({ atOnce: 2, isTooMuch: () => false, onWaiting: (count) => waiting.push(count) });
  const all = [
    ["a", 9n],
    ["b", 9n],
    ["late", 9n],
    ["soon", 5n],
    ["later", 9n],
    ["soon too", 5n],
  ] as const;
  const works = all.map(([name]) => work(name, began));
  const ended = works.map(({ run }, index) => turns.take(all[index]?.[1] ?? 0n, run).catch(() => "failed"));
  await turn();
  expect(began).toEqual(["a", "b"]);
  expect(waiting).toEqual([1, 2, 3, 4]);
  works[0]?.ends.now();
  await turn();
  expect(began).toEqual(["a", "b", "soon"]);
  // What fails makes room like what ends well.
  works[1]?.ends.fail();
  works[3]?.ends.now();
  await turn();
  expect(began).toEqual(["a", "b", "soon", "soon too", "late"]);
  for (const index of [5, 2]) works[index]?.ends.now();
  await turn();
  works[4]?.ends.now();
  expect(await Promise.all(ended)).toEqual([undefined, "failed", undefined, undefined, undefined, undefined]);
  expect(waiting.at(-1)).toBe(0);
});

test("half as many at once when it was too much, at least one, and one more after each round that went well", async () => {
  const began: string[] = [];
  const turns = new Turns({ atOnce: 4, isTooMuch: () => true, onWaiting: () => undefined });
  const works = Array.from({ length: 20 }, (_, index) => work(`${index}`, began));
  const ended = works.map(({ run }) => turns.take(1n, run).catch(() => "failed"));
  const atOnce: number[] = [];
  let over = 0;
  const end = async (how: "now" | "fail", count: number) => {
    for (const { ends } of works.slice(over, over + count)) ends[how]();
    over += count;
    await turn();
    await turn();
    atOnce.push(began.length - over);
  };
  await end("now", 0);
  await end("fail", 1);
  // They began when four were not known to be too many.
  await end("fail", 3);
  await end("now", 1);
  await end("now", 2);
  expect(atOnce).toEqual([4, 3, 2, 2, 3]);
  await end("fail", 1);
  await end("fail", 1);
  await end("fail", 1);
  expect(atOnce.at(-1)).toBe(1);
  while (over < works.length) await end("now", 1);
  expect((await Promise.all(ended)).filter((one) => one === "failed")).toHaveLength(7);
});
