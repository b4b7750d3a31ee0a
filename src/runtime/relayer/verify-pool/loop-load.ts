import { performance } from "node:perf_hooks";
import type { Clock } from "../../../base/clock.ts";

const SAMPLE_MS = 100;
/** Above it, what is shipped to a worker makes room for other relays; below it, this thread would only have waited. */
const BUSY_ABOVE = 0.6;

/** Whether this thread's event loop has little time to spare, by how much of the last tenth of a second or so it was at work. */
export class LoopLoad {
  readonly #clock: Clock;
  #before = performance.eventLoopUtilization();
  #at: number;
  #isBusy = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#at = clock.monotonic();
  }

  isBusy(): boolean {
    const now = this.#clock.monotonic();
    if (now - this.#at < SAMPLE_MS) return this.#isBusy;
    const total = performance.eventLoopUtilization();
    this.#isBusy = performance.eventLoopUtilization(total, this.#before).utilization > BUSY_ABOVE;
    this.#before = total;
    this.#at = now;
    return this.#isBusy;
  }
}
