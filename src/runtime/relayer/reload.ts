import { toError } from "../../base/errors.ts";
import { LIVE_IN_RELAYER } from "../config/live.ts";
import type { RelayerConfig } from "../config/relayer.ts";
import type { PasswordSource } from "../keys/load-keys.ts";
import { watchKeys } from "../keys/watch.ts";
import type { LogLevel } from "../ops/logger.ts";
import { reloadMetrics } from "../reload/metrics.ts";
import { type InForce, Reloads } from "../reload/reloads.ts";
import type { Live, Serving } from "./live.ts";
import type { Parts } from "./parts.ts";
import { largestBody, openServing } from "./serving.ts";

type Given = {
  readonly reread?: () => RelayerConfig;
  readonly passwords?: PasswordSource;
  readonly setLogLevel?: (level: LogLevel) => void;
};

const WATCH_KEYS_MS = 1_000;

/** Reloads of a relayer: relays begin with the new state from one moment on, those in work end with the old one, and then it is closed. */
export function openReloads(parts: Parts, live: Live, given: Given): Reloads<RelayerConfig> {
  // What the listener was opened for; it reads no larger body.
  const bodyLimit = largestBody(live.current.config);
  return new Reloads({
    reread: given.reread,
    passwords: given.passwords,
    current: () => live.current,
    live: LIVE_IN_RELAYER,
    obstacles: (next) => {
      const largest = largestBody(next);
      if (largest <= bodyLimit) return [];
      return [`requests of ${largest} bytes: the relay port was opened for ${bodyLimit}`];
    },
    apply: (next) => apply(parts, live, given, next),
    metrics: reloadMetrics(parts.metrics.registry, "relayer", () => parts.clock.now()),
    logger: parts.logger,
  });
}

async function apply(parts: Parts, live: Live, given: Given, next: InForce<RelayerConfig>): Promise<void> {
  const { config, keyRing } = next;
  const serving = openServing(parts, next);
  // A supplier that is new is served as its record says from its first relay on.
  await parts.standings.follow({ suppliers: keyRing.addresses(), services: Object.keys(config.services) });
  parts.work.limit(config.relay.max_in_flight);
  given.setLogLevel?.(config.logging.level);
  retire(live.swap(serving), parts);
}

/** Closes what only the old state used, when its last relay has ended. */
function retire(before: Serving, { logger, retired }: Parts): void {
  retired.add(before);
  const close = async () => {
    await before.users.none();
    retired.delete(before);
    await before.close();
  };
  close().catch((thrown) =>
    logger.warn({ error: toError(thrown).message }, "what a reload left over did not close cleanly"),
  );
}

/** Keys that change on disk are taken by themselves, unless `relay.hot_reload_enabled` is false. */
export const watchRelayerKeys = ({ clock, logger }: Parts, live: Live, reloads: Reloads<RelayerConfig>) =>
  watchKeys({
    sources: () => live.current.config.keys,
    changed: () => reloads.reloadKeys("the files of keys changed"),
    everyMs: WATCH_KEYS_MS,
    clock,
    logger,
  });
