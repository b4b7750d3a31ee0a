import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { feeFor, gasLimitFor, parseGasPrice } from "./fee.ts";

describe("gas prices", () => {
  test("are exact decimals with a denomination", () => {
    expect(parseGasPrice("0.000001upokt")).toEqual({ units: 10n ** 12n, denom: "upokt" });
    expect(parseGasPrice(" 12upokt ")).toEqual({ units: 12n * 10n ** 18n, denom: "upokt" });
  });

  test.each([
    "",
    "upokt",
    "0.1",
    "-1upokt",
    ".5upokt",
    "1.upokt",
    "1e3 upokt",
    "0.0000000000000000001upokt",
    "1u",
  ])("%j is none", (text) => {
    expect(() => parseGasPrice(text)).toThrow(expect.objectContaining({ code: "GAS_PRICE_INVALID" }));
  });

  test("a fee is the least whole amount that pays the gas", () => {
    const units = fc.bigInt({ min: 1n, max: 10n ** 20n });
    fc.assert(
      fc.property(units, fc.bigInt({ min: 1n, max: 10n ** 12n }), (price, gas) => {
        const amount = BigInt(feeFor({ units: price, denom: "upokt" }, gas)[0]?.amount ?? "0");
        expect(amount * 10n ** 18n >= price * gas).toBe(true);
        expect((amount - 1n) * 10n ** 18n < price * gas).toBe(true);
      }),
    );
  });

  test("no price and no gas cost nothing", () => {
    expect(feeFor("0upokt", 500n)).toEqual([]);
    expect(feeFor("1upokt", 0n)).toEqual([]);
  });
});

test("the gas limit is a product of doubles, cut", () => {
  expect(gasLimitFor(54_542n, 1.7)).toBe(92_721n);
  expect(gasLimitFor(9_007_199_254_740_993n, 2)).toBe(18_014_398_509_481_984n);
});
