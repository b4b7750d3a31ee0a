import { relayCost } from "../../chain/protocol/pricing.ts";
import { simulationReplays } from "../redis/simulation-replays.ts";
import type { Serving } from "./live.ts";
import type { Parts } from "./parts.ts";
import { Admission } from "./simulation/admission.ts";
import { SimulatedRelays } from "./simulation/simulated.ts";
import { Tally } from "./simulation/tally.ts";

/** What serves simulated relays; undefined unless they are enabled. */
export function openSimulation(
  parts: Parts,
  { config, keyRing: keys, services }: Pick<Serving, "config" | "keyRing" | "services">,
): SimulatedRelays | undefined {
  if (!config.simulation.enabled) return undefined;
  const { clock, redis, chain, heights, simulationMetrics: metrics, quietly: logger } = parts;
  const replays = simulationReplays(redis.commands, parts.keys);
  const verifyRing = parts.verifyPool.verify;
  const admission = new Admission({
    ...{ config: config.simulation, services, keys, verifyRing, replays, clock },
  });
  const probe = async (service: string) => {
    if (!config.relay_meter.enabled) return;
    const units = await chain.data.computeUnitsPerRelayAt(service, heights.current);
    relayCost(units, await chain.data.sharedParams());
    await redis.commands.send("PING");
  };
  const tally = new Tally({ services, keys, metrics, logger, probe });
  return new SimulatedRelays({ admission, services, keys, tally, clock });
}
