import { createHash } from "node:crypto";
import { leftAlignedScalar, ORDER } from "../scalar.ts";

/**
 * Challenge scalar, 32 bytes below the order: SHA3-512 of the parts modulo the order, its bytes aligned to the **left** when they
 * are fewer than 32. A defect of the chain's own library, and so the protocol (relay-path 3.4).
 */
export function scalarFromHash(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha3-512");
  for (const part of parts) hash.update(part);
  return leftAlignedScalar(BigInt(`0x${hash.digest("hex")}`) % ORDER);
}

/** Challenge of the next member: over the 32-byte digest and the encoded points L and R of this one (relay-path 3.4). */
export const challenge = (digest: Uint8Array, l: Uint8Array, r: Uint8Array): Uint8Array =>
  scalarFromHash(digest, l, r);
