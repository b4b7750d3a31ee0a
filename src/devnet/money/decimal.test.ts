import fc from "fast-check";
import { expect, test } from "vitest";
import {
  ceilOf,
  decimalText,
  eighteenDecimals,
  exactDecimal,
  floorOf,
  parseDecimal,
  withoutRate,
} from "./decimal.ts";

test.each([
  [0, 0n, 1n],
  [1, 1n, 1n],
  [0.1, 1n, 10n],
  [0.975, 975n, 1000n],
  [1e-7, 1n, 10_000_000n],
  [1.25e-8, 125n, 10_000_000_000n],
  [1e21, 10n ** 21n, 1n],
])("%d is the decimal of its shortest text", (value, digits, scale) => {
  expect(exactDecimal(value)).toEqual({ digits, scale });
});

test.each([-0.5, Number.NaN, Number.POSITIVE_INFINITY])("%d is no share", (value) => {
  expect(() => exactDecimal(value)).toThrow(RangeError);
});

test("0.7 of ten is seven, not six: no binary fractions", () => {
  expect(floorOf(10n, exactDecimal(0.7))).toBe(7n);
  expect(floorOf(9n, exactDecimal(0.7))).toBe(6n);
  expect(ceilOf(10n, exactDecimal(0.1))).toBe(1n);
  expect(ceilOf(11n, exactDecimal(0.1))).toBe(2n);
  expect(withoutRate(82_423_348n, exactDecimal(0.1))).toBe(74_930_316n);
});

test("texts without exponent", () => {
  expect([0, 1, 0.975, 1e-7].map(decimalText)).toEqual(["0", "1", "0.975", "0.0000001"]);
  expect(eighteenDecimals(parseDecimal("0.1"))).toBe("0.100000000000000000");
  expect(eighteenDecimals(parseDecimal("1"))).toBe("1.000000000000000000");
  expect(() => parseDecimal("1e-3")).toThrow(RangeError);
});

test("a text of a double reads back as that double", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e6, noNaN: true, noDefaultInfinity: true }), (value) => {
      fc.pre(!Object.is(value, -0));
      return Number(decimalText(value)) === value;
    }),
  );
});
