import { concatBytes } from "../../src/base/bytes.ts";
import type { RelayRequest } from "../../src/chain/proto/service.ts";
import { requestDigest } from "../../src/chain/protocol/relay-hash.ts";
import { challenge } from "../../src/chain/protocol/ring/challenge.ts";
import { fastestCurve } from "../../src/chain/protocol/ring/fastest-curve.ts";
import { hashToCurve } from "../../src/chain/protocol/ring/hash-to-curve.ts";

/** The same signature written from its second member on: other bytes, and as valid (relay-path 3.6). Needs no private key. */
export function rotatedSignature(digest: Uint8Array, signature: Uint8Array): Uint8Array {
  const curve = fastestCurve;
  const pointOf = (bytes: Uint8Array): Uint8Array => {
    const point = curve.decompress(bytes);
    if (point === undefined) throw new Error("no point");
    return point;
  };
  const [c0, image] = [signature.subarray(4, 36), signature.subarray(36, 69)];
  const [scalar, publicKey] = [signature.subarray(69, 101), signature.subarray(101, 134)];
  const l = curve.sumWithBase(scalar, c0, pointOf(publicKey));
  const r = curve.sum(scalar, hashToCurve(publicKey, curve), c0, pointOf(image));
  return concatBytes(
    signature.subarray(0, 4),
    challenge(digest, l, r),
    image,
    signature.subarray(134),
    signature.subarray(69, 134),
  );
}

export const rotated = (request: RelayRequest): RelayRequest => ({
  ...request,
  meta: { ...request.meta, signature: rotatedSignature(requestDigest(request), request.meta.signature) },
});
