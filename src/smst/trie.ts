import { bytesToBig } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { Arena, ROOT_LINK } from "./arena.ts";
import { type Commit, collectWrites, lastingDeletes, type Retain } from "./commit.ts";
import { intoOf, type Sha256, sha256 } from "./hash.ts";
import { insertLeaf } from "./insert.ts";
import { ensureDigest } from "./node-bytes.ts";
import { DIGEST_LENGTH, PATH_LENGTH } from "./nodes.ts";
import { Orphans } from "./orphans.ts";
import type { ClosestProof, SparseProof } from "./proof-types.ts";
import { closestProof, ordinaryProof } from "./prove.ts";
import { nodeMissing, openWay, type Reading } from "./reading.ts";
import { removeLeaf } from "./remove.ts";
import type { NodeStore } from "./store.ts";

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
  readonly #arena = new Arena();
  readonly #reading: Reading;
  readonly #orphans = new Orphans();

  /** Goes on from a root of 48 bytes, or begins empty. Throws AppError SMST_BAD_ROOT on a root of another length. */
  constructor(store: NodeStore, root?: Uint8Array, hash: Sha256 = sha256) {
    if (root !== undefined && root.length !== DIGEST_LENGTH)
      throw new AppError("SMST_BAD_ROOT", "a root has 48 bytes", { length: root.length });
    this.#reading = { arena: this.#arena, store, sha256: hash, into: intoOf(hash) };
    if (root === undefined) return;
    const top = this.#arena.newLazy(root);
    this.#arena.links[ROOT_LINK] = top;
  }

  /** Adds a leaf, or replaces the one with this key. Throws AppError SMST_NODE_MISSING, SMST_BAD_WEIGHT. */
  update(key: Uint8Array, value: Uint8Array, weight: bigint): void {
    this.updateMany([{ key, value, weight }]);
  }

  /**
   * As `update` for each leaf in turn, but all or none. Nothing is hashed but keys: inner nodes that leaves share are hashed once, when
   * the root is asked for. Values are not copied: they must stay as they are until the next commit, and for good where it retains "all". Throws AppError SMST_NODE_MISSING, SMST_BAD_WEIGHT.
   */
  updateMany(leaves: readonly Leaf[]): void {
    checkWeights(leaves);
    const paths = this.#pathsOf(leaves);
    this.#openWays(paths);
    let offset = 0;
    for (const leaf of leaves) {
      insertLeaf(this.#arena, this.#arena.newLeaf({ bytes: paths, offset }, leaf), this.#orphans);
      offset += PATH_LENGTH;
    }
  }

  /** Takes a leaf out. Throws AppError SMST_KEY_NOT_FOUND, SMST_NODE_MISSING. */
  delete(key: Uint8Array): void {
    removeLeaf(this.pathOf(key), this.#orphans, this.#reading);
  }

  /** Hash, sum and count: 48 bytes. Hashes what has changed since it was last asked for. */
  root(): Uint8Array {
    const { root } = this.#arena;
    ensureDigest(this.#arena, root, this.#reading.into);
    return this.#arena.digest(root);
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
    const root = this.root();
    const writes = collectWrites(this.#arena, retain);
    const orphans = this.#orphans.take();
    return { root, writes, deletes: lastingDeletes(orphans, writes), orphans };
  }

  /** Proof of the leaf closest to a path of 32 bytes. Throws AppError SMST_BAD_PATH, SMST_NODE_MISSING. */
  proveClosest(path: Uint8Array): ClosestProof {
    return closestProof(path, this.#reading);
  }

  /** Proof that a key is in the trie, or that it is not. Throws AppError SMST_NODE_MISSING. */
  prove(key: Uint8Array): SparseProof {
    return ordinaryProof(this.pathOf(key), this.#reading);
  }

  /** Where the leaf with this key belongs: keys are hashed, also those that are hashes (mining-path 1.1). */
  pathOf(key: Uint8Array): Uint8Array {
    return this.#reading.sha256(key);
  }

  /** Loads the way to a path; the digest of the first node that the store lacks, undefined if an update of that path can be made. */
  missingTowards(path: Uint8Array): Uint8Array | undefined {
    return openWay(path, this.#reading);
  }

  /** Whether memory has every node, though not every payload: then no update lacks any. */
  get isWhole(): boolean {
    return this.#arena.lazies === 0;
  }

  /** Bytes that the nodes in memory take; payloads that are not committed come on top. */
  get bytes(): number {
    return this.#arena.bytes;
  }

  /** The paths of all keys, one behind the other. */
  #pathsOf(leaves: readonly Leaf[]): Uint8Array {
    const paths = new Uint8Array(leaves.length * PATH_LENGTH);
    let offset = 0;
    for (const { key } of leaves) {
      this.#reading.into(key, paths, offset);
      offset += PATH_LENGTH;
    }
    return paths;
  }

  #openWays(paths: Uint8Array): void {
    if (this.isWhole) return;
    for (let offset = 0; offset < paths.length; offset += PATH_LENGTH) {
      const missing = this.missingTowards(paths.subarray(offset, offset + PATH_LENGTH));
      if (missing !== undefined) throw nodeMissing(missing);
    }
  }
}

function checkWeights(leaves: readonly Leaf[]): void {
  for (const { weight } of leaves)
    if (weight < 0n || weight > MOST_WEIGHT)
      throw new AppError("SMST_BAD_WEIGHT", "a weight is an unsigned 64-bit integer", { weight });
}
