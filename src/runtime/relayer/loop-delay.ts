import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Closable } from "../../base/close-stack.ts";

export type LoopDelays = { readonly p50: number; readonly p99: number; readonly max: number };

const RESOLUTION_MS = 20;

/** How late the event loop comes to its timers: what every relay waits on top of its own work. */
export class LoopDelay implements Closable {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.#histogram.enable();
  }

  /** Seconds, over the time since the last call. */
  read(): LoopDelays {
    const histogram = this.#histogram;
    // The time from one look to the next is what is measured, and most of it is meant to be.
    const seconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1e3);
    const delays =
      histogram.count === 0
        ? { p50: 0, p99: 0, max: 0 }
        : {
            p50: seconds(histogram.percentile(50)),
            p99: seconds(histogram.percentile(99)),
            max: seconds(histogram.max),
          };
    histogram.reset();
    return delays;
  }

  close(): void {
    this.#histogram.disable();
  }
}
