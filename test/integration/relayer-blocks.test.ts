import { setTimeout as sleep } from "node:timers/promises";
import type { Gauge } from "prom-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { blockEvents } from "../../src/runtime/redis/block-events.ts";
import { openRedis, type RedisConnections } from "../../src/runtime/redis/connect.ts";
import { redisKeys } from "../../src/runtime/redis/keys.ts";
import { type Network, quiet, startNetwork } from "../kit/network.ts";
import { post, until } from "../kit/post.ts";

const BLOCK_MS = 300;
/** How long Redis is away, each time. */
const AWAY_BLOCKS = Number(process.env["RELAYMINER_OUTAGE_MS"] ?? 4 * BLOCK_MS) / BLOCK_MS;

let network: Network;
let redis: RedisConnections;
beforeAll(async () => {
  network = await startNetwork("eager", { blockTimeMs: BLOCK_MS });
  redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
});
afterAll(async () => {
  await redis.close();
  await network.close();
});

/** Tells each height that the relayer comes to work at: after a stall two may follow each other faster than anybody looks. */
function onHeight(listener: (height: bigint) => void): void {
  const gauge = network.relayer.registry.getSingleMetric("ha_relayer_current_block_height") as Gauge;
  const set = gauge.set.bind(gauge);
  Object.assign(gauge, {
    set: (height: number) => {
      set(height);
      listener(BigInt(height));
    },
  });
}

/** As the elected miner does, over the Redis that is killed; and each block once more when it is an old one, as from a node that is behind. */
function tellBlocks(): () => void {
  const { backend } = network.devnet;
  const told = blockEvents(redis, redisKeys(network.namespace), quiet);
  const tell = (height: bigint) => {
    const block = backend.block(height);
    if (block !== undefined) told.publish(block).catch(() => undefined);
  };
  return backend.onBlock((height) => {
    tell(height - 1n);
    tell(height);
  });
}

/** Every height that the relayer works at, and the relays it answers meanwhile, until it is stopped. */
function watch() {
  const heights: bigint[] = [];
  const statuses: number[] = [];
  let going = true;
  onHeight((height) => {
    if (going && height !== heights.at(-1)) heights.push(height);
  });
  let id = 0;
  const loading = (async () => {
    while (going) {
      const request = network.sign(await network.header(), `{"id":${++id}}`);
      const answer = await post(network, request).catch(() => undefined);
      statuses.push(answer?.status ?? 0);
      await sleep(5);
    }
  })();
  return {
    heights,
    statuses,
    stop: async () => {
      going = false;
      await loading;
    },
  };
}

/** Resolves when the relayer has worked at so many more heights. */
async function more(heights: readonly bigint[], count: number): Promise<void> {
  const wanted = heights.length + count;
  expect(
    await until(
      async () => heights.length,
      (seen) => seen >= wanted,
      10_000 + 2 * count * BLOCK_MS,
    ),
  ).toBeGreaterThanOrEqual(wanted);
}

test("blocks come one by one while Redis is killed under load, is away, and comes back, with and without what it had", async () => {
  const stopTelling = tellBlocks();
  const { heights, statuses, stop } = watch();
  await more(heights, 3);
  for (const how of [undefined, "empty"] as const) {
    await network.redis.crash();
    await more(heights, AWAY_BLOCKS);
    await network.redis.restart(how);
    await more(heights, 4);
  }
  const before = statuses.length;
  const served = await until(
    async () => statuses.slice(before),
    (since) => since.includes(200),
  );
  await stop();
  stopTelling();
  expect(served).toContain(200);
  const [first = 0n] = heights;
  expect(heights).toEqual(heights.map((_, index) => first + BigInt(index)));
}, 600_000);
