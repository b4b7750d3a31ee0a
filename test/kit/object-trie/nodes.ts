/** Length of hash, sum and count together (mining-path 1.1). */
export const DIGEST_LENGTH = 48;
export const PATH_LENGTH = 32;

/** Number of bits of a path: no node lies deeper. */
export const PATH_BITS = PATH_LENGTH * 8;

/** Digest of an empty subtree and root of an empty trie (mining-path 1.1). */
export const PLACEHOLDER: Uint8Array = new Uint8Array(DIGEST_LENGTH);

/**
 * In all nodes: `digest` is made when it is first needed and dropped when something below changes; `persisted` says that the store has,
 * or was told to write, this very node.
 */
export type LeafNode = {
  readonly kind: "leaf";
  readonly path: Uint8Array;
  digest: Uint8Array | undefined;
  persisted: boolean;
  /** The whole stored form; dropped where the store has it and memory matters, and then `digest` is set. */
  encoding: Uint8Array | undefined;
};

export type InnerNode = {
  readonly kind: "inner";
  left: Node | undefined;
  right: Node | undefined;
  digest: Uint8Array | undefined;
  persisted: boolean;
};

/** A run of inner nodes with one empty side each, at the bits from `start` to before `end` (mining-path 1.2). */
export type ExtensionNode = {
  readonly kind: "extension";
  /** Only the bits from `start` to before `end` mean something, but all 32 bytes are stored (mining-path 1.3). */
  readonly path: Uint8Array;
  start: number;
  readonly end: number;
  child: Node;
  digest: Uint8Array | undefined;
  persisted: boolean;
};

/** A node that only its digest is known of. */
export type LazyNode = { readonly kind: "lazy"; readonly digest: Uint8Array; readonly persisted: true };

export type LoadedNode = LeafNode | InnerNode | ExtensionNode;
export type Node = LoadedNode | LazyNode;

export const lazyNode = (digest: Uint8Array): LazyNode => ({ kind: "lazy", digest, persisted: true });

export const innerNode = (left: Node | undefined, right: Node | undefined): InnerNode => ({
  kind: "inner",
  left,
  right,
  digest: undefined,
  persisted: false,
});

export const extensionNode = (path: Uint8Array, start: number, end: number, child: Node): ExtensionNode => ({
  kind: "extension",
  path,
  start,
  end,
  child,
  digest: undefined,
  persisted: false,
});

/** Bit `index` of a path, most significant first: 0 leads left, 1 right. */
export const bitAt = (path: Uint8Array, index: number): 0 | 1 =>
  (((path[index >> 3] ?? 0) >> (7 - (index & 7))) & 1) as 0 | 1;

/** The first bit in [from, to) in which two paths differ, or `to`. */
export function firstDifference(left: Uint8Array, right: Uint8Array, from: number, to: number): number {
  let index = from;
  while (index < to) {
    const different = ((left[index >> 3] ?? 0) ^ (right[index >> 3] ?? 0)) & (0xff >> (index & 7));
    if (different !== 0) return Math.min(to, (index & ~7) + Math.clz32(different) - 24);
    index = (index & ~7) + 8;
  }
  return to;
}
