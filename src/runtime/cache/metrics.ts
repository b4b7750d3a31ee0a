import { Counter, type Registry } from "prom-client";
import type { Logger } from "../../base/logger.ts";
import type { CacheEvents } from "./tiered-cache.ts";

/** Counts what the cache tiers do, under the Go peer's names (go-peers 2.6). */
export function cacheMetrics(registry: Registry, logger: Logger): Omit<CacheEvents, "changed"> {
  const hits = new Counter({
    name: "ha_cache_hits_total",
    help: "Cache reads that a tier answered",
    labelNames: ["cache_type", "level"],
    registers: [registry],
  });
  const misses = new Counter({
    name: "ha_cache_misses_total",
    help: "Cache reads that went to the chain",
    labelNames: ["cache_type"],
    registers: [registry],
  });
  return {
    hit: (entity, tier) => hits.inc({ cache_type: entity, level: tier }),
    miss: (entity) => misses.inc({ cache_type: entity }),
    failed: (entity, error) =>
      logger.warn({ cache: entity, error: error.message }, "a cache tier did not answer"),
  };
}
