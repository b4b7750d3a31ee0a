import type { Clock } from "../../base/clock.ts";
import { AppError, toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { ChainData } from "../cache/chain-data.ts";
import type { RedisClient } from "../redis/client.ts";
import type { Keys } from "../redis/keys.ts";
import type { Lease } from "../redis/leases.ts";
import type { RelayReader } from "../redis/relay-reader.ts";
import type { StreamEntry } from "../redis/relay-stream.ts";
import type { SessionIdentity } from "../redis/session-record.ts";
import { trieStore } from "../redis/trie-store.ts";
import type { TrieWrites } from "../redis/trie-writes.ts";
import type { MinerMetrics } from "./metrics.ts";
import {
  bySession,
  type Group,
  inBatches,
  judge,
  leavesOf,
  type Relay,
  type Verdict,
} from "./relay-check.ts";
import { SessionTrie } from "./session-trie.ts";
import type { TrieMemory } from "./trie-memory.ts";

export type WorkerDependencies = {
  readonly redis: RedisClient;
  readonly keys: Keys;
  readonly reader: RelayReader;
  readonly writes: TrieWrites;
  readonly chain: Pick<ChainData, "session" | "computeUnitsPerRelayAt">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MinerMetrics;
  readonly applyBatch: number;
  readonly memory: TrieMemory;
  /** Whether Redis cannot have given the lease to another yet. */
  readonly holds: (lease: Lease) => boolean;
  /** A write was refused: the lease is another's. */
  readonly onFenced: (lease: Lease) => void;
};

/** Tries in memory per supplier; the one used longest ago is dropped first and read again from Redis when needed. */
const MAX_TRIES = 256;
/** Relays of one batch together, unless it is one: they travel as one argument, and Redis holds it and what it makes of it at once. */
const MAX_BATCH_BYTES = 16_777_216;
/** A batch that found another root than it was made on is made again, on the root that Redis has. */
const MAX_CONFLICTS = 3;
/** A session that the chain could not be asked about is asked about again after so long, not for every batch. */
const ASK_AGAIN_MS = 1_000;
const MAX_UNKNOWN = 1_000;

/**
 * All work on one supplier's tries, one thing at a time: applying relays, sealing, proving. It lives as long as the lease;
 * after `stop` nothing is started any more.
 */
export class SupplierWorker {
  readonly supplier: string;
  readonly lease: Lease;
  readonly #with: WorkerDependencies;
  readonly #tries = new Map<string, SessionTrie>();
  readonly #unknown = new Map<string, { readonly verdict: Verdict; readonly at: number }>();
  #queue: Promise<unknown> = Promise.resolve();
  #phase: "working" | "stopped" = "working";

  constructor(lease: Lease, dependencies: WorkerDependencies) {
    this.supplier = lease.of;
    this.lease = lease;
    this.#with = dependencies;
  }

  /** True from `stop` on, and as soon as the lease may be another's: then nothing more may go to Redis or the chain. */
  get stopped(): boolean {
    return this.#phase === "stopped" || !this.#with.holds(this.lease);
  }

  /** Starts nothing more; resolves when the work under way has ended. */
  async stop(): Promise<void> {
    this.#phase = "stopped";
    await this.#queue.catch(() => undefined);
    for (const sessionId of [...this.#tries.keys()]) this.forget(sessionId);
  }

  /**
   * Entries of the stream to leaves. An entry is gone from the stream when it was applied, came too late, or is a dead letter; whatever
   * could not be decided stays there, pending, and comes again. The chain is asked before the tries are held up.
   */
  async apply(entries: readonly StreamEntry[]): Promise<void> {
    const relays: Relay[] = [];
    const unreadable: { readonly id: string; readonly problem: string }[] = [];
    for (const { id, message, problem } of entries)
      if (message !== undefined) relays.push({ id, message });
      else unreadable.push({ id, problem });
    const judged = await Promise.all(
      bySession(relays).map(async (group) => ({ group, verdict: await this.#judge(group.session) })),
    );
    await this.exclusive(async () => {
      for (const { id, problem } of unreadable) await this.#deadLetter(id, problem);
      for (const { group, verdict } of judged) await this.#applyGroup(group, verdict);
    });
  }

  /** Runs `work` when everything queued before has ended. Rejects with what it throws; skipped when the lease is gone. */
  exclusive<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    const run = this.#queue.catch(() => undefined).then(() => (this.stopped ? undefined : work()));
    this.#queue = run;
    return run;
  }

  /** The trie of a session; call within `exclusive`. */
  trie(session: SessionIdentity): SessionTrie {
    const { redis, keys, writes } = this.#with;
    const known = this.#tries.get(session.sessionId);
    const trie =
      known ??
      new SessionTrie({ session, writes, store: trieStore(redis, keys, this.supplier, session.sessionId) });
    this.#tries.delete(session.sessionId);
    this.#tries.set(session.sessionId, trie);
    for (const oldest of this.#tries.keys()) {
      if (this.#tries.size <= MAX_TRIES) break;
      this.forget(oldest);
    }
    return trie;
  }

  /** The session's one root to claim, sealed now if it was not; undefined when the lease is gone. Throws SMST_EMPTY, CLAIM_NOT_SEALED. */
  async seal(session: SessionIdentity): Promise<Uint8Array | undefined> {
    return this.exclusive(async () => {
      for (let attempt = 0; attempt < MAX_CONFLICTS; attempt++) {
        const sealed = await this.trie(session).seal(this.lease);
        if (sealed.outcome === "conflict") continue;
        // What a proof needs of the trie is read again: until then it would only take up memory.
        this.forget(session.sessionId);
        if (sealed.outcome === "sealed") return sealed.root;
        this.#with.onFenced(this.lease);
        return undefined;
      }
      throw new AppError("CLAIM_NOT_SEALED", "the trie in Redis kept changing while it was sealed");
    });
  }

  forget(sessionId: string): void {
    const trie = this.#tries.get(sessionId);
    if (trie !== undefined) this.#with.memory.forget(trie);
    this.#tries.delete(sessionId);
  }

  async #judge(session: SessionIdentity): Promise<Verdict> {
    const { chain, clock } = this.#with;
    const name = Object.values(session).join("|");
    const unknown = this.#unknown.get(name);
    if (unknown !== undefined && clock.monotonic() - unknown.at < ASK_AGAIN_MS) return unknown.verdict;
    const verdict = await judge(chain, session);
    this.#unknown.delete(name);
    if (this.#unknown.size >= MAX_UNKNOWN) this.#unknown.clear();
    if (verdict.kind === "unknown") this.#unknown.set(name, { verdict, at: clock.monotonic() });
    return verdict;
  }

  async #applyGroup({ session, relays }: Group, verdict: Verdict): Promise<void> {
    const { metrics, applyBatch } = this.#with;
    metrics.consumed.inc({ supplier: this.supplier, service_id: session.serviceId }, relays.length);
    if (verdict.kind === "unknown") return this.#leave(session, relays, verdict.error);
    try {
      const good = await this.#checked(relays, verdict);
      for (const batch of inBatches(good, applyBatch, MAX_BATCH_BYTES)) {
        if (this.stopped) return;
        await this.#applyLeaves(session, batch);
      }
    } catch (thrown) {
      this.#leave(session, relays, toError(thrown));
    }
  }

  /** Nothing was acknowledged that was not applied: it is read again. */
  #leave(session: SessionIdentity, relays: readonly Relay[], error: Error): void {
    const { metrics, logger } = this.#with;
    metrics.rejected.inc({ supplier: this.supplier, reason: "retry" }, relays.length);
    logger.warn(
      { supplier: this.supplier, session: session.sessionId, relays: relays.length, error: error.message },
      "relays could not be applied and stay in the stream",
    );
  }

  /** Entries that would void the claim are put aside with their reason. */
  async #checked(
    relays: readonly Relay[],
    verdict: Exclude<Verdict, { kind: "unknown" }>,
  ): Promise<readonly Relay[]> {
    const good: Relay[] = [];
    for (const relay of relays) {
      const weight = relay.message.computeUnitsPerRelay;
      if (verdict.kind === "bad") await this.#deadLetter(relay.id, verdict.reason);
      else if (weight !== verdict.units)
        await this.#deadLetter(relay.id, `weighs ${weight}, not ${verdict.units}`);
      else good.push(relay);
    }
    return good;
  }

  async #applyLeaves(session: SessionIdentity, relays: readonly Relay[]): Promise<void> {
    const { metrics, onFenced, clock } = this.#with;
    const start = clock.monotonic();
    const ids = relays.map(({ id }) => id);
    const leaves = leavesOf(relays);
    const trie = this.trie(session);
    for (let attempt = 0; attempt < MAX_CONFLICTS; attempt++) {
      const { outcome, added } = await trie.apply(this.lease, leaves, ids);
      this.#with.memory.used(trie);
      if (outcome === "conflict") continue;
      if (outcome === "applied" || outcome === "repeated") {
        metrics.added.inc({ supplier: this.supplier, service_id: session.serviceId }, relays.length);
        metrics.collapsed.inc({ supplier: this.supplier }, relays.length - Number(added));
        metrics.acknowledged.inc(relays.length);
        metrics.applySeconds.observe((clock.monotonic() - start) / 1000);
      } else if (outcome === "fenced") onFenced(this.lease);
      else await this.#late(session, ids, outcome);
      return;
    }
    throw new AppError("TRIE_CHANGING", "the trie in Redis kept changing under a batch");
  }

  async #late(session: SessionIdentity, ids: readonly string[], outcome: string): Promise<void> {
    const { reader, metrics, logger } = this.#with;
    await reader.discard(this.supplier, ids);
    metrics.rejected.inc({ supplier: this.supplier, reason: `late_${outcome}` }, ids.length);
    logger.warn(
      { supplier: this.supplier, session: session.sessionId, relays: ids.length },
      "relays came after their session was claimed and are not paid",
    );
  }

  async #deadLetter(id: string, reason: string): Promise<void> {
    const { reader, metrics, logger } = this.#with;
    await reader.deadLetter(this.supplier, id, reason);
    metrics.rejected.inc({ supplier: this.supplier, reason: "dead_letter" });
    logger.error(
      { supplier: this.supplier, entry: id, reason },
      "a stream entry was put aside as a dead letter",
    );
  }
}
