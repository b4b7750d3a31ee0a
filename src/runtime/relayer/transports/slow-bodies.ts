import type { Call, Port } from "./call.ts";

/** A body that comes more slowly than this, on average, once it has taken so long, is nobody's relay (reliability 7). */
const BYTES_PER_SECOND = 1_024;
const PATIENCE_MS = 10_000;

/** Finds bodies that come too slowly. `sweep` must be called about once a second; a body that is there by then costs nothing. */
export class SlowBodies {
  /** When each unfinished body was first seen, in monotonic milliseconds. */
  readonly #since = new WeakMap<Call, number>();

  /** Closes the connections, or streams, of those that are too slow; `closed` hears of each. */
  sweep({ open, clock }: Port, closed: () => void): void {
    const now = clock.monotonic();
    for (const call of open) {
      if (call.answered || call.source.readableEnded || call.received === undefined) continue;
      const since = this.#since.get(call);
      if (since === undefined) this.#since.set(call, now);
      else if (isTooSlow(call.received.size, now - since)) {
        closed();
        call.breakOff();
      }
    }
  }
}

const isTooSlow = (bytes: number, ms: number): boolean =>
  ms >= PATIENCE_MS && bytes < (BYTES_PER_SECOND * ms) / 1_000;
