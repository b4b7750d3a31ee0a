import { expect, test } from "vitest";
import { sha256 } from "../../../base/sha256.ts";
import { SeenIds } from "./seen-ids.ts";

const MB = 1_048_576;
const idOf = (number: number): Uint8Array => sha256(new TextEncoder().encode(String(number)));

test("an id is taken once for each session end, and again after it was taken back", () => {
  const seen = new SeenIds(MB);
  expect(seen.has(idOf(1), 20n)).toBe(false);
  expect(seen.add(idOf(1), 20n, 21n)).toBe(true);
  expect(seen.add(idOf(1), 20n, 21n)).toBe(false);
  expect(seen.add(idOf(1), 40n, 41n)).toBe(true);
  seen.remove(idOf(1), 20n);
  expect(seen.has(idOf(1), 20n)).toBe(false);
  expect(seen.has(idOf(1), 40n)).toBe(true);
  expect(seen.add(idOf(1), 20n, 21n)).toBe(true);
  expect(seen.size).toBe(2);
  // Nothing to take back: nothing happens.
  seen.remove(idOf(2), 20n);
  seen.remove(idOf(2), 99n);
  expect(seen.size).toBe(2);
});

test("what was added is there and nothing else, over many pages, with every third taken back", () => {
  const seen = new SeenIds(16 * MB);
  const COUNT = 60_000;
  for (let number = 0; number < COUNT; number++) expect(seen.add(idOf(number), 20n, 21n)).toBe(true);
  for (let number = 0; number < COUNT; number += 3) seen.remove(idOf(number), 20n);
  for (let number = 0; number < COUNT; number++) {
    if (seen.has(idOf(number), 20n) !== (number % 3 !== 0)) throw new Error(`wrong about ${number}`);
    if (seen.has(idOf(COUNT + number), 20n)) throw new Error(`knows ${COUNT + number}`);
  }
  expect(seen.size).toBe(40_000);
  expect(seen.forgotten).toBe(0);
});

test("a relay that fails and is tried again for ever needs no more memory", () => {
  const seen = new SeenIds(MB);
  for (let turn = 0; turn < 20_000; turn++) {
    expect(seen.add(idOf(turn % 7), 20n, 21n)).toBe(true);
    seen.remove(idOf(turn % 7), 20n);
  }
  expect(seen.bytes).toBe(4_096 * 8);
});

test("ids go with their session, not earlier", () => {
  const seen = new SeenIds(MB);
  seen.add(idOf(1), 20n, 21n);
  seen.add(idOf(2), 40n, 41n);
  seen.reached(21n);
  expect([seen.has(idOf(1), 20n), seen.has(idOf(2), 40n)]).toEqual([true, true]);
  seen.reached(22n);
  expect([seen.has(idOf(1), 20n), seen.has(idOf(2), 40n)]).toEqual([false, true]);
  expect({ size: seen.size, bytes: seen.bytes, forgotten: seen.forgotten }).toEqual({
    size: 1,
    bytes: 4_096 * 8,
    forgotten: 0,
  });
});

test("memory is bounded: the oldest ids are forgotten and counted, the newest stay", () => {
  const seen = new SeenIds(MB);
  const COUNT = 300_000;
  for (let number = 0; number < COUNT; number++) {
    seen.add(idOf(number), 20n, 21n);
    if (seen.bytes > MB) throw new Error(`${seen.bytes} bytes`);
  }
  expect(seen.forgotten).toBeGreaterThan(100_000);
  expect(seen.size + seen.forgotten).toBe(COUNT);
  for (let number = COUNT - 20_000; number < COUNT; number++)
    if (!seen.has(idOf(number), 20n)) throw new Error(`forgot ${number}`);
});
