import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { add, bigFloat, complement, fromDouble, multiply, truncate } from "./big-float.ts";

// with 53 bits these are doubles, which the machine rounds the same way
const double = fc.double({ min: 2 ** -40, max: 2 ** 40, noNaN: true });
const sameAs = (float: { mantissa: bigint; exponent: bigint }, value: number) => {
  const reference = fromDouble(value);
  const least = float.exponent < reference.exponent ? float : reference;
  const shift = (of: typeof float) => of.mantissa << (of.exponent - least.exponent);
  return shift(float) === shift(reference);
};

describe("binary floats", () => {
  test("round as doubles do at their precision", () => {
    fc.assert(
      fc.property(double, double, (left, right) => {
        const [a, b] = [fromDouble(left), fromDouble(right)];
        expect(sameAs(add(a, b, 53), left + right)).toBe(true);
        expect(sameAs(multiply(a, b, 53), left * right)).toBe(true);
      }),
    );
  });

  test("ties go to the even mantissa", () => {
    expect(add(bigFloat(0b1001n), bigFloat(0n), 3)).toEqual({ mantissa: 0b100n, exponent: 1n });
    expect(add(bigFloat(0b1011n), bigFloat(0n), 3)).toEqual({ mantissa: 0b110n, exponent: 1n });
  });

  test("the integer part and what is left to one", () => {
    expect(truncate(fromDouble(7.75))).toBe(7n);
    expect(truncate(bigFloat(3n, 4n))).toBe(48n);
    expect(sameAs(complement(fromDouble(0.25)), 0.75)).toBe(true);
  });
});
