import { hostname } from "node:os";
import { type Clock, repeat } from "../../base/clock.ts";
import { type Closable, CloseStack } from "../../base/close-stack.ts";
import { AppError, toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { dropFromMemory, INVALIDATE_COMMAND, parseInvalidate } from "../cache/invalidation.ts";
import { cacheMetrics } from "../cache/metrics.ts";
import { type ChainAccess, openChain } from "../cache/open-chain.ts";
import { hostAndPort } from "../config/fields.ts";
import type { MinerConfig } from "../config/miner.ts";
import { type KeyRing, loadKeys } from "../keys/key-ring.ts";
import { healthRoutes, metricsRoute, openOpsServer } from "../ops/http-server.ts";
import { keepBeating } from "../redis/beating.ts";
import { answerCommands } from "../redis/commands.ts";
import { openRedis, type RedisConnections } from "../redis/connect.ts";
import { heartbeats } from "../redis/heartbeat.ts";
import { type Keys, redisKeys } from "../redis/keys.ts";
import { openLeases } from "../redis/leases.ts";
import { openMeter } from "../redis/meter.ts";
import { openRelayReader, type RelayReader } from "../redis/relay-reader.ts";
import { listOf, textOf } from "../redis/reply.ts";
import { serviceFactors } from "../redis/service-factors.ts";
import { openSessions } from "../redis/sessions.ts";
import { openSubmissions } from "../redis/submissions.ts";
import { supplierRecords } from "../redis/supplier-records.ts";
import { trieStore } from "../redis/trie-store.ts";
import { trieWrites } from "../redis/trie-writes.ts";
import { claim } from "./claim.ts";
import { Consumer } from "./consume.ts";
import { Leader } from "./leader.ts";
import { type LifecycleDependencies, lookAt } from "./lifecycle.ts";
import { type MinerMetrics, minerMetrics } from "./metrics.ts";
import { Ownership } from "./ownership.ts";
import { prove } from "./prove.ts";
import { Records } from "./records.ts";
import { Settlements } from "./settle.ts";
import { snapshot } from "./snapshot.ts";
import { Submitter } from "./submit.ts";
import { recordSupplier } from "./suppliers.ts";
import { SupplierWorker } from "./worker.ts";

export type StartMiner = {
  readonly config: MinerConfig;
  readonly version: string;
  readonly logger: Logger;
  readonly clock: Clock;
};

export type Miner = Closable & { readonly id: string };

/** What the parts share; opened first, closed last. */
type Parts = StartMiner & {
  readonly id: string;
  readonly owned: CloseStack;
  readonly redis: RedisConnections;
  readonly keys: Keys;
  readonly keyRing: KeyRing;
  readonly chain: ChainAccess;
  readonly reader: RelayReader;
  readonly metrics: MinerMetrics;
  readonly workers: Map<string, SupplierWorker>;
  readonly height: () => bigint;
  /** A write was refused because the lease is another's. Set while ownership is running. */
  readonly fenced: { report: (supplier: string) => void };
};

const SECOND = 1_000;
const NANOS = 1_000_000_000n;

/** Starts a miner; it works when this resolves. What was opened before a failure is closed again. */
export async function startMiner(given: StartMiner): Promise<Miner> {
  const owned = new CloseStack();
  try {
    return await start(given, owned);
  } catch (thrown) {
    await owned.close().catch(() => undefined);
    throw thrown;
  }
}

async function start(given: StartMiner, owned: CloseStack): Promise<Miner> {
  const parts = await openParts(given, owned);
  const { config, version, logger, clock, id, redis, keys, metrics, workers, chain } = parts;
  await openListener(parts);
  const leader = owned.own(openLeader(parts));
  await leader.start();
  const consumer = owned.own(
    new Consumer({
      reader: parts.reader,
      workers,
      clock,
      logger,
      count: config.batch_size,
      minIdleMs: config.redis.claim_idle_timeout_ms,
    }),
  );
  const ownership = owned.own(openOwnership(parts));
  parts.fenced.report = (supplier) => void ownership.fenced(supplier);
  await watchSuppliers(parts);
  await ownership.start();
  consumer.start();
  followBlocks(parts, leader);
  owned.own(
    await keepBeating({
      heartbeats: heartbeats(redis.commands, keys),
      clock,
      logger,
      id,
      role: "miner",
      version,
      details: () => snapshot({ workers, leader, height: parts.height(), chain: chain.data }),
    }),
  );
  owned.own({ close: await obey(parts) });
  metrics.owned.set({ instance: id }, ownership.owned().length);
  logger.info({ id, suppliers: parts.keyRing.addresses() }, "miner is working");
  return { id, close: () => owned.close() };
}

async function openParts(given: StartMiner, owned: CloseStack): Promise<Parts> {
  const { config, logger, clock } = given;
  const keyRing = loadKeys(config.keys);
  const id = config.redis.consumer_name ?? `miner-${hostname()}-${process.pid}`;
  const redis = owned.own(await openRedis({ url: config.redis.url, logger, role: "miner" }));
  const keys = redisKeys(config.redis.namespace);
  const metrics = minerMetrics();
  const chain = await openChain({
    urls: config.pocket_node.query_node_rpc_url,
    chainId: config.pocket_node.chain_id,
    timeoutMs: config.pocket_node.query_timeout_seconds * SECOND,
    redis,
    keys,
    logger,
    clock,
    owned,
    onDrop: () => undefined,
    events: cacheMetrics(metrics.registry, logger),
  });
  const reader = await openRelayReader({ redis, keys, consumer: id, logger });
  return {
    ...given,
    id,
    owned,
    redis,
    keys,
    keyRing,
    chain,
    reader,
    metrics,
    workers: new Map(),
    height: () => chain.blocks.latest()?.height ?? chain.height,
    fenced: { report: () => undefined },
  };
}

function openLeader({ config, redis, keys, clock, logger, id, chain, metrics }: Parts): Leader {
  return new Leader({
    leases: openLeases({ redis: redis.commands, keys, clock, instance: id }),
    instance: id,
    ttlMs: config.leader_election.leader_ttl_seconds * SECOND,
    renewMs: config.leader_election.heartbeat_rate_seconds * SECOND,
    blockEvents: chain.blockEvents,
    factors: serviceFactors(redis.commands, keys, clock),
    defaultFactor: config.default_service_factor,
    serviceFactors: config.service_factors,
    clock,
    logger,
    metrics,
  });
}

function openOwnership(parts: Parts): Ownership {
  const { config, redis, keys, clock, logger, id, metrics, keyRing, workers } = parts;
  const writes = trieWrites(redis.commands, keys, clock);
  return new Ownership({
    leases: openLeases({ redis: redis.commands, keys, clock, instance: id }),
    instance: id,
    suppliers: keyRing.addresses(),
    ttlMs: config.supplier_claiming.claim_ttl_seconds * SECOND,
    renewMs: config.supplier_claiming.renew_rate_seconds * SECOND,
    clock,
    logger,
    metrics,
    onAcquired: (lease) => {
      const worker = new SupplierWorker(lease, {
        redis: redis.commands,
        keys,
        reader: parts.reader,
        writes,
        chain: parts.chain.data,
        clock,
        logger,
        metrics,
        applyBatch: config.miner.apply_batch,
        onFenced: (supplier) => parts.fenced.report(supplier),
      });
      workers.set(lease.of, worker);
    },
    onLost: async (supplier) => {
      const worker = workers.get(supplier);
      workers.delete(supplier);
      await worker?.stop();
    },
  });
}

/** Relayers read what the chain says of our suppliers from Redis: written at start and on a timer. */
async function watchSuppliers(parts: Parts): Promise<void> {
  const { config, redis, keys, clock, logger, keyRing, chain, id, owned } = parts;
  const records = supplierRecords({ redis, keys, logger });
  const options = { chain: chain.data, records, instance: id, clock, logger };
  const writeAll = async () => {
    for (const address of keyRing.addresses()) await recordSupplier(address, parts.height(), options);
  };
  await writeAll();
  const every = config.supplier_reconcile_interval_seconds;
  if (every <= 0) return;
  const stop = new AbortController();
  const onError = (thrown: unknown) =>
    logger.warn({ error: toError(thrown).message }, "suppliers could not be recorded");
  const running = clock
    .sleep(every * SECOND, stop.signal)
    .then(() => repeat(clock, { everyMs: every * SECOND, signal: stop.signal, onError }, writeAll));
  owned.own({
    close: async () => {
      stop.abort();
      await running;
    },
  });
}

/** Looks at every owned supplier once per block; a look that takes longer than a block is followed by one at the newest height. */
function followBlocks(parts: Parts, leader: Leader): void {
  const { chain, workers, owned, logger } = parts;
  const dependencies = lifecycle(parts);
  const wanted = new Set<SupplierWorker>();
  const busy = new Set<SupplierWorker>();
  const run = async (worker: SupplierWorker): Promise<void> => {
    busy.add(worker);
    while (wanted.delete(worker) && !worker.stopped)
      try {
        await lookAt(worker, parts.height(), dependencies);
      } catch (thrown) {
        logger.error(
          { supplier: worker.supplier, error: toError(thrown).message },
          "a supplier could not be looked at",
        );
      }
    busy.delete(worker);
  };
  const look = (worker: SupplierWorker): void => {
    wanted.add(worker);
    if (!busy.has(worker)) void run(worker);
  };
  const close = chain.blocks.onBlock((block) => {
    leader.tell(block);
    for (const worker of workers.values()) look(worker);
  });
  owned.own({ close });
}

function lifecycle(parts: Parts): LifecycleDependencies {
  const { config, redis, keys, clock, logger, metrics, chain, reader, keyRing, height } = parts;
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
    onFenced: (supplier) => parts.fenced.report(supplier),
  });
  const submitter = new Submitter({
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
    logger,
  });
  const meter = openMeter({ redis, keys, clock, ttlSeconds: Math.ceil(config.cache_ttl / SECOND) });
  const redisNow = async () => {
    const [seconds, micros] = listOf(await redis.commands.send("TIME"));
    return Number(textOf(seconds)) * 1000 + Math.floor(Number(textOf(micros)) / 1000);
  };
  const shared = { chain: chain.data, records, submitter, logger, metrics };
  return {
    ...shared,
    client: chain.client,
    sessions,
    settlements: new Settlements(chain.client, logger),
    trieStoreOf: ({ supplier, sessionId }) => trieStore(redis.commands, keys, supplier, sessionId),
    claim: (worker, due) => claim(worker, due, { ...shared, reader, meter, height, redisNow, clock }),
    prove: (worker, due) => prove(worker, due, { ...shared, client: chain.client }),
    maxSends: 1 + transaction.max_rebroadcasts,
  };
}

async function openListener({ config, metrics, height, owned }: Parts): Promise<void> {
  if (!config.metrics.enabled) return;
  owned.own(
    await openOpsServer({
      name: "metrics",
      ...hostAndPort(config.metrics.addr),
      routes: [metricsRoute(metrics.registry), ...healthRoutes(() => height() > 0n)],
    }),
  );
}

function obey({ redis, keys, logger, id, chain }: Parts): Promise<() => void> {
  return answerCommands({
    redis,
    keys,
    logger,
    id,
    role: "miner",
    onCommand: async ({ name, args }) => {
      if (name !== INVALIDATE_COMMAND)
        throw new AppError("USAGE", "a miner does not know this command", { command: name });
      const { entity, id: entityId } = parseInvalidate(args);
      dropFromMemory(chain.data.caches, entity, entityId);
      logger.info({ entity, id: entityId }, "cache invalidated by an operator");
    },
  });
}
