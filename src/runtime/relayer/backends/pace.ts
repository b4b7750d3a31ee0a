import type { Clock } from "../../../base/clock.ts";

/** How much faster than on the mean one may follow another: so much less than the time between two that nobody's connection stays idle for it. */
const PART = 0.7;
/** Of milliseconds: below, timers are too coarse, and a burst is over before anyone waits for it. */
const LEAST = 1;
/** Of milliseconds: bursts with so much time between two hold nobody up, and a backend that has become fast is not waited for. */
const MOST = 20;

/**
 * Those who wait for a slow backend are let go one after the other. A hundred that were let go at once are answered at once, and so are those
 * who follow them, for ever: each time the answers of a hundred hold up everyone else's relays.
 */
export class Pace {
  readonly #clock: Clock;
  readonly #act: () => void;
  #dueAt = 0;
  #callOff: (() => void) | undefined;

  /** `act` is called when the next one may go, after `isDue` said that it is too early. */
  constructor(clock: Clock, act: () => void) {
    this.#clock = clock;
    this.#act = act;
  }

  /** Whether one may go now. */
  isDue(): boolean {
    const early = this.#dueAt - this.#clock.monotonic();
    if (early <= 0) return true;
    this.#callOff ??= this.#clock.after(early, () => {
      this.#callOff = undefined;
      this.#act();
    });
    return false;
  }

  /** One went, and on the mean another one goes every `meanMs`. What timers are late for being coarse is made up for, no more. */
  went(meanMs: number): void {
    const gap = Math.min(PART * meanMs, MOST);
    this.#dueAt = gap < LEAST ? 0 : Math.max(this.#dueAt, this.#clock.monotonic() - LEAST) + gap;
  }

  stop(): void {
    this.#callOff?.();
    this.#callOff = undefined;
  }
}
