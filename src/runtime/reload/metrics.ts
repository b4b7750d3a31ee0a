import { Counter, Gauge, type Registry } from "prom-client";

/** How reloads went; `role` is `relayer` or `miner`. What was read at start counts as the first success. */
export function reloadMetrics(registry: Registry, role: string, now: () => number) {
  const registers = [registry];
  const success = new Gauge({
    name: `ha_${role}_config_last_reload_success`,
    help: "1: what is configured is in force. 0: the last reload was refused, and what was in force before still is",
    registers,
  });
  const at = new Gauge({
    name: `ha_${role}_config_last_reload_timestamp_seconds`,
    help: "When the configuration or the keys were last read",
    registers,
  });
  const total = new Counter({
    name: `ha_${role}_config_reloads_total`,
    help: "Reloads by result: applied, unchanged, refused",
    labelNames: ["result"],
    registers,
  });
  const told = (result: "applied" | "unchanged" | "refused") => {
    success.set(result === "refused" ? 0 : 1);
    at.set(Math.floor(now() / 1000));
    total.inc({ result });
  };
  success.set(1);
  at.set(Math.floor(now() / 1000));
  return { told };
}
