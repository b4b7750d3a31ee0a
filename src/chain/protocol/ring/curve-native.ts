import { equalBytes } from "../../../base/bytes.ts";
import type { NativeSecp256k1 } from "../native-secp256k1.ts";
import { isZeroScalar } from "../scalar.ts";
import { type Curve, INFINITY } from "./curve.ts";

/**
 * libsecp256k1 knows neither the point at infinity nor a zero factor: those are told apart before it is called. If it refuses all
 * the same (the one case left: a·G + b·P at infinity), `fallback` has the answer.
 */
export function nativeCurve(addon: NativeSecp256k1, fallback: Curve): Curve {
  const multiple = (scalar: Uint8Array, point: Uint8Array): Uint8Array | undefined =>
    isZeroScalar(scalar) ? undefined : addon.publicKeyTweakMul(point, scalar, false);
  const compress = (point: Uint8Array): Uint8Array => addon.publicKeyConvert(point, true);

  return {
    name: "native",
    decompress(bytes) {
      if (bytes.length !== 33) return undefined;
      try {
        return addon.publicKeyConvert(bytes, false);
      } catch {
        return undefined;
      }
    },
    sumWithBase(a, b, point) {
      const product = multiple(b, point);
      if (product === undefined) return isZeroScalar(a) ? INFINITY : addon.publicKeyCreate(a, true);
      try {
        return addon.publicKeyTweakAdd(product, a, true);
      } catch {
        return fallback.sumWithBase(a, b, point);
      }
    },
    sum(a, left, b, right) {
      const first = multiple(a, left);
      const second = multiple(b, right);
      if (first === undefined) return second === undefined ? INFINITY : compress(second);
      if (second === undefined) return compress(first);
      return areOpposite(first, second) ? INFINITY : addon.publicKeyCombine([first, second], true);
    },
    // The addon's only constant-time multiplication of a point is its key agreement, given a "hash" that keeps the whole point.
    secretMultiple: (secret, point) =>
      compress(addon.ecdh(point, secret, { hashfn: uncompressed }, new Uint8Array(65))),
  };
}

const uncompressed = (x: Uint8Array, y: Uint8Array): Uint8Array => Uint8Array.of(4, ...x, ...y);

/** Same x, other y: the two add up to infinity. */
const areOpposite = (left: Uint8Array, right: Uint8Array): boolean =>
  equalBytes(left.subarray(1, 33), right.subarray(1, 33)) && !equalBytes(left, right);
