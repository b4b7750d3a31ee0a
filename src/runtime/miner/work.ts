import { heartbeats } from "../redis/heartbeat.ts";
import type { Lease } from "../redis/leases.ts";
import { openLeases } from "../redis/leases.ts";
import { openMeter } from "../redis/meter.ts";
import { listOf, textOf } from "../redis/reply.ts";
import type { SessionIdentity } from "../redis/session-record.ts";
import { openSessions } from "../redis/sessions.ts";
import { openSubmissions } from "../redis/submissions.ts";
import { trieStore } from "../redis/trie-store.ts";
import { trieWrites } from "../redis/trie-writes.ts";
import { claim } from "./claim.ts";
import { type LifecycleDependencies, lookAt } from "./lifecycle.ts";
import { Looks } from "./looks.ts";
import { onTheWay } from "./on-the-way.ts";
import { Ownership } from "./ownership.ts";
import type { Parts } from "./parts.ts";
import { prove } from "./prove.ts";
import { Records } from "./records.ts";
import { Settlements } from "./settle.ts";
import { isLate, Submitter } from "./submit.ts";
import { TrieMemory } from "./trie-memory.ts";
import { Turns } from "./turns.ts";
import { Unsettled } from "./unsettled.ts";
import { SupplierWorker } from "./worker.ts";

const SECOND = 1_000;
const MEGABYTE = 1_048_576;
/** As the relayers' default; a miner only announces ends and makes no counter. */
const METER_TTL_SECONDS = 7_200;
const NANOS = 1_000_000_000n;
/** Lists of claims: one of each supplier at every block. */
const READS_AT_ONCE = 16;
const END_OF_LOOK_MS = 2_000;

export type Work = { readonly ownership: Ownership; readonly lookAtAll: () => void };

/** The suppliers this miner works for: who they are, and the work on each, which begins and ends with its lease. */
export function openWork(parts: Parts): Work {
  const { config, redis, keys, clock, logger, id, metrics, keyRing, workers } = parts;
  const onFenced = (lease: Lease) => ownership.fenced(lease);
  const dependencies = {
    redis: redis.commands,
    keys,
    reader: parts.reader,
    writes: trieWrites(redis.commands, keys, clock),
    chain: parts.chain.data,
    clock,
    logger,
    metrics,
    applyBatch: config.miner.apply_batch,
    memory: new TrieMemory(config.miner.trie_memory_mb * MEGABYTE),
    holds: (lease: Lease) => ownership.holds(lease),
    onFenced,
  };
  const sessionLife = lifecycle(parts, onFenced);
  const looks = new Looks({
    logger,
    lookAt: (worker) => lookAt(worker, parts.height(), sessionLife),
  });
  const ownership = new Ownership({
    leases: openLeases({ redis: redis.commands, keys, clock, instance: id }),
    instance: id,
    suppliers: () => keyRing.addresses(),
    ttlMs: config.supplier_claiming.claim_ttl_seconds * SECOND,
    renewMs: config.supplier_claiming.renew_rate_seconds * SECOND,
    clock,
    logger,
    metrics,
    onAcquired: (lease) => {
      const worker = new SupplierWorker(lease, dependencies);
      workers.set(lease.of, worker);
      looks.want(worker);
    },
    onLost: async (supplier) => {
      const worker = workers.get(supplier);
      workers.delete(supplier);
      metrics.lag.remove({ supplier });
      if (worker === undefined) return;
      await worker.stop();
      // A look that waits for the chain starts nothing more; the lease need not wait for its end.
      const enough = new AbortController();
      await Promise.race([looks.idle(worker), clock.sleep(END_OF_LOOK_MS, enough.signal)]);
      enough.abort();
    },
  });
  return {
    ownership,
    lookAtAll: () => {
      for (const worker of workers.values()) looks.want(worker);
    },
  };
}

function lifecycle(parts: Parts, onFenced: (lease: Lease) => void): LifecycleDependencies {
  const { config, redis, keys, clock, logger, metrics, chain, reader, height } = parts;
  const { transaction } = config;
  const sessions = openSessions({
    redis: redis.commands,
    keys,
    clock,
    keepTerminalMs: config.miner.settled_record_ttl,
  });
  const submissions = openSubmissions({
    redis: redis.commands,
    keys,
    trackingTtlMs: config.submission_tracking_ttl,
    rebroadcastTtlMs: config.submission_tracking_ttl,
  });
  const records = new Records({
    sessions,
    submissions,
    height,
    clock,
    logger,
    metrics,
    onFenced,
  });
  const meter = openMeter({ redis, keys, clock, ttlSeconds: METER_TTL_SECONDS });
  const redisNow = async () => {
    const [seconds, micros] = listOf(await redis.commands.send("TIME"));
    return Number(textOf(seconds)) * 1000 + Math.floor(Number(textOf(micros)) / 1000);
  };
  const trieStoreOf = ({ supplier, sessionId }: SessionIdentity) =>
    trieStore(redis.commands, keys, supplier, sessionId);
  const submitter = openSubmitter(parts);
  const toCome = onTheWay({ redis, heartbeats: heartbeats(redis.commands, keys), clock });
  const shared = { chain: chain.data, records, submitter, height, logger, metrics };
  return {
    ...shared,
    client: chain.client,
    sessions,
    unsettled: new Unsettled({ sessions, trieStoreOf }),
    reads: new Turns({ atOnce: READS_AT_ONCE, isTooMuch: isLate, onWaiting: () => undefined }),
    settlements: new Settlements(chain.client, logger),
    trieStoreOf,
    claim: (worker, due) =>
      claim(worker, due, {
        ...shared,
        together: !transaction.disable_claim_batching,
        reader,
        onTheWay: toCome,
        blockTimeMs: () => chain.blocks.health().blockTimeMs,
        meter,
        redisNow,
        clock,
      }),
    prove: (worker, due) =>
      prove(worker, due, { ...shared, together: !transaction.disable_proof_batching, client: chain.client }),
    maxSends: 1 + transaction.max_rebroadcasts,
  };
}

function openSubmitter({ config, chain, keyRing, logger, metrics }: Parts): Submitter {
  const { transaction } = config;
  return new Submitter({
    client: chain.client,
    keys: keyRing,
    chainId: config.pocket_node.chain_id,
    gas: {
      limit: BigInt(transaction.gas_limit),
      price: transaction.gas_price,
      adjustment: transaction.gas_adjustment,
    },
    timeout: {
      skewNs: BigInt(transaction.tx_timeout_clock_skew_buffer_seconds) * NANOS,
      defaultNs: BigInt(transaction.tx_timeout_default_seconds) * NANOS,
      minNs: BigInt(transaction.tx_timeout_min_seconds) * NANOS,
      maxNs: BigInt(transaction.tx_timeout_max_seconds) * NANOS,
    },
    blockTimeMs: () => chain.blocks.health().blockTimeMs,
    latestBlock: () => chain.blocks.latest(),
    turns: new Turns({
      atOnce: config.miner.transactions_at_once,
      isTooMuch: isLate,
      onWaiting: (count) => metrics.submissionsWaiting.set(count),
    }),
    logger,
  });
}
