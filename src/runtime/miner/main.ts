import { hostname } from "node:os";
import { repeat } from "../../base/clock.ts";
import { type Closable, CloseStack } from "../../base/close-stack.ts";
import { AppError, toError } from "../../base/errors.ts";
import { dropFromMemory, INVALIDATE_COMMAND, parseInvalidate } from "../cache/invalidation.ts";
import { cacheMetrics } from "../cache/metrics.ts";
import { openChain } from "../cache/open-chain.ts";
import { hostAndPort } from "../config/fields.ts";
import type { MinerConfig } from "../config/miner.ts";
import { loadKeys } from "../keys/load-keys.ts";
import { tellNotes } from "../keys/notes.ts";
import { healthRoutes, metricsRoute, openOpsServer } from "../ops/http-server.ts";
import { keepBeating } from "../redis/beating.ts";
import { answerCommands } from "../redis/commands.ts";
import { openRedis } from "../redis/connect.ts";
import { heartbeats } from "../redis/heartbeat.ts";
import { redisKeys } from "../redis/keys.ts";
import { openLeases } from "../redis/leases.ts";
import type { JsonObject } from "../redis/own-json.ts";
import { openRelayReader } from "../redis/relay-reader.ts";
import { serviceFactors } from "../redis/service-factors.ts";
import { supplierRecords } from "../redis/supplier-records.ts";
import { obeyReload, RELOAD_COMMAND } from "../reload/command.ts";
import type { ReloadReport, Reloads } from "../reload/reloads.ts";
import { Consumer } from "./consume.ts";
import { HeldKeys } from "./held-keys.ts";
import { Leader } from "./leader.ts";
import { type MinerMetrics, minerMetrics } from "./metrics.ts";
import type { Parts, StartMiner } from "./parts.ts";
import { openReloads, watchLeaving, watchMinerKeys } from "./reload.ts";
import { snapshot } from "./snapshot.ts";
import { recordSupplier } from "./suppliers.ts";
import { openWork } from "./work.ts";

export type Miner = Closable & {
  readonly id: string;
  /** Takes configuration and keys anew; `why` is for the log. Throws what Reloads.reload throws, and nothing has changed then. */
  reload(why: string): Promise<ReloadReport>;
};

const SECOND = 1_000;
const ASKED_AT_ONCE = 10;

/**
 * Starts a miner; it works when this resolves. While Redis is away it waits (`miner.redis_wait`), and is not ready. What was opened before
 * a failure is closed again.
 */
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
  const leader = owned.own(openLeader(parts));
  await leader.start();
  const { ownership, lookAtAll } = openWork(parts);
  owned.own(ownership);
  const recorded = await watchSuppliers(parts);
  const consumer = owned.own(
    new Consumer({
      reader: parts.reader,
      workers,
      clock,
      logger,
      count: config.batch_size,
      minIdleMs: config.redis.claim_idle_timeout_ms,
      metrics,
    }),
  );
  const close = chain.blocks.onBlock((block) => {
    leader.tell(block);
    lookAtAll();
  });
  owned.own({ close });
  await ownership.start();
  consumer.start();
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
  const reloads = openReloads(parts, recorded);
  owned.own(watchLeaving(parts));
  if (config.hot_reload_enabled) owned.own(watchMinerKeys(parts, reloads));
  owned.own({ close: await obey(parts, reloads) });
  metrics.owned.set({ instance: id }, ownership.owned().length);
  logger.info({ id, suppliers: parts.keyRing.addresses() }, "miner is working");
  return { id, reload: (why) => reloads.reload(why), close: () => owned.close() };
}

async function openParts(given: StartMiner, owned: CloseStack): Promise<Parts> {
  const { config, logger, clock } = given;
  const loaded = await loadKeys(config.keys, given.passwords);
  tellNotes(loaded, config.keys, logger);
  const id = config.redis.consumer_name ?? `miner-${hostname()}-${process.pid}`;
  const metrics = minerMetrics();
  const known: { height: () => bigint } = { height: () => 0n };
  await openListener(config, metrics, () => known.height(), owned);
  const wait = { forMs: config.miner.redis_wait, setting: "miner.redis_wait", signal: given.stop };
  const redis = owned.own(await openRedis({ url: config.redis.url, logger, role: "miner", clock, wait }));
  const keys = redisKeys(config.redis.namespace);
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
  known.height = () => chain.blocks.latest()?.height ?? chain.height;
  const reader = await openRelayReader({ redis, keys, consumer: id, logger });
  return {
    ...given,
    id,
    owned,
    redis,
    keys,
    keyRing: new HeldKeys(loaded.ring, () => clock.monotonic()),
    chain,
    reader,
    metrics,
    workers: new Map(),
    height: known.height,
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

/** Relayers read what the chain says of our suppliers from Redis: written at start, on a timer, and when what this gives back is called. */
async function watchSuppliers(parts: Parts): Promise<() => Promise<void>> {
  const { config, redis, keys, clock, logger, metrics, keyRing, chain, id, owned } = parts;
  const records = supplierRecords({ redis, keys, logger });
  const failed = (supplier: string) => metrics.unrecorded.inc({ supplier });
  const options = { chain: chain.data, records, instance: id, clock, logger, failed };
  const writeAll = async () => {
    const addresses = keyRing.configured.addresses();
    for (let from = 0; from < addresses.length; from += ASKED_AT_ONCE)
      await Promise.all(
        addresses
          .slice(from, from + ASKED_AT_ONCE)
          .map((address) => recordSupplier(address, parts.height(), options)),
      );
  };
  await writeAll();
  const every = config.supplier_reconcile_interval_seconds;
  if (every <= 0) return writeAll;
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
  return writeAll;
}

async function openListener(
  config: MinerConfig,
  metrics: MinerMetrics,
  height: () => bigint,
  owned: CloseStack,
): Promise<void> {
  if (!config.metrics.enabled) return;
  owned.own(
    await openOpsServer({
      name: "metrics",
      ...hostAndPort(config.metrics.addr),
      routes: [metricsRoute(metrics.registry), ...healthRoutes(() => height() > 0n)],
    }),
  );
}

function obey({ redis, keys, logger, id, chain }: Parts, reloads: Reloads<MinerConfig>): Promise<() => void> {
  const forget = (args: JsonObject) => {
    const { entity, id: entityId } = parseInvalidate(args);
    dropFromMemory(chain.data.caches, entity, entityId);
    logger.info({ entity, id: entityId }, "cache invalidated by an operator");
    return undefined;
  };
  return answerCommands({
    redis,
    keys,
    logger,
    id,
    role: "miner",
    onCommand: async ({ name, args }) => {
      if (name === INVALIDATE_COMMAND) return forget(args);
      if (name === RELOAD_COMMAND) return obeyReload(reloads, args);
      throw new AppError("USAGE", "a miner does not know this command", { command: name });
    },
  });
}
