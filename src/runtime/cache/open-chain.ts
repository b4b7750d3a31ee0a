import type { Clock } from "../../base/clock.ts";
import type { CloseStack } from "../../base/close-stack.ts";
import { AppError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { type BlockStream, type HeightSource, watchBlocks } from "../../chain/node/block-stream.ts";
import { type OpenChainClient, openChainClient } from "../../chain/node/client.ts";
import { type BlockEvents, blockEvents } from "../redis/block-events.ts";
import { cacheEntries } from "../redis/cache-entries.ts";
import type { RedisConnections } from "../redis/connect.ts";
import { cacheInvalidations } from "../redis/invalidations.ts";
import type { Keys } from "../redis/keys.ts";
import { ChainData } from "./chain-data.ts";
import { CacheCoherence, type Dropped } from "./invalidation.ts";
import { sharedTiers } from "./shared-tiers.ts";
import type { CacheEvents } from "./tiered-cache.ts";

type Options = {
  readonly urls: readonly string[];
  readonly chainId: string;
  readonly timeoutMs: number;
  readonly redis: RedisConnections;
  readonly keys: Keys;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly onDrop: Dropped;
  readonly events: Omit<CacheEvents, "changed">;
  readonly owned: CloseStack;
};

export type ChainAccess = {
  readonly client: OpenChainClient;
  readonly data: ChainData;
  readonly blocks: BlockStream;
  readonly blockEvents: BlockEvents;
  /** The chain's height and time when this opened. */
  readonly height: bigint;
};

/**
 * A role's way to the chain: client, caches kept in step with the fleet, stream of blocks. Everything opened goes to `owned`.
 * Throws CHAIN_UNREACHABLE and its like, CHAIN_ID_MISMATCH.
 */
export async function openChain(options: Options): Promise<ChainAccess> {
  const { urls, chainId, timeoutMs, redis, keys, logger, clock, onDrop, owned } = options;
  const client = owned.own(openChainClient({ urls, timeoutMs, logger, clock }));
  const status = await client.status();
  if (status.chainId !== chainId)
    throw new AppError("CHAIN_ID_MISMATCH", `The node is on chain "${status.chainId}", not on "${chainId}"`, {
      why: `pocket_node.chain_id is "${chainId}", ${client.endpoints()[0]?.name ?? "the node"} says "${status.chainId}"`,
    });
  const coherence = owned.own(
    new CacheCoherence({ invalidations: cacheInvalidations(redis, keys, logger), logger, onDrop, clock }),
  );
  const shared = sharedTiers(cacheEntries(redis.commands, keys));
  const data = new ChainData({
    client,
    clock,
    shared,
    events: { ...options.events, changed: coherence.changed },
  });
  await coherence.follow(data.caches);
  const events = blockEvents(redis, keys, logger);
  const blocks = owned.own(
    watchBlocks({ client, urls, clock, logger, external: await heightsOf(events, owned) }),
  );
  return { client, data, blocks, blockEvents: events, height: status.latestHeight };
}

/** Blocks that the fleet's leader tells of. */
async function heightsOf(events: BlockEvents, owned: CloseStack): Promise<HeightSource> {
  const listeners = new Set<(event: { readonly height: bigint }) => void>();
  const close = await events.subscribe(({ height }) => {
    for (const listener of listeners) listener({ height });
  });
  owned.own({ close });
  return {
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
