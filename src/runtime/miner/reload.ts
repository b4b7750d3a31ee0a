import { repeat } from "../../base/clock.ts";
import type { Closable } from "../../base/close-stack.ts";
import { toError } from "../../base/errors.ts";
import { LIVE_IN_MINER } from "../config/live.ts";
import type { MinerConfig } from "../config/miner.ts";
import { watchKeys } from "../keys/watch.ts";
import { numberOf } from "../redis/reply.ts";
import { OPEN_STATES } from "../redis/session-record.ts";
import { openSessions, type Sessions } from "../redis/sessions.ts";
import { supplierRecords } from "../redis/supplier-records.ts";
import { reloadMetrics } from "../reload/metrics.ts";
import { Reloads } from "../reload/reloads.ts";
import type { Parts } from "./parts.ts";

const WATCH_KEYS_MS = 1_000;
const LEAVING_EVERY_MS = 5_000;
/** Relayers that still have the key may store relays for so long after the miner has lost it. */
const LEAVING_AT_LEAST_MS = 60_000;

/** Reloads of a miner: keys and log level. `recorded` writes what the chain says of all suppliers for the relayers. */
export function openReloads(parts: Parts, recorded: () => Promise<void>): Reloads<MinerConfig> {
  const { keyRing, clock, logger, metrics, passwords, reread, setLogLevel } = parts;
  const inForce = { config: parts.config };
  return new Reloads({
    current: () => ({ config: inForce.config, keyRing: keyRing.configured }),
    reread,
    passwords,
    live: LIVE_IN_MINER,
    apply: async (next) => {
      const leaving = keyRing.take(next.keyRing);
      inForce.config = next.config;
      setLogLevel?.(next.config.logging.level);
      for (const supplier of leaving) {
        logger.warn({ supplier }, "its key was removed: its open sessions are finished, then it is let go");
        await announceLeaving(supplier, parts);
      }
      await recorded().catch((thrown) =>
        logger.warn({ error: toError(thrown).message }, "suppliers could not be recorded"),
      );
    },
    metrics: reloadMetrics(metrics.registry, "miner", () => clock.now()),
    logger,
  });
}

/** Told to whoever listens; nothing depends on it. */
async function announceLeaving(supplier: string, { redis, keys, logger }: Parts): Promise<void> {
  const update = {
    action: "draining",
    operatorAddress: supplier,
    services: [],
    reason: "its key was removed",
  };
  await supplierRecords({ redis, keys, logger })
    .announce(update)
    .catch((thrown) =>
      logger.warn({ supplier, error: toError(thrown).message }, "that a supplier leaves was not announced"),
    );
}

/** Keys that change on disk are taken by themselves, unless `hot_reload_enabled` is false. */
export const watchMinerKeys = ({ clock, logger }: Parts, reloads: Reloads<MinerConfig>) =>
  watchKeys({
    sources: () => reloads.current.config.keys,
    changed: () => reloads.reloadKeys("the files of keys changed"),
    everyMs: WATCH_KEYS_MS,
    clock,
    logger,
  });

/** Lets suppliers go whose key was removed, each when nothing is left to be signed for it. */
export function watchLeaving(parts: Parts): Closable {
  const { clock, logger, keyRing, config, redis, keys } = parts;
  const stop = new AbortController();
  const sessions = openSessions({
    redis: redis.commands,
    keys,
    clock,
    keepTerminalMs: config.miner.settled_record_ttl,
  });
  const records = supplierRecords({ redis, keys, logger });
  const onError = (thrown: unknown) =>
    logger.warn({ error: toError(thrown).message }, "what removed keys have left to sign is unknown for now");
  const running = repeat(clock, { everyMs: LEAVING_EVERY_MS, signal: stop.signal, onError }, async () => {
    for (const { address, forMs } of keyRing.leaving()) {
      if (forMs < LEAVING_AT_LEAST_MS || (await hasWork(address, sessions, parts))) continue;
      keyRing.letGo(address);
      await records.unregister(address);
      logger.info({ supplier: address }, "nothing is left to sign with its removed key: let go");
    }
  });
  return {
    close: async () => {
      stop.abort();
      await running;
    },
  };
}

/** Relays to be applied, or sessions to be claimed or proved. */
async function hasWork(supplier: string, sessions: Sessions, { redis, keys }: Parts): Promise<boolean> {
  if (numberOf(await redis.commands.send("XLEN", keys.stream(supplier))) > 0) return true;
  for (const state of OPEN_STATES) {
    const { sessions: open, unreadable } = await sessions.listByState(supplier, state);
    if (open.length + unreadable.length > 0) return true;
  }
  return false;
}
