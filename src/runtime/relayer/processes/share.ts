import type { RelayerConfig } from "../../config/relayer.ts";
import { availableCores } from "../../ops/cores.ts";
import { automaticWorkers } from "../verify-pool/open.ts";

/** How many processes `auto` means: as many as run at once, of what this process may use of the machine. */
export const processCount = (wanted: number | "auto"): number =>
  wanted === "auto" ? availableCores() : wanted;

/**
 * One process's share of what a relayer is configured to be: its own id, its part of the verification threads and of the disk. A copy
 * of a relay may reach another process, so all of them must hear of each; they do by the meter's call to Redis.
 */
export function shareOf(
  config: RelayerConfig,
  number: number,
  count: number,
  defaultId: string,
): RelayerConfig {
  const { relay, relay_meter } = config;
  const threads = Math.floor(availableCores() / count);
  const verify_workers =
    relay.verify_workers === "auto" ? automaticWorkers(threads) : Math.ceil(relay.verify_workers / count);
  return {
    ...config,
    relay: {
      ...relay,
      instance_id: `${relay.instance_id ?? defaultId}-${number}`,
      verify_workers,
      replays: relay.replays === "off" || !relay_meter.enabled ? relay.replays : "fleet",
      spool: { ...relay.spool, max_mb: Math.max(1, Math.floor(relay.spool.max_mb / count)) },
    },
  };
}
