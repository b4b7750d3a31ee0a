import { Counter, Gauge, type Registry } from "prom-client";
import { type Clock, systemClock } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";
import { TallyCounter } from "../ops/tallies.ts";
import type { CacheEvents } from "./tiered-cache.ts";

const WARN_EVERY_MS = 10_000;
/** Some blocks: so much older than it should be, a value may be wrong enough to cost money. */
const LATE_WARNING_MS = 60_000;

/** Counts what the cache tiers do, under the Go peer's names (go-peers 2.6). */
export function cacheMetrics(
  registry: Registry,
  logger: Logger,
  clock: Clock = systemClock,
): Omit<CacheEvents, "changed"> {
  const hits = new TallyCounter({
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
  const skipped = new Counter({
    name: "ha_cache_refresh_skipped_total",
    help: "Values not read again ahead of their age, since too many others were",
    labelNames: ["cache_type"],
    registers: [registry],
  });
  const latest = new Map<string, number>();
  new Gauge({
    name: "ha_cache_refresh_lag_seconds",
    help: "How much older than it should be the oldest value was that was served since the last scrape",
    labelNames: ["cache_type"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [cache_type, ms] of latest) this.set({ cache_type }, ms / 1000);
      latest.clear();
    },
  });
  const warned = new Map<string, { at: number; since: number }>();
  /** One line per message, kind of cache and WARN_EVERY_MS: a chain that is down fails thousands of reads a second. */
  const warn = (entity: string, message: string, fields: Readonly<Record<string, unknown>>) => {
    const name = `${entity}|${message}`;
    const last = warned.get(name) ?? { at: Number.NEGATIVE_INFINITY, since: 0 };
    const now = clock.monotonic();
    if (now - last.at < WARN_EVERY_MS) {
      last.since += 1;
      return;
    }
    warned.set(name, { at: now, since: 0 });
    logger.warn({ cache: entity, ...fields, leftOut: last.since }, message);
  };
  return {
    hit: (entity, tier) => hits.inc({ cache_type: entity, level: tier }),
    miss: (entity) => misses.inc({ cache_type: entity }),
    failed: (entity, error) => {
      failures.inc({ cache_type: entity });
      warn(entity, "a cache tier did not answer", { error: error.message });
    },
    late: (entity, ms) => {
      latest.set(entity, Math.max(ms, latest.get(entity) ?? 0));
      if (ms > LATE_WARNING_MS)
        warn(entity, "cached values are served past their age: the chain does not keep up", {
          lateSeconds: Math.round(ms / 1000),
        });
    },
    skipped: (entity) => skipped.inc({ cache_type: entity }),
  };
}
