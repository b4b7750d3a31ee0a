import { Counter, Gauge, type Registry } from "prom-client";
import type { ReplayFigures } from "./replays.ts";

/** What the memory of relays holds, looked up when it is asked for. */
export function observeReplays(registry: Registry, figures: () => ReplayFigures): void {
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name: `ha_relayer_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  gauge("replay_ids", "Relays that are remembered, so that they are not taken twice", () => figures().ids);
  gauge("replay_bytes", "Memory of the relays that are remembered", () => figures().bytes);
  new Counter({
    name: "ha_relayer_replay_forgotten_total",
    help: "Relays of running sessions that were forgotten for lack of memory (relay.replay_memory_mb)",
    registers: [registry],
    collect() {
      this.reset();
      this.inc(figures().forgotten);
    },
  });
}
