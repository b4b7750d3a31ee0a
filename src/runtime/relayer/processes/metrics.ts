import { AggregatorRegistry, Counter, Gauge, Registry } from "prom-client";
import type { MetricsJson } from "./messages.ts";

/** What the first process knows of the others. */
export function processMetrics() {
  const registry = new Registry();
  return {
    registry,
    restarts: new Counter({
      name: "ha_relayer_process_restarts_total",
      help: "Relayer processes that ended by themselves and were started again",
      registers: [registry],
    }),
    serving: new Gauge({
      name: "ha_relayer_processes_ready",
      help: "Relayer processes that are ready",
      registers: [registry],
    }),
  };
}

/**
 * One page of metrics of several processes: what counts is summed, what is a level is shown for each process, with its number, since
 * the sum of two heights is no height.
 */
export async function onePage(own: Registry, processes: ReadonlyMap<number, MetricsJson>): Promise<string> {
  const all = [...processes].map(([number, metrics]) => metrics.map((metric) => named(metric, number)));
  const [first, second] = await Promise.all([AggregatorRegistry.aggregate(all).metrics(), own.metrics()]);
  return `${first}${second}`;
}

function named(metric: MetricsJson[number], number: number): MetricsJson[number] {
  if (metric.type !== "gauge" || metric.aggregator !== "sum") return metric;
  const values = metric.values.map((value) => ({ ...value, labels: { ...value.labels, process: number } }));
  return { ...metric, values };
}
