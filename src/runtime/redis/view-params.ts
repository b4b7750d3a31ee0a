import type { SharedParams } from "../../chain/proto/shared.ts";
import { type CacheEntity, cacheEntries, sharedParamsAtEntity, sharedParamsEntity } from "./cache-entries.ts";
import type { RedisClient } from "./client.ts";
import type { Keys } from "./keys.ts";

/** Heights asked for in one turn, and remembered at all. */
const PER_TURN = 50;
const MAX_HEIGHTS = 2_000;

/** Shared params as the fleet's cache in Redis has shown them so far. */
export type ParamsMemory = {
  /** Looks for what is not known yet. What cannot be read counts as not there; REDIS_UNREACHABLE and REDIS_TIMEOUT are thrown. */
  learn(heights: Iterable<bigint>): Promise<void>;
  /** In force at a height; today's where the fleet has not kept them; undefined when nothing was ever seen. */
  at(height: bigint): SharedParams | undefined;
};

/**
 * Entries in Redis live for a minute at most, so they are remembered here: params of a height never change, and today's are better
 * than none.
 */
export function paramsMemory(redis: RedisClient, keys: Keys): ParamsMemory {
  const entries = cacheEntries(redis, keys);
  const pinned = new Map<bigint, SharedParams>();
  let live: SharedParams | undefined;
  const look = async <Id>(entity: CacheEntity<Id, SharedParams>, id: Id) => {
    try {
      return await entries.get(entity, id);
    } catch (thrown) {
      const { code } = thrown as { code?: string };
      if (code === "REDIS_UNREACHABLE" || code === "REDIS_TIMEOUT") throw thrown;
      return undefined;
    }
  };
  return {
    learn: async (heights) => {
      live = (await look(sharedParamsEntity, undefined)) ?? live;
      const wanted = [...new Set(heights)].filter((height) => !pinned.has(height));
      // The newest first: the old ones are the least likely to be there still.
      wanted.sort((left, right) => Number(right - left));
      await Promise.all(
        wanted.slice(0, PER_TURN).map(async (height) => {
          const found = await look(sharedParamsAtEntity, height);
          if (found) pinned.set(height, found);
        }),
      );
      for (const oldest of pinned.keys()) {
        if (pinned.size <= MAX_HEIGHTS) break;
        pinned.delete(oldest);
      }
    },
    at: (height) => pinned.get(height) ?? live,
  };
}
