import { Counter, Histogram, type Registry } from "prom-client";

const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** The only figures that simulated relays are in (go-peers 2.6). No label is of a stranger's making. */
export function simulationMetrics(registry: Registry) {
  const registers = [registry];
  return {
    relays: new Counter({
      name: "ha_relayer_simulated_relays_total",
      help: "Simulated relays, by what became of them: served, or the reason of the refusal",
      labelNames: ["transport", "service", "supplier", "result"],
      registers,
    }),
    duration: new Histogram({
      name: "ha_relayer_simulated_relay_duration_seconds",
      help: "Simulated relays that were served, from request to answer",
      labelNames: ["transport", "service"],
      buckets: SECONDS,
      registers,
    }),
    probeFailures: new Counter({
      name: "ha_relayer_simulated_meter_probe_failures_total",
      help: "Simulated relays that were served where a relay could not have been metered",
      labelNames: ["service"],
      registers,
    }),
  };
}

export type SimulationMetrics = ReturnType<typeof simulationMetrics>;
