import type { Clock } from "../../base/clock.ts";
import type { RelayerMetrics } from "./metrics.ts";

const WINDOW = 2_048;

/** The last relays of this process, for its heartbeat: rate, latencies, refusals by reason. Bounded, no I/O. */
export class Recent {
  readonly #clock: Clock;
  readonly #latencies: number[] = [];
  readonly #refused = new Map<string, number>();
  #next = 0;
  #served = 0;
  #marked = { served: 0, at: 0 };

  constructor(metrics: RelayerMetrics, clock: Clock) {
    this.#clock = clock;
    this.#marked.at = clock.monotonic();
    metrics.observer.served = (seconds) => this.#add(seconds);
    metrics.observer.refused = (reason) => this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
  }

  /** Relays per second since the last call, totals since the start, milliseconds of the last relays. */
  read() {
    const now = this.#clock.monotonic();
    const seconds = Math.max(0.001, (now - this.#marked.at) / 1000);
    const rate = (this.#served - this.#marked.served) / seconds;
    this.#marked = { served: this.#served, at: now };
    const sorted = this.#latencies.toSorted((left, right) => left - right);
    const at = (part: number) =>
      (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0) * 1000;
    return {
      relaysPerSecond: Math.round(rate * 10) / 10,
      served: this.#served,
      p50Ms: Math.round(at(0.5) * 10) / 10,
      p99Ms: Math.round(at(0.99) * 10) / 10,
      refused: Object.fromEntries(this.#refused),
    };
  }

  #add(seconds: number): void {
    this.#served += 1;
    this.#latencies[this.#next] = seconds;
    this.#next = (this.#next + 1) % WINDOW;
  }
}
