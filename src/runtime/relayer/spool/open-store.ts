import { LRUCache } from "lru-cache";
import type { Clock } from "../../../base/clock.ts";
import type { CloseStack } from "../../../base/close-stack.ts";
import type { Logger } from "../../../base/logger.ts";
import { sessionWindows } from "../../../chain/protocol/session-grid.ts";
import type { ChainData } from "../../cache/chain-data.ts";
import type { RedisConnections } from "../../redis/connect.ts";
import type { Keys } from "../../redis/keys.ts";
import { relayPublisher } from "../../redis/relay-stream.ts";
import type { Heights } from "../heights.ts";
import { observeSpool, type RelayerMetrics } from "../metrics.ts";
import { openSpool } from "./open-spool.ts";
import { RedisWatch } from "./redis-watch.ts";
import { RelayStore } from "./relay-store.ts";

type Given = {
  /** Where relays may be kept on disk, the best place first; none for no spool. */
  readonly directories: readonly string[];
  readonly maxBytes: number;
  readonly redis: RedisConnections;
  readonly keys: Keys;
  readonly chain: ChainData;
  readonly heights: Heights;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RelayerMetrics;
  readonly owned: CloseStack;
};

const SESSION_ENDS = 1_000;

/** Where mined relays go. What an earlier process left on disk is published from now on. */
export async function openStore(given: Given): Promise<RelayStore> {
  const { directories, redis, keys, chain, heights, clock, logger, metrics, owned } = given;
  const files = directories.length === 0 ? undefined : await openSpool(given);
  const store = owned.own(
    await RelayStore.open({
      redis,
      publisher: relayPublisher(redis.commands, keys, clock),
      files,
      isOver: claimWindows(chain, heights),
      clock,
      logger,
      metrics,
    }),
  );
  owned.own(new RedisWatch(redis, clock));
  observeSpool(metrics.registry, () => store.figures());
  return store;
}

/** Whether the claim window of sessions that ended at a height has closed (relay-path 5.4); false while that cannot be known. */
function claimWindows(chain: ChainData, heights: Heights): (sessionEnd: bigint) => Promise<boolean> {
  const closes = new LRUCache<bigint, bigint>({ max: SESSION_ENDS });
  return async (sessionEnd) => {
    if (heights.current <= sessionEnd) return false;
    const known = closes.get(sessionEnd);
    if (known !== undefined) return heights.current > known;
    try {
      const { claimClose } = sessionWindows(await chain.sharedParamsAt(sessionEnd), sessionEnd);
      closes.set(sessionEnd, claimClose);
      return heights.current > claimClose;
    } catch {
      return false;
    }
  };
}
