import { LRUCache } from "lru-cache";
import type { Clock } from "../../../base/clock.ts";

const FIRST_MS = 1_000;
/** An address that flooded is like any other again after so long without a flood. */
const FORGOTTEN_MS = 60_000;
const ADDRESSES = 10_000;

type Penalty = {
  /** Between two new connections of the address. */
  delayMs: number;
  /** The newest flood, and when the next connection may be served; monotonic milliseconds. */
  floodedAt: number;
  nextAt: number;
};

/**
 * Addresses whose connections were closed for floods. What is read in one piece before a flood is seen costs milliseconds, so their next
 * connections are served one at a time, with a pause that doubles with each flood.
 */
export class Penalties {
  readonly #clock: Clock;
  readonly #longestMs: number;
  readonly #known = new LRUCache<string, Penalty>({ max: ADDRESSES });

  /** `longestMs`: what a connection waits at most; 0: none waits. */
  constructor(clock: Clock, longestMs: number) {
    this.#clock = clock;
    this.#longestMs = longestMs;
  }

  flooded(address: string): void {
    const now = this.#clock.monotonic();
    const known = this.#of(address, now);
    const delayMs = Math.min(known ? known.delayMs * 2 : FIRST_MS, this.#longestMs);
    const nextAt = Math.max(known?.nextAt ?? 0, now + delayMs);
    this.#known.set(address, { delayMs, floodedAt: now, nextAt });
  }

  /** Milliseconds that a new connection of the address must wait; undefined: longer than any may, and it has no place in the line. */
  waitMs(address: string): number | undefined {
    const now = this.#clock.monotonic();
    const known = this.#of(address, now);
    if (known === undefined) return 0;
    const waitMs = Math.max(0, known.nextAt - now);
    if (waitMs > this.#longestMs) return undefined;
    known.nextAt = now + waitMs + known.delayMs;
    return waitMs;
  }

  #of(address: string, now: number): Penalty | undefined {
    const known = this.#known.get(address);
    return known && now <= known.floodedAt + FORGOTTEN_MS ? known : undefined;
  }
}
