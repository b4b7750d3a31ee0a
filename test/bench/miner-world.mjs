/** One miner's way from stream to trie, built as the process builds it, on a real Redis; the chain's answers are at hand, as from its cache. */
import { randomBytes } from "node:crypto";
import { systemClock } from "../../dist/base/clock.js";
import { MinedRelayMessage } from "../../dist/chain/proto/mined-relay.js";
import { Consumer } from "../../dist/runtime/miner/consume.js";
import { minerMetrics } from "../../dist/runtime/miner/metrics.js";
import { TrieMemory } from "../../dist/runtime/miner/trie-memory.js";
import { SupplierWorker } from "../../dist/runtime/miner/worker.js";
import { openRedis } from "../../dist/runtime/redis/connect.js";
import { redisKeys } from "../../dist/runtime/redis/keys.js";
import { openLeases } from "../../dist/runtime/redis/leases.js";
import { openRelayReader } from "../../dist/runtime/redis/relay-reader.js";
import { encodeEntry } from "../../dist/runtime/redis/relay-stream.js";
import { trieWrites } from "../../dist/runtime/redis/trie-writes.js";
import { startRedis } from "./redis-server.mjs";

const UNITS = 4_200n;
const VALUE_LENGTH = 1_500;
const PIPELINE = 500;
const supplier = "pokt19a3t4yunp0dlpfjrp7qwnzwlrzd5fzs2gjaaaj";
const session = {
  sessionId: "80b70af2f8b2b60b77273592a8d1d4dccdd41182296a2227dda8c2dc88df383e",
  supplier,
  serviceId: "anvil",
  application: "pokt1mrqt5f7qh8uxs27cjm9t7v9e74a9vvdnq5jva4",
  startHeight: 71n,
  endHeight: 80n,
};
const header = {
  applicationAddress: session.application,
  serviceId: session.serviceId,
  sessionId: session.sessionId,
  sessionStartBlockHeight: session.startHeight,
  sessionEndBlockHeight: session.endHeight,
};
const chain = { session: async () => ({ header }), computeUnitsPerRelayAt: async () => UNITS };
const logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (fields, message) => console.error(message, fields),
  error: (fields, message) => console.error(message, fields),
};
const keys = redisKeys({
  base_prefix: "ha",
  cache_prefix: "cache",
  events_prefix: "events",
  streams_prefix: "relays",
  miner_prefix: "miner",
  supplier_prefix: "supplier",
  meter_prefix: "meter",
  params_prefix: "params",
  consumer_group_prefix: "miners",
});

/** The defaults of the miner's configuration. */
const BATCH_SIZE = 1_000;
const APPLY_BATCH = 500;
const TRIE_BYTES = 1_073_741_824;

function entryData() {
  const relayBytes = new Uint8Array(randomBytes(VALUE_LENGTH));
  const message = MinedRelayMessage.create({
    relayHash: new Uint8Array(32),
    relayBytes,
    computeUnitsPerRelay: UNITS,
    sessionId: session.sessionId,
    sessionEndHeight: session.endHeight,
    supplierOperatorAddress: supplier,
    serviceId: session.serviceId,
    applicationAddress: session.application,
    arrivalBlockHeight: 75n,
    sessionStartHeight: session.startHeight,
  });
  return encodeEntry(message, systemClock).data;
}

/** The longest command since `SLOWLOG RESET`, in milliseconds; the log has only what took more than 10 ms. */
async function slowestScript(redis) {
  const entries = await redis.commands.send("SLOWLOG", "GET", -1);
  return Math.max(0, ...entries.map((entry) => entry[2] / 1000));
}

/** CPU seconds of the Redis server so far, all threads and the kernel's work for it. */
async function redisCpu(redis) {
  const text = Buffer.from(await redis.commands.send("INFO", "cpu")).toString();
  const [, system] = /used_cpu_sys:([\d.]+)/.exec(text);
  const [, user] = /used_cpu_user:([\d.]+)/.exec(text);
  return Number(system) + Number(user);
}

export async function minerWorld() {
  const server = await startRedis();
  const redis = await openRedis({ url: server.url, logger, role: "bench" });
  const leases = openLeases({ redis: redis.commands, keys, clock: systemClock, instance: "bench" });
  const { lease } = await leases.acquire(supplier, 3_600_000);
  const metrics = minerMetrics();
  const reader = await openRelayReader({ redis, keys, consumer: "bench", logger });
  const worker = new SupplierWorker(lease, {
    redis: redis.commands,
    keys,
    reader,
    writes: trieWrites(redis.commands, keys, systemClock),
    chain,
    clock: systemClock,
    logger,
    metrics,
    applyBatch: APPLY_BATCH,
    memory: new TrieMemory(TRIE_BYTES),
    holds: () => true,
    onFenced: () => undefined,
  });
  const applied = async () => (await metrics.acknowledged.get()).values[0]?.value ?? 0;

  return {
    worker,
    session,
    publish: async (count) => {
      for (let from = 0; from < count; from += PIPELINE)
        await Promise.all(
          Array.from({ length: Math.min(PIPELINE, count - from) }, () =>
            redis.commands.send("XADD", keys.stream(supplier), "*", "data", entryData()),
          ),
        );
    },
    /** Applies `count` relays that lie in the stream; CPU of the miner and of Redis, in microseconds, and seconds by the clock. */
    apply: async (count) => {
      const consumer = new Consumer({
        reader,
        workers: new Map([[supplier, worker]]),
        clock: systemClock,
        logger,
        count: BATCH_SIZE,
        minIdleMs: 60_000,
        metrics,
      });
      const goal = (await applied()) + count;
      await redis.commands.send("SLOWLOG", "RESET");
      globalThis.gc?.();
      const [cpu, server, start] = [process.cpuUsage(), await redisCpu(redis), performance.now()];
      consumer.start();
      while ((await applied()) < goal) await systemClock.sleep(20);
      const used = process.cpuUsage(cpu);
      const seconds = (performance.now() - start) / 1000;
      const redisUs = ((await redisCpu(redis)) - server) * 1e6;
      await consumer.close();
      const slowestScriptMs = await slowestScript(redis);
      return { minerUs: used.user + used.system, redisUs, seconds, slowestScriptMs };
    },
    close: async () => {
      await redis.close();
      await server.close();
    },
  };
}
