/** The hashes beside the way from a leaf to the root (mining-path 1.5 and 1.11). */
export type SparseProof = {
  /** Digests, that of the leaf's sibling first; 48 zero bytes for an empty side. */
  readonly sideNodes: readonly Uint8Array[];
  /** Encoding of the leaf that was found in the place of the one looked for. */
  readonly nonMembershipLeafData: Uint8Array | undefined;
  /** Encoding of the node that the first side node is the digest of. */
  readonly siblingData: Uint8Array | undefined;
};

/** Proof of the leaf closest to a path (mining-path 1.5). */
export type ClosestProof = {
  /** The path asked for, 32 bytes. */
  readonly path: Uint8Array;
  /** Bits at which the trie had only the other side, ascending. */
  readonly flippedBits: readonly number[];
  readonly depth: number;
  /** Path of the leaf found; 48 zero bytes for an empty trie. */
  readonly closestPath: Uint8Array;
  /** Relay bytes, weight and count of that leaf: 8 bytes each, big-endian. */
  readonly closestValueHash: Uint8Array | undefined;
  readonly closestProof: SparseProof;
};

/** The form in which proofs travel: empty side nodes are left out and marked in a mask (mining-path 1.6). Empty bytes stand for absent ones. */
export type CompactProof = {
  readonly sideNodes: readonly Uint8Array[];
  readonly nonMembershipLeafData: Uint8Array;
  readonly bitMask: Uint8Array;
  readonly numSideNodes: number;
  readonly siblingData: Uint8Array;
};

export type CompactClosestProof = {
  readonly path: Uint8Array;
  /** Big-endian integers. */
  readonly flippedBits: readonly Uint8Array[];
  /** A big-endian integer. */
  readonly depth: Uint8Array;
  readonly closestPath: Uint8Array;
  readonly closestValueHash: Uint8Array;
  /** Absent only in malformed proofs. */
  readonly closestProof: CompactProof | undefined;
};
