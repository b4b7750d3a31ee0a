import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bigToBytes, concatBytes } from "../../base/bytes.ts";
import { BASE_TARGET } from "./difficulty.ts";
import { claimedUpokt, claimValue, estimatedComputeUnits, estimatedRelays, relayCost } from "./pricing.ts";

const params = { computeUnitsToTokensMultiplier: 42_000_000n, computeUnitCostGranularity: 1_000_000n };
const half = new Uint8Array(32).fill(0xff).fill(0x7f, 0, 1);
const rootOf = (sum: bigint, count: bigint) =>
  concatBytes(new Uint8Array(32).fill(7), bigToBytes(sum, 8), bigToBytes(count, 8));

describe("what a claim is worth", () => {
  test("by default params a compute unit costs 42 upokt, twice that at half the target", () => {
    expect(claimValue(rootOf(1000n, 10n), BASE_TARGET, params)).toEqual({
      relays: 10n,
      computeUnits: 1000n,
      estimatedRelays: 10n,
      estimatedComputeUnits: 1000n,
      upokt: 42_000n,
    });
    expect(claimValue(rootOf(1000n, 10n), half, params)).toMatchObject({
      estimatedRelays: 20n,
      estimatedComputeUnits: 2000n,
      upokt: 84_000n,
    });
  });

  test("rounding happens once, at the end", () => {
    const thirds = new Uint8Array(32).fill(0xaa); // multiplier 3/2
    const price = { computeUnitsToTokensMultiplier: 2n, computeUnitCostGranularity: 1n };
    expect(estimatedComputeUnits({ computeUnits: 1n, target: thirds })).toBe(1n);
    expect(claimedUpokt({ computeUnits: 1n, target: thirds, params: price })).toBe(3n);
  });

  test("at base difficulty a claim costs what its relays cost together, up to rounding", () => {
    const units = fc.bigInt({ min: 1n, max: 100_000n });
    fc.assert(
      fc.property(units, units, (perRelay, relays) => {
        const claimed = claimedUpokt({ computeUnits: perRelay * relays, target: BASE_TARGET, params });
        const cost = relayCost(perRelay, params);
        expect(claimed >= cost * relays && claimed < (cost + 1n) * relays).toBe(true);
      }),
    );
  });

  test.each([
    ["no granularity", { ...params, computeUnitCostGranularity: 0n }],
    ["a multiplier beyond int64", { ...params, computeUnitsToTokensMultiplier: 1n << 63n }],
  ])("params without a price are refused: %s", (_, bad) => {
    const invalid = expect.objectContaining({ code: "PARAMS_INVALID" });
    expect(() => claimedUpokt({ computeUnits: 5n, target: BASE_TARGET, params: bad })).toThrow(invalid);
    expect(() => relayCost(5n, bad)).toThrow(invalid);
  });

  test("a claim with fewer units than relays, or a root of another length, has no value", () => {
    const invalid = expect.objectContaining({ code: "CLAIM_INVALID" });
    expect(() => estimatedRelays({ computeUnits: 1n, relays: 2n, target: BASE_TARGET })).toThrow(invalid);
    expect(() => claimValue(new Uint8Array(40), BASE_TARGET, params)).toThrow(invalid);
  });
});
