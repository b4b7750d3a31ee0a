import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesToBig, fromHex, toHex } from "../../base/bytes.ts";
import {
  BASE_TARGET,
  difficultyMultiplier,
  nextDifficulty,
  nextRelaysEma,
  relayApplicable,
} from "./difficulty.ts";

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe("difficulty", () => {
  test("a relay counts if its hash is the smaller integer", () => {
    fc.assert(
      fc.property(bytes32, bytes32, (hash, target) => {
        expect(relayApplicable(hash, target)).toBe(bytesToBig(hash) < bytesToBig(target));
      }),
    );
    expect(relayApplicable(BASE_TARGET, BASE_TARGET)).toBe(false);
  });

  test("the multiplier is exact and in lowest terms", () => {
    fc.assert(
      fc.property(bytes32, (target) => {
        fc.pre(bytesToBig(target) > 0n);
        const { numerator, denominator } = difficultyMultiplier(target);
        expect(numerator * bytesToBig(target)).toBe(denominator * bytesToBig(BASE_TARGET));
      }),
    );
    expect(difficultyMultiplier(fromHex(`55${"55".repeat(31)}`))).toEqual({ numerator: 3n, denominator: 1n });
  });

  test.each([new Uint8Array(0), new Uint8Array(32)])("no target, no multiplier", (target) => {
    expect(() => difficultyMultiplier(target)).toThrow(
      expect.objectContaining({ code: "DIFFICULTY_INVALID" }),
    );
  });

  // what a recorded chain did with a target of 20 relays (chain 9)
  test("the first average is the first number of leaves; the next one moves by a tenth", () => {
    expect(nextRelaysEma(70n, 70n)).toBe(70n);
    expect(toHex(nextDifficulty(BASE_TARGET, 20n, 70n))).toBe(`${"492".repeat(21)}4`);
    expect(nextRelaysEma(70n, 3910n)).toBe(454n);
    expect(toHex(nextDifficulty(BASE_TARGET, 20n, 454n))).toBe(
      "0b470c67c0d8875494dd0a2657f6fa5c79cc1f93bc55b5917aecd40482d1c319",
    );
    expect(toHex(nextDifficulty(BASE_TARGET, 20n, 2015n))).toBe(`${"028a7b3c58eed94".repeat(4)}028a`);
  });

  test("the average is that of exact tenths, or one less where a double's tenth is seen", () => {
    const count = fc.bigInt({ min: 0n, max: 1n << 60n });
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 1_000_000n }),
        fc.bigInt({ min: 0n, max: 1_000_000n }),
        (old, now) => {
          const exact = (now + 9n * old) / 10n;
          const average = nextRelaysEma(old, now);
          expect(average === exact || average === exact - 1n).toBe(true);
        },
      ),
    );
    fc.assert(fc.property(count, (relays) => [relays, relays - 1n].includes(nextRelaysEma(relays, relays))));
  });

  test("less traffic than wanted leaves the base, none at all is refused", () => {
    expect(nextDifficulty(BASE_TARGET, 20n, 3n)).toEqual(BASE_TARGET);
    expect(nextDifficulty(BASE_TARGET, 20n, 20n)).toEqual(BASE_TARGET);
    expect(() => nextDifficulty(BASE_TARGET, 20n, 0n)).toThrow(
      expect.objectContaining({ code: "DIFFICULTY_INVALID" }),
    );
  });
});
