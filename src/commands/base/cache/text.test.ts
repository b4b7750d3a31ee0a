import { expect, test } from "vitest";
import { duration, grouped, readable, shortened, table } from "./text.ts";

test("durations take the largest unit that counts at least one", () => {
  expect([0, 14.4, 999, 1_000, 59_999, 60_000, 7_200_000, 172_800_000].map(duration)).toEqual([
    "0 ms",
    "14 ms",
    "999 ms",
    "1 s",
    "59 s",
    "1 min",
    "2 h",
    "2 d",
  ]);
});

test("amounts of upokt are written in POKT without losing a digit", () => {
  expect(readable("9547800000upokt")).toBe("9 547.8 POKT");
  expect(readable("1upokt")).toBe("0.000001 POKT");
  expect(readable("0upokt")).toBe("0 POKT");
  expect(readable("12345678901234567890upokt")).toBe("12 345 678 901 234.56789 POKT");
  expect(readable("9547800000")).toBe("9547800000");
  expect(grouped(714921)).toBe("714 921");
});

test("names are cut in the middle, tables padded to their widest cell", () => {
  expect(shortened("relayer-host-12345", 11)).toBe("relay…12345");
  expect(shortened("r-1", 11)).toBe("r-1");
  expect(
    table([
      ["A", "COUNT"],
      ["long", "1"],
    ]),
  ).toEqual(["A     COUNT", "long      1"]);
});
