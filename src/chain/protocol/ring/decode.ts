import { isReduced, reduceScalar } from "../scalar.ts";

/** Count (4), c0 (32), key image (33), then a scalar (32) and a public key (33) per member (relay-path 3.5). */
const HEAD_BYTES = 69;
const PAIR_BYTES = 65;

/** The parts of a signature. Scalars are reduced by the order; the points are bytes that nobody has looked at yet. */
export type RingSignature = {
  readonly challenge: Uint8Array;
  readonly keyImage: Uint8Array;
  readonly pairs: readonly { readonly scalar: Uint8Array; readonly publicKey: Uint8Array }[];
  /** Whether writing the parts back gives the same bytes: nothing after the last key, every scalar below the order. */
  readonly canonical: boolean;
};

/** Splits a signature as the chain does, which ignores bytes after the end and reduces scalars (relay-path 3.6). Never throws. */
export function decodeRingSignature(bytes: Uint8Array): RingSignature | undefined {
  const count = signatureMembers(bytes);
  if (count === undefined || count === 0) return undefined;
  const length = HEAD_BYTES + PAIR_BYTES * count;
  if (bytes.length < length) return undefined;
  const challenge = bytes.subarray(4, 36);
  const pairs: { scalar: Uint8Array; publicKey: Uint8Array }[] = [];
  let canonical = bytes.length === length && isReduced(challenge);
  for (let offset = HEAD_BYTES; offset < length; offset += PAIR_BYTES) {
    const scalar = bytes.subarray(offset, offset + 32);
    canonical &&= isReduced(scalar);
    const publicKey = bytes.subarray(offset + 32, offset + PAIR_BYTES);
    pairs.push({ scalar: reduceScalar(scalar), publicKey });
  }
  return { challenge: reduceScalar(challenge), keyImage: bytes.subarray(36, HEAD_BYTES), pairs, canonical };
}

/** The number of members that a signature says it has; undefined if it is too short to say. */
export function signatureMembers(bytes: Uint8Array): number | undefined {
  if (bytes.length < 4) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}
