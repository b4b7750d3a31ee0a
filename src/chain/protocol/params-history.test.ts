import { expect, test } from "vitest";
import { paramsAt } from "./params-history.ts";

const entry = (effectiveHeight: bigint, params: string | undefined) => ({ effectiveHeight, params });

test("the newest entry at or before the height counts, in whatever order they come", () => {
  const history = [entry(20n, "c"), entry(1n, "a"), entry(11n, "b")];
  expect([0n, 1n, 10n, 11n, 19n, 20n, 99n].map((height) => paramsAt(history, "live", height))).toEqual([
    "live",
    "a",
    "a",
    "b",
    "b",
    "c",
    "c",
  ]);
});

test("without an early enough entry, or with an empty one, the live set counts", () => {
  expect(paramsAt([], "live", 5n)).toBe("live");
  expect(paramsAt([entry(5n, undefined)], "live", 5n)).toBe("live");
});

test("of two entries with one height the later in the list counts", () => {
  expect(paramsAt([entry(5n, "old"), entry(5n, "new")], "live", 6n)).toBe("new");
});
