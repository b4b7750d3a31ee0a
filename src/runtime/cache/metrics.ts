import { Counter, type Registry } from "prom-client";
import { type Clock, systemClock } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";
import type { CacheEvents } from "./tiered-cache.ts";

const WARN_EVERY_MS = 10_000;

/** Counts what the cache tiers do, under the Go peer's names (go-peers 2.6). */
export function cacheMetrics(
  registry: Registry,
  logger: Logger,
  clock: Clock = systemClock,
): Omit<CacheEvents, "changed"> {
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
  const failures = new Counter({
    name: "ha_cache_failures_total",
    help: "Cache tiers and chain reads that did not answer",
    labelNames: ["cache_type"],
    registers: [registry],
  });
  const warned = new Map<string, { at: number; since: number }>();
  /** One line per kind of cache and WARN_EVERY_MS: a chain that is down fails thousands of reads a second. */
  const warn = (entity: string, error: Error) => {
    const last = warned.get(entity) ?? { at: Number.NEGATIVE_INFINITY, since: 0 };
    const now = clock.monotonic();
    if (now - last.at < WARN_EVERY_MS) {
      last.since += 1;
      return;
    }
    warned.set(entity, { at: now, since: 0 });
    logger.warn(
      { cache: entity, error: error.message, failuresSinceLast: last.since },
      "a cache tier did not answer",
    );
  };
  return {
    hit: (entity, tier) => hits.inc({ cache_type: entity, level: tier }),
    miss: (entity) => misses.inc({ cache_type: entity }),
    failed: (entity, error) => {
      failures.inc({ cache_type: entity });
      warn(entity, error);
    },
  };
}
