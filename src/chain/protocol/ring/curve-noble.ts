import { secp256k1 } from "@noble/curves/secp256k1.js";
import { bytesToBig } from "../../../base/bytes.ts";
import { type Curve, INFINITY } from "./curve.ts";

const { Point } = secp256k1;
type Point = ReturnType<typeof Point.fromBytes>;

/** Pure JavaScript: the oracle of the faster one, and what runs where there is no addon. */
export const nobleCurve: Curve = {
  name: "noble",
  decompress(bytes) {
    if (bytes.length !== 33) return undefined;
    try {
      return Point.fromBytes(bytes).toBytes(false);
    } catch {
      return undefined;
    }
  },
  sumWithBase: (a, b, point) => encode(Point.BASE.mulAddUnsafe(bytesToBig(a), open(point), bytesToBig(b))),
  sum: (a, left, b, right) => encode(open(left).mulAddUnsafe(bytesToBig(a), open(right), bytesToBig(b))),
  secretMultiple: (secret, point) => open(point).multiply(bytesToBig(secret)).toBytes(true),
};

const open = (point: Uint8Array): Point => Point.fromBytes(point);

const encode = (point: Point): Uint8Array => (point.is0() ? INFINITY : point.toBytes(true));
