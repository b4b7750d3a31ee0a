import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Overlay, sortable, VersionedTable } from "./table.ts";

const entries = (table: { keys(): readonly string[]; get(key: string): number | undefined }) =>
  table.keys().map((key) => [key, table.get(key)]);

const sorted = (model: ReadonlyMap<string, number>) =>
  [...model].toSorted(([left], [right]) => (left < right ? -1 : 1));

const key = fc.constantFrom("a", "a/1", "a/2", "b", "b/1", "c");
const change = fc.tuple(key, fc.option(fc.nat(9), { nil: undefined }));
const block = fc.record({
  changes: fc.array(change, { maxLength: 6 }),
  reverted: fc.array(change, { maxLength: 3 }),
});

test("every height that is kept reads as a plain map of that height would", () => {
  const KEEP = 3;
  fc.assert(
    fc.property(fc.array(block, { maxLength: 8 }), (blocks) => {
      const table = new VersionedTable<number>();
      const past = [new Map<string, number>()];
      blocks.forEach(({ changes, reverted }, index) => {
        const model = new Map(past.at(-1));
        const overlay = new Overlay(table);
        const dropped = new Overlay(overlay);
        for (const [name, value] of reverted)
          value === undefined ? dropped.delete(name) : dropped.set(name, value);
        for (const [name, value] of changes)
          if (value === undefined) {
            overlay.delete(name);
            model.delete(name);
          } else {
            overlay.set(name, value);
            model.set(name, value);
          }
        expect(entries(overlay)).toEqual(sorted(model));
        table.open(BigInt(index + 1));
        overlay.commit();
        past.push(model);
        table.prune(BigInt(Math.max(0, index + 1 - KEEP)));
        expect(entries(table)).toEqual(sorted(model));
      });
      const last = past.length - 1;
      for (let height = Math.max(0, last - KEEP); height <= last; height++)
        expect(entries(table.at(BigInt(height)))).toEqual(sorted(past[height] ?? new Map()));
    }),
  );
});

describe("keys", () => {
  test("with a prefix are those that begin with it", () => {
    const table = new VersionedTable<number>();
    for (const name of ["b/2", "a/1", "b/1", "b", "bb"]) table.set(name, 1);
    expect(table.keys("b/")).toEqual(["b/1", "b/2"]);
    const overlay = new Overlay(table);
    overlay.delete("b/1");
    overlay.set("b/0", 2);
    expect(overlay.keys("b/")).toEqual(["b/0", "b/2"]);
    expect(overlay.values("b/")).toEqual([2, 1]);
    expect(table.keys("b/")).toEqual(["b/1", "b/2"]);
  });

  test("of numbers sort as the numbers do", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 63n), fc.bigInt(0n, 2n ** 63n), (left, right) => {
        expect(sortable(left) < sortable(right)).toBe(left < right);
      }),
    );
  });
});

test("a past state cannot be changed", () => {
  const table = new VersionedTable<number>();
  expect(() => table.at(0n).set("a", 1)).toThrow(TypeError);
});
