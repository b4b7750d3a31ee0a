import { sha256 as portable } from "@noble/hashes/sha2.js";

/**
 * SHA-256 of the bytes: a fresh array of 32 bytes. The trie calls it with a buffer that it writes to again afterwards, so it must not
 * keep its input. Where the platform has a faster one it can be given to a Trie, and so can one that writes its result where it belongs.
 */
export interface Sha256 {
  (bytes: Uint8Array): Uint8Array;
  readonly into?: Sha256Into;
}

/** The same, but the 32 bytes are written to `target` from `offset` on. */
export type Sha256Into = (bytes: Uint8Array, target: Uint8Array, offset: number) => void;

export const sha256: Sha256 = portable;

/** How to write a hash in place, for any hash function. */
export const intoOf = (hash: Sha256): Sha256Into =>
  hash.into ?? ((bytes, target, offset) => target.set(hash(bytes), offset));
