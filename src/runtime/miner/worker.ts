import { equalBytes } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { MinedRelayMessage } from "../../chain/proto/mined-relay.ts";
import { relayHash } from "../../chain/protocol/relay-hash.ts";
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
import { SessionTrie } from "./session-trie.ts";

export type WorkerDependencies = {
  readonly redis: RedisClient;
  readonly keys: Keys;
  readonly reader: RelayReader;
  readonly writes: TrieWrites;
  readonly chain: ChainData;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MinerMetrics;
  readonly applyBatch: number;
  /** A write was refused: the lease is another's. */
  readonly onFenced: (supplier: string) => void;
};

type Relay = { readonly id: string; readonly message: MinedRelayMessage };

/** Tries in memory per supplier; the one used longest ago is dropped first and read again from Redis when needed. */
const MAX_TRIES = 256;
/** A batch that found another root than it was made on is made again, on the root that Redis has. */
const MAX_CONFLICTS = 3;

/**
 * All work on one supplier's tries, one thing at a time: applying relays, sealing, proving. It lives as long as the lease;
 * after `stop` nothing is started any more.
 */
export class SupplierWorker {
  readonly supplier: string;
  readonly lease: Lease;
  readonly #with: WorkerDependencies;
  readonly #tries = new Map<string, SessionTrie>();
  #queue: Promise<unknown> = Promise.resolve();
  #phase: "working" | "stopped" = "working";
  /** Some entries were left pending and wait to be read again. */
  leftPending = false;

  constructor(lease: Lease, dependencies: WorkerDependencies) {
    this.supplier = lease.of;
    this.lease = lease;
    this.#with = dependencies;
  }

  get stopped(): boolean {
    return this.#phase === "stopped";
  }

  /** Starts nothing more; resolves when the work under way has ended. */
  async stop(): Promise<void> {
    this.#phase = "stopped";
    await this.#queue.catch(() => undefined);
  }

  /**
   * Entries of the stream to leaves. An entry is gone from the stream when it was applied, came too late, or is a dead letter; whatever
   * could not be decided stays there, pending, and comes again.
   */
  apply(entries: readonly StreamEntry[]): Promise<void> {
    return this.exclusive(async () => {
      const relays: Relay[] = [];
      for (const { id, message, problem } of entries) {
        if (message !== undefined) relays.push({ id, message });
        else await this.#deadLetter(id, problem);
      }
      for (const group of bySession(relays))
        for (let from = 0; from < group.length; from += this.#with.applyBatch)
          await this.#applyGroup(group.slice(from, from + this.#with.applyBatch));
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
      this.#tries.delete(oldest);
    }
    return trie;
  }

  forget(sessionId: string): void {
    this.#tries.delete(sessionId);
  }

  async #applyGroup(group: readonly Relay[]): Promise<void> {
    const { metrics, clock, logger } = this.#with;
    const [first] = group;
    if (first === undefined || this.stopped) return;
    const start = clock.monotonic();
    const service = first.message.serviceId;
    metrics.consumed.inc({ supplier: this.supplier, service_id: service }, group.length);
    try {
      const good = await this.#checked(group);
      if (good.length > 0) await this.#applyLeaves(sessionOf(first.message), good);
      metrics.applySeconds.observe((clock.monotonic() - start) / 1000);
    } catch (thrown) {
      // Nothing was acknowledged that was not applied: it is read again.
      this.leftPending = true;
      metrics.rejected.inc({ supplier: this.supplier, reason: "retry" }, group.length);
      logger.warn(
        { supplier: this.supplier, session: first.message.sessionId, error: toError(thrown).message },
        "relays could not be applied and stay in the stream",
      );
    }
  }

  /** A leaf of another weight, or under a wrong key, would void the whole claim: such an entry is put aside with its reason. */
  async #checked(group: readonly Relay[]): Promise<readonly Relay[]> {
    const [first] = group;
    if (first === undefined) return [];
    const { serviceId, sessionStartHeight, sessionEndHeight } = first.message;
    const units = await this.#with.chain.computeUnitsPerRelayAt(serviceId, sessionStartHeight);
    const good: Relay[] = [];
    for (const relay of group) {
      const { message } = relay;
      const problem = [
        message.computeUnitsPerRelay === units ? "" : `weighs ${message.computeUnitsPerRelay}, not ${units}`,
        message.sessionStartHeight === sessionStartHeight && message.sessionEndHeight === sessionEndHeight
          ? ""
          : "other heights than its session",
        message.serviceId === serviceId ? "" : "another service than its session",
      ].find((found) => found !== "");
      if (problem === undefined) good.push(relay);
      else await this.#deadLetter(relay.id, problem);
    }
    return good;
  }

  async #applyLeaves(session: SessionIdentity, relays: readonly Relay[]): Promise<void> {
    const { metrics, onFenced } = this.#with;
    const ids = relays.map(({ id }) => id);
    const leaves = leavesOf(relays);
    const trie = this.trie(session);
    for (let attempt = 0; attempt < MAX_CONFLICTS; attempt++) {
      const { outcome } = await trie.apply(this.lease, leaves, ids);
      if (outcome === "conflict") continue;
      if (outcome === "applied" || outcome === "repeated") {
        metrics.added.inc({ supplier: this.supplier, service_id: session.serviceId }, relays.length);
        metrics.acknowledged.inc(relays.length);
      } else if (outcome === "fenced") onFenced(this.supplier);
      else await this.#late(session, ids, outcome);
      return;
    }
    throw new Error("the trie in Redis kept changing under a batch");
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

function bySession(relays: readonly Relay[]): readonly (readonly Relay[])[] {
  const groups = new Map<string, Relay[]>();
  for (const relay of relays) {
    const group = groups.get(relay.message.sessionId);
    if (group) group.push(relay);
    else groups.set(relay.message.sessionId, [relay]);
  }
  return [...groups.values()];
}

/** The key is computed, not believed: a wrong one would be a leaf that cannot be proven. */
const leavesOf = (relays: readonly Relay[]) =>
  relays.map(({ message }) => {
    const hash = relayHash(message.relayBytes);
    return {
      key: equalBytes(hash, message.relayHash) ? message.relayHash : hash,
      value: message.relayBytes,
      weight: message.computeUnitsPerRelay,
    };
  });

const sessionOf = (message: MinedRelayMessage): SessionIdentity => ({
  sessionId: message.sessionId,
  supplier: message.supplierOperatorAddress,
  serviceId: message.serviceId,
  application: message.applicationAddress,
  startHeight: message.sessionStartHeight,
  endHeight: message.sessionEndHeight,
});
