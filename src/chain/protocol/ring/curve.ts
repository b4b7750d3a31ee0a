/**
 * What ring signatures need of secp256k1. A point is its 65-byte uncompressed form, a scalar is 32 big-endian bytes below the
 * group's order; the caller sees to both.
 */
export type Curve = {
  readonly name: "native" | "noble";
  /** The point of a 33-byte compressed form; undefined if the bytes are not one (x not below the prime, not on the curve). */
  decompress(bytes: Uint8Array): Uint8Array | undefined;
  /** a·G + b·P, as `enc` of relay-path 3.4. For public scalars: not constant time. */
  sumWithBase(a: Uint8Array, b: Uint8Array, point: Uint8Array): Uint8Array;
  /** a·P + b·Q, as `enc` of relay-path 3.4. For public scalars: not constant time. */
  sum(a: Uint8Array, left: Uint8Array, b: Uint8Array, right: Uint8Array): Uint8Array;
  /** k·P, compressed, for a secret k that is not zero. */
  secretMultiple(secret: Uint8Array, point: Uint8Array): Uint8Array;
};

/** How the chain writes the point at infinity, which has no compressed form of its own: 02 and 32 zero bytes (relay-path 3.4). */
export const INFINITY: Uint8Array = Uint8Array.from({ length: 33 }, (_, index) => (index === 0 ? 2 : 0));
