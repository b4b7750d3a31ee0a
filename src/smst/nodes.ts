/** Length of hash, sum and count together (mining-path 1.1). */
export const DIGEST_LENGTH = 48;
export const PATH_LENGTH = 32;

/** Number of bits of a path: no node lies deeper. */
export const PATH_BITS = PATH_LENGTH * 8;

/** Digest of an empty subtree and root of an empty trie (mining-path 1.1). */
export const PLACEHOLDER: Uint8Array = new Uint8Array(DIGEST_LENGTH);

/** Bit `index` of a path, most significant first: 0 leads left, 1 right. */
export const bitAt = (path: Uint8Array, index: number): 0 | 1 =>
  (((path[index >> 3] ?? 0) >> (7 - (index & 7))) & 1) as 0 | 1;

/** A path inside of more bytes: it begins at `offset`. */
export type PathAt = { readonly bytes: Uint8Array; readonly offset: number };

/** The first bit in [from, to) in which two paths differ, or `to`. */
export function firstDifference(left: PathAt, right: PathAt, from: number, to: number): number {
  let index = from;
  while (index < to) {
    const byte = index >> 3;
    const both = (left.bytes[left.offset + byte] ?? 0) ^ (right.bytes[right.offset + byte] ?? 0);
    const different = both & (0xff >> (index & 7));
    if (different !== 0) return Math.min(to, (index & ~7) + Math.clz32(different) - 24);
    index = (index & ~7) + 8;
  }
  return to;
}
