import { equalBytes } from "../../base/bytes.ts";
import { AppError } from "../../base/errors.ts";
import { encodeClosestProof } from "../../smst/gob.ts";
import { NodeCache, prefetchPaths, withNodes } from "../../smst/load.ts";
import { type Leaf, Trie } from "../../smst/trie.ts";
import { rootCount, verifyClosestProof } from "../../smst/verify.ts";
import type { Lease } from "../redis/leases.ts";
import type { SessionIdentity } from "../redis/session-record.ts";
import type { TrieStore } from "../redis/trie-store.ts";
import type { BatchOutcome, SealOutcome, TrieWrites } from "../redis/trie-writes.ts";
import { sha256 } from "./sha256.ts";

export type { Leaf } from "../../smst/trie.ts";

type Options = {
  readonly session: SessionIdentity;
  readonly store: TrieStore;
  readonly writes: TrieWrites;
};

/**
 * One session's trie: the part of it that is needed lives in memory, all of it in Redis. What memory holds is only ever a committed
 * state: after any doubt it is dropped and read again from `live_root` (architecture 4).
 */
export class SessionTrie {
  readonly #options: Options;
  #trie: Trie | undefined;
  #root: Uint8Array | undefined;
  readonly #nodes = new NodeCache();
  #busy = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  get session(): SessionIdentity {
    return this.#options.session;
  }

  /** Bytes of memory that its nodes take. */
  get bytes(): number {
    return this.#trie?.bytes ?? 0;
  }

  /** Whether work on it is under way: then `drop` is not for others to call. */
  get isBusy(): boolean {
    return this.#busy > 0;
  }

  /**
   * Adds leaves and acknowledges their stream entries in one script. Repeating it is harmless: the key of a leaf is its relay's hash.
   * Whatever it throws, the outcome may be unknown and memory is dropped. `added` is the number of leaves that were not there before.
   */
  async apply(
    lease: Lease,
    leaves: readonly Leaf[],
    entryIds: readonly string[],
  ): Promise<BatchOutcome & { readonly added: bigint }> {
    return this.#atWork(() => this.#apply(lease, leaves, entryIds));
  }

  async #apply(
    lease: Lease,
    leaves: readonly Leaf[],
    entryIds: readonly string[],
  ): Promise<BatchOutcome & { readonly added: bigint }> {
    try {
      const { sealedRoot } = await this.#ready();
      if (sealedRoot !== undefined) {
        this.drop();
        return { outcome: "sealed", root: sealedRoot, added: 0n };
      }
      const trie = this.#loaded();
      await this.#fetching(() =>
        prefetchPaths(
          trie,
          leaves.map(({ key }) => key),
          this.#nodes,
          this.#fetch,
        ),
      );
      await withNodes(this.#nodes, this.#fetch, () => trie.updateMany(leaves));
      const { root, writes, deletes } = trie.commit({ retain: "inner" });
      const outcome = await this.#options.writes.applyBatch({
        lease,
        session: this.#options.session,
        expectedRoot: this.#root,
        newRoot: root,
        writes,
        deletes,
        entryIds,
      });
      const added = rootCount(root) - (this.#root === undefined ? 0n : rootCount(this.#root));
      if (outcome.outcome === "applied" || outcome.outcome === "repeated") this.#root = root;
      else this.drop();
      return { ...outcome, added };
    } catch (thrown) {
      this.drop();
      throw thrown;
    }
  }

  /** Fixes the root that will be claimed; whoever sealed first decided it. */
  seal(lease: Lease): Promise<SealOutcome> {
    return this.#atWork(() => this.#seal(lease));
  }

  async #seal(lease: Lease): Promise<SealOutcome> {
    const { sealedRoot } = await this.#ready();
    if (sealedRoot !== undefined) return { outcome: "sealed", root: sealedRoot };
    if (this.#root === undefined)
      throw new AppError("SMST_EMPTY", "a session without leaves cannot be claimed", {
        session: this.#options.session.sessionId,
      });
    const outcome = await this.#options.writes.seal(lease, this.#options.session, this.#root);
    if (outcome.outcome !== "sealed") this.drop();
    return outcome;
  }

  /** The sealed root, or undefined while the session is open. */
  async sealedRoot(): Promise<Uint8Array | undefined> {
    return (await this.#options.store.state()).sealedRoot;
  }

  /**
   * The proof of the leaf closest to `path`, as a proof message carries it, checked against the sealed root first: a proof that the
   * chain would refuse costs stake. Throws PROOF_INVALID, SMST_NODE_MISSING.
   */
  prove(path: Uint8Array): Promise<Uint8Array> {
    return this.#atWork(() => this.#prove(path));
  }

  async #prove(path: Uint8Array): Promise<Uint8Array> {
    const root = await this.sealedRoot();
    if (root === undefined)
      throw new AppError("PROOF_INVALID", "the session has no sealed root", {
        session: this.#options.session.sessionId,
      });
    if (this.#root === undefined || !equalBytes(this.#root, root)) this.#open(root);
    const trie = this.#loaded();
    const proof = await withNodes(this.#nodes, this.#fetch, () => trie.proveClosest(path));
    if (!verifyClosestProof(proof, root))
      throw new AppError("PROOF_INVALID", "the proof does not verify against the sealed root", {
        session: this.#options.session.sessionId,
      });
    return encodeClosestProof(proof);
  }

  /** Forgets what memory holds; the next use reads Redis. */
  drop(): void {
    this.#trie = undefined;
    this.#root = undefined;
    this.#nodes.clear();
  }

  async #atWork<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#busy++;
    try {
      return await work();
    } finally {
      this.#busy--;
    }
  }

  async #ready(): Promise<{ readonly sealedRoot: Uint8Array | undefined }> {
    if (this.#trie !== undefined) return { sealedRoot: undefined };
    const { sealedRoot, liveRoot } = await this.#options.store.state();
    this.#open(sealedRoot ?? liveRoot);
    return { sealedRoot };
  }

  #open(root: Uint8Array | undefined): void {
    this.#nodes.clear();
    this.#root = root;
    this.#trie = new Trie(this.#nodes, root, sha256);
  }

  #loaded(): Trie {
    if (this.#trie === undefined) throw new AppError("SMST_NOT_OPEN", "the trie is not open");
    return this.#trie;
  }

  readonly #fetch = (digests: readonly Uint8Array[]) => this.#options.store.getMany(digests);

  async #fetching(load: () => Promise<void>): Promise<void> {
    if (this.#root !== undefined) await load();
  }
}
