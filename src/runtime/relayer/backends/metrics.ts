import { Counter, type Registry } from "prom-client";

/** Metrics of backends and their endpoints; the Go peer's names where it has them (go-peers 2.6). An endpoint's label is its name, never its URL. */
export function backendMetrics(registry: Registry) {
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name: `ha_relayer_${name}`, help, labelNames, registers: [registry] });
  return {
    changes: counter("backend_state_changes_total", "Endpoints that changed, by what they became", [
      "service_id",
      "rpc_type",
      "endpoint",
      "to",
    ]),
  };
}
