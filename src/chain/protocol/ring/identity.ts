import { sha256 } from "../../../base/sha256.ts";

/** Count (4), c0 (32), key image (33), then a scalar (32) and a public key (33) per member (relay-path 3.5). */
const IMAGE_AT = 36;
const HEAD_BYTES = 69;
const PAIR_BYTES = 65;
const DIGEST_BYTES = 32;
const IMAGE_BYTES = HEAD_BYTES - IMAGE_AT;

/**
 * 32 bytes that name a signature of a digest, whichever member its ring is written from. Anybody can write a valid signature from another
 * member on: other bytes, the same signer, valid as well (relay-path 3.6). What stays is the key image and which scalar stands beside which
 * key. Undefined for bytes that are no canonical signature. Never throws.
 */
export function signatureIdentity(digest: Uint8Array, signature: Uint8Array): Uint8Array | undefined {
  const members = (signature.length - HEAD_BYTES) / PAIR_BYTES;
  if (members < 1 || !Number.isInteger(members)) return undefined;
  const named = Buffer.allocUnsafe(DIGEST_BYTES + IMAGE_BYTES + members * PAIR_BYTES);
  named.set(digest);
  named.set(signature.subarray(IMAGE_AT, HEAD_BYTES), DIGEST_BYTES);
  let at = DIGEST_BYTES + IMAGE_BYTES;
  for (const from of pairsInOrder(signature, members)) {
    named.set(signature.subarray(from, from + PAIR_BYTES), at);
    at += PAIR_BYTES;
  }
  return sha256(named);
}

/** Where each pair begins, in the order of the pairs' bytes. */
function pairsInOrder(signature: Uint8Array, members: number): readonly number[] {
  const first = HEAD_BYTES;
  if (members === 1) return [first];
  const second = HEAD_BYTES + PAIR_BYTES;
  if (members === 2) return comparePairs(signature, first, second) <= 0 ? [first, second] : [second, first];
  const places = Array.from({ length: members }, (_, index) => HEAD_BYTES + index * PAIR_BYTES);
  return places.sort((left, right) => comparePairs(signature, left, right));
}

function comparePairs(signature: Uint8Array, left: number, right: number): number {
  for (let index = 0; index < PAIR_BYTES; index++) {
    const difference = (signature[left + index] ?? 0) - (signature[right + index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
