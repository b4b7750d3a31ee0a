import { expect, test } from "vitest";
import type { Clock } from "../../../base/clock.ts";
import { RecentEntries } from "./recent-entries.ts";

function world() {
  const time = { now: 0 };
  const recent = new RecentEntries({ monotonic: () => time.now } as Clock);
  const add = (number: number, bytes = 1_000, forget = true) =>
    recent.add({ supplier: `pokt${number % 3}`, data: new Uint8Array(bytes).fill(number % 251) }, forget);
  const numbers = () => recent.entries().map(({ data }) => data[0]);
  return { time, recent, add, numbers };
}

test("entries come back as they were, in their order, over many slabs and whatever their size", () => {
  const { add, recent } = world();
  const sizes = [0, 1, 700_000, 3, 262_144, ...Array.from({ length: 800 }, (_, index) => 500 + index)];
  for (const [number, bytes] of sizes.entries()) add(number, bytes);
  expect(
    recent
      .entries()
      .map(({ supplier, data }) => [supplier, data.length, data.every((byte) => byte === data[0])]),
  ).toEqual(sizes.map((bytes, number) => [`pokt${number % 3}`, bytes, true]));
});

test("an entry stays for three seconds at least, and goes soon after", () => {
  const { time, add, numbers } = world();
  add(1);
  time.now = 400;
  add(2);
  time.now = 3_400;
  add(3);
  expect(numbers()).toEqual([1, 2, 3]);
  time.now = 3_999;
  add(4);
  expect(numbers()).toEqual([3, 4]);
});

test("nothing goes for its age while it is not known who took it, and memory is bounded all the same", () => {
  const { time, add, recent, numbers } = world();
  add(1, 1_000, false);
  time.now = 60_000;
  add(2, 1_000, false);
  expect(numbers()).toEqual([1, 2]);
  for (let number = 0; number < 100; number++) add(number, 1_000_000, false);
  const entries = recent.entries();
  expect(entries.length).toBeGreaterThan(60);
  expect(entries.length).toBeLessThanOrEqual(68);
  expect(entries.at(-1)?.data[0]).toBe(99);
});
