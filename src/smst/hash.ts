import { sha256 as portable } from "@noble/hashes/sha2.js";

/**
 * SHA-256 of the bytes: a fresh array of 32 bytes. The trie calls it with a buffer that it writes to again afterwards, so it must not
 * keep its input. Where the platform has a faster one it can be given to a Trie.
 */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

export const sha256: Sha256 = portable;
