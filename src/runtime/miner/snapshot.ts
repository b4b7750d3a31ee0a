import { cacheAges } from "../cache/ages.ts";
import type { ChainData } from "../cache/chain-data.ts";
import type { Leader } from "./leader.ts";
import type { SupplierWorker } from "./worker.ts";

type Shown = {
  readonly workers: ReadonlyMap<string, SupplierWorker>;
  readonly leader: Leader;
  readonly height: bigint;
  readonly chain: ChainData;
};

/** What this miner says of itself in its heartbeat. */
export const snapshot = ({ workers, leader, height, chain }: Shown) => ({
  height: Number(height),
  leader: leader.isLeader,
  suppliers: [...workers.keys()],
  rssBytes: process.memoryUsage.rss(),
  caches: cacheAges(chain.caches),
});
