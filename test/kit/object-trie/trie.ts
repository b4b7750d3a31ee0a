import { bytesToBig } from "../../../src/base/bytes.ts";
import { AppError } from "../../../src/base/errors.ts";
import { type Sha256, sha256 } from "../../../src/smst/hash.ts";
import type { ClosestProof, SparseProof } from "../../../src/smst/proof-types.ts";
import type { NodeStore } from "../../../src/smst/store.ts";
import { type Commit, collectWrites, lastingDeletes, type NodeWrite, type Retain } from "./commit.ts";
import { childOf, digestOf, leafEncoding } from "./encoding.ts";
import { insert, type Orphans } from "./insert.ts";
import { DIGEST_LENGTH, type LeafNode } from "./nodes.ts";
import { closestProof, ordinaryProof } from "./prove.ts";
import { nodeMissing, openWay, type Reading, type Top } from "./reading.ts";
import { removeLeaf } from "./remove.ts";

/** For a relay: key = relay hash, value = relay bytes, weight = compute units, an unsigned 64-bit integer (mining-path 1.1). */
export type Leaf = { readonly key: Uint8Array; readonly value: Uint8Array; readonly weight: bigint };

const MOST_WEIGHT = (1n << 64n) - 1n;

/**
 * A sparse Merkle sum trie in the layout of Go's smt library (mining-path 1). Nodes are read from the store when they are first needed
 * and then stay in memory; nothing is written: `commit` says what to write.
 *
 * A call that needs a node which the store lacks throws AppError SMST_NODE_MISSING with `fields.digest` (hex) and changes nothing: fetch
 * that node and call again (load.ts does). A node that does not hash to its digest is AppError SMST_NODE_CORRUPT.
 */
export class Trie {
  readonly #reading: Reading;
  readonly #top: Top;
  #orphans: Orphans = [];

  /** Goes on from a root of 48 bytes, or begins empty. Throws AppError SMST_BAD_ROOT on a root of another length. */
  constructor(store: NodeStore, root?: Uint8Array, hash: Sha256 = sha256) {
    if (root !== undefined && root.length !== DIGEST_LENGTH)
      throw new AppError("SMST_BAD_ROOT", "a root has 48 bytes", { length: root.length });
    this.#reading = { store, sha256: hash };
    this.#top = { root: root === undefined ? undefined : childOf(new Uint8Array(root)) };
  }

  /** Adds a leaf, or replaces the one with this key. Throws AppError SMST_NODE_MISSING, SMST_BAD_WEIGHT. */
  update(key: Uint8Array, value: Uint8Array, weight: bigint): void {
    this.updateMany([{ key, value, weight }]);
  }

  /**
   * As `update` for each leaf in turn, but all or none. Nothing is hashed but keys: inner nodes that leaves share are hashed once, when
   * the root is asked for. Throws AppError SMST_NODE_MISSING, SMST_BAD_WEIGHT.
   */
  updateMany(leaves: readonly Leaf[]): void {
    const made = leaves.map((leaf) => this.#leaf(leaf));
    for (const { path } of made) {
      const missing = this.missingTowards(path);
      if (missing !== undefined) throw nodeMissing(missing);
    }
    for (const leaf of made) this.#top.root = insert(this.#top.root, 0, leaf, this.#orphans);
  }

  /** Takes a leaf out. Throws AppError SMST_KEY_NOT_FOUND, SMST_NODE_MISSING. */
  delete(key: Uint8Array): void {
    removeLeaf(this.#top, this.pathOf(key), this.#orphans, this.#reading);
  }

  /** Hash, sum and count: 48 bytes. Hashes what has changed since it was last asked for. */
  root(): Uint8Array {
    return digestOf(this.#top.root, this.#reading.sha256).slice();
  }

  /** Sum of the weights, modulo 2^64. */
  sum(): bigint {
    return bytesToBig(this.root().subarray(32, 40));
  }

  /** Number of leaves. */
  count(): bigint {
    return bytesToBig(this.root().subarray(40));
  }

  /**
   * What has to be written and deleted to store the trie as it is. The trie takes it as done: if the store refuses it, drop the trie.
   * With `retain: "inner"` the payloads of leaves are read from the store when a proof needs them.
   */
  commit({ retain = "all" }: { readonly retain?: Retain } = {}): Commit {
    const writes: NodeWrite[] = [];
    collectWrites(this.#top.root, retain, this.#reading.sha256, writes);
    const orphans = this.#orphans;
    this.#orphans = [];
    return { root: this.root(), writes, deletes: lastingDeletes(orphans, writes), orphans };
  }

  /** Proof of the leaf closest to a path of 32 bytes. Throws AppError SMST_BAD_PATH, SMST_NODE_MISSING. */
  proveClosest(path: Uint8Array): ClosestProof {
    return closestProof(this.#top, path, this.#reading);
  }

  /** Proof that a key is in the trie, or that it is not. Throws AppError SMST_NODE_MISSING. */
  prove(key: Uint8Array): SparseProof {
    return ordinaryProof(this.#top, this.pathOf(key), this.#reading);
  }

  /** Where the leaf with this key belongs: keys are hashed, also those that are hashes (mining-path 1.1). */
  pathOf(key: Uint8Array): Uint8Array {
    return this.#reading.sha256(key);
  }

  /** Loads the way to a path; the digest of the first node that the store lacks, undefined if an update of that path can be made. */
  missingTowards(path: Uint8Array): Uint8Array | undefined {
    return openWay(this.#top, path, this.#reading);
  }

  #leaf({ key, value, weight }: Leaf): LeafNode {
    if (weight < 0n || weight > MOST_WEIGHT)
      throw new AppError("SMST_BAD_WEIGHT", "a weight is an unsigned 64-bit integer", { weight });
    const path = this.pathOf(key);
    return {
      kind: "leaf",
      path,
      digest: undefined,
      persisted: false,
      encoding: leafEncoding(path, value, weight),
    };
  }
}
