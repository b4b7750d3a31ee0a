import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesToBig, fromHex, toHex } from "../../../base/bytes.ts";
import { publicKeyOf } from "../ecdsa.ts";
import { type NativeSecp256k1, nativeSecp256k1 } from "../native-secp256k1.ts";
import { ORDER, scalarBytes } from "../scalar.ts";
import { INFINITY } from "./curve.ts";
import { nativeCurve } from "./curve-native.ts";
import { nobleCurve } from "./curve-noble.ts";

/** Multiples of the base point by small and large numbers, so that sums cancel and double often. */
const numbers = fc.oneof(
  fc.constantFrom(0n, 1n, 2n, 3n, ORDER - 1n, ORDER - 2n, ORDER / 2n),
  fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => bytesToBig(bytes) % ORDER),
);
const factors = numbers.filter((value) => value !== 0n);
const pointOf = (value: bigint): Uint8Array => {
  const point = nobleCurve.decompress(publicKeyOf(scalarBytes(value)));
  if (point === undefined) throw new Error("no point");
  return point;
};
/** What a·G is, by the signing key code. */
const encodingOf = (value: bigint): string => {
  const reduced = ((value % ORDER) + ORDER) % ORDER;
  return toHex(reduced === 0n ? INFINITY : publicKeyOf(scalarBytes(reduced)));
};

const curves = [nobleCurve];
if (nativeSecp256k1 !== undefined) curves.push(nativeCurve(nativeSecp256k1, nobleCurve));

describe.each(curves)("$name curve", (curve) => {
  test("sums are right, at infinity too", () => {
    fc.assert(
      fc.property(numbers, numbers, factors, factors, (a, b, p, q) => {
        const [first, second] = [scalarBytes(a), scalarBytes(b)];
        expect(toHex(curve.sumWithBase(first, second, pointOf(p)))).toBe(encodingOf(a + b * p));
        expect(toHex(curve.sum(first, pointOf(p), second, pointOf(q)))).toBe(encodingOf(a * p + b * q));
        expect(toHex(curve.sumWithBase(scalarBytes(-b * p), second, pointOf(p)))).toBe(toHex(INFINITY));
      }),
      { numRuns: 60 },
    );
  });

  test("a secret multiple is right", () => {
    fc.assert(
      fc.property(factors, factors, (k, p) => {
        expect(toHex(curve.secretMultiple(scalarBytes(k), pointOf(p)))).toBe(encodingOf(k * p));
      }),
      { numRuns: 30 },
    );
  });

  test("only compressed points of the curve are decompressed", () => {
    const x = toHex(publicKeyOf(scalarBytes(11n))).slice(2);
    expect(toHex(curve.decompress(fromHex(`02${x}`)) ?? INFINITY).slice(2, 66)).toBe(x);
    const prime = "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f";
    const primeAndOne = "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc30";
    for (const bad of [`04${x}`, `00${x}`, x, `02${prime}`, `02${primeAndOne}`, `02${"00".repeat(32)}`, ""])
      expect(curve.decompress(fromHex(bad)), bad).toBeUndefined();
    expect(curve.decompress(pointOf(11n))).toBeUndefined();
  });
});

test("where libsecp256k1 refuses a sum, the fallback answers", () => {
  const refuses = () => {
    throw new Error("refused");
  };
  const addon = { publicKeyTweakMul: () => pointOf(3n), publicKeyTweakAdd: refuses };
  const curve = nativeCurve(addon as unknown as NativeSecp256k1, nobleCurve);
  expect(toHex(curve.sumWithBase(scalarBytes(2n), scalarBytes(3n), pointOf(1n)))).toBe(encodingOf(5n));
});
