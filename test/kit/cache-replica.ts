import { systemClock } from "../../src/base/clock.ts";
import type { ChainClient } from "../../src/chain/node/types.ts";
import { Application } from "../../src/chain/proto/application.ts";
import { QUERIES, type Query } from "../../src/chain/proto/queries.ts";
import { Service } from "../../src/chain/proto/shared.ts";
import { cacheAges } from "../../src/runtime/cache/ages.ts";
import { ChainData } from "../../src/runtime/cache/chain-data.ts";
import { CacheCoherence, dropFromMemory, parseInvalidate } from "../../src/runtime/cache/invalidation.ts";
import { sharedTiers } from "../../src/runtime/cache/shared-tiers.ts";
import { keepBeating } from "../../src/runtime/redis/beating.ts";
import { cacheEntries } from "../../src/runtime/redis/cache-entries.ts";
import { answerCommands } from "../../src/runtime/redis/commands.ts";
import { heartbeats } from "../../src/runtime/redis/heartbeat.ts";
import { cacheInvalidations } from "../../src/runtime/redis/invalidations.ts";
import type { TestRedis } from "./redis-fleet.ts";

/** A chain with one figure that tests change, and the number of times it was asked. */
export type TestChain = { stake: string; asked: number; readonly client: ChainClient };

/** Answers the queries that these tests make; anything else fails the test. */
export function testChain(): TestChain {
  const chain: TestChain = { stake: "100", asked: 0, client: { query } as unknown as ChainClient };
  async function query(asked: Query<unknown, unknown>, request: unknown): Promise<unknown> {
    chain.asked += 1;
    if (asked.path === QUERIES.application.path) {
      const { address } = request as { address: string };
      const stake = { denom: "upokt", amount: chain.stake };
      return { application: Application.create({ address, stake }) };
    }
    if (asked.path === QUERIES.service.path) {
      const { id } = request as { id: string };
      return { service: Service.create({ id, computeUnitsPerRelay: 7n }) };
    }
    throw new Error(`this chain does not answer ${asked.path}`);
  }
  return chain;
}

export type TestReplica = {
  readonly data: ChainData;
  /** Leaves as a crash would: without a goodbye, unless it is asked to say it. */
  close(): Promise<void>;
};

type Options = {
  readonly id: string;
  readonly role?: string;
  /** "silent" hears the command and never answers; "failing" answers that it could not. */
  readonly manner?: "obedient" | "silent" | "failing";
};

/** What a relayer or miner does about caches, with the same parts and connections of its own. */
export async function cacheReplica(own: TestRedis, chain: TestChain, options: Options): Promise<TestReplica> {
  const { id, role = "relayer", manner = "obedient" } = options;
  const { keys, logger } = own;
  const redis = await own.another();
  const coherence = new CacheCoherence({
    invalidations: cacheInvalidations(redis, keys, logger),
    logger,
    onDrop: () => undefined,
  });
  const none = () => undefined;
  const data = new ChainData({
    client: chain.client,
    clock: systemClock,
    shared: sharedTiers(cacheEntries(redis.commands, keys)),
    events: { hit: none, miss: none, failed: none, late: none, skipped: none, changed: coherence.changed },
  });
  await coherence.follow(data.caches);
  const beating = await keepBeating({
    heartbeats: heartbeats(redis.commands, keys),
    clock: systemClock,
    logger,
    id,
    role,
    version: "test",
    details: () => ({ caches: cacheAges(data.caches) }),
  });
  const close = await answerCommands({
    redis,
    keys,
    logger,
    id,
    role,
    onCommand: async ({ args }) => {
      if (manner === "silent") await new Promise(() => undefined);
      if (manner === "failing") throw new Error("the cache is locked");
      const { entity, id: about } = parseInvalidate(args);
      dropFromMemory(data.caches, entity, about);
    },
  });
  return {
    data,
    close: async () => {
      close();
      coherence.close();
      await beating.close();
    },
  };
}
