import { createHash } from "node:crypto";
import { bigToBytes, bytesToBig, concatBytes } from "../../../base/bytes.ts";
import { AppError } from "../../../base/errors.ts";
import type { Curve } from "./curve.ts";
import { fastestCurve } from "./fastest-curve.ts";

const FIELD_PRIME = 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2fn;
const EVEN_Y = Uint8Array.of(2);
const MAX_ROUNDS = 128;

/**
 * H_p of a 33-byte public key, uncompressed: SHA3-256 again and again until the digest modulo the field's prime is the x of a point;
 * of its two points the one with even y (relay-path 3.4). Throws AppError BAD_RING_KEY after 128 rounds, which no known key needs.
 */
export function hashToCurve(publicKey: Uint8Array, curve: Curve = fastestCurve): Uint8Array {
  let digest = sha3(publicKey);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const x = bigToBytes(bytesToBig(digest) % FIELD_PRIME, 32);
    const point = curve.decompress(concatBytes(EVEN_Y, x));
    if (point !== undefined) return point;
    digest = sha3(digest);
  }
  throw new AppError("BAD_RING_KEY", "this public key hashes to no point of the curve");
}

const sha3 = (bytes: Uint8Array): Uint8Array => createHash("sha3-256").update(bytes).digest();
