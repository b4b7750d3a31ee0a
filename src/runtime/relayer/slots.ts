import type { Clock } from "../../base/clock.ts";

/** So many at once; whoever comes later waits in line for a while. */
export class Slots {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #free: number;

  constructor(count: number, clock: Clock) {
    this.#free = count;
    this.#clock = clock;
  }

  /** True when a slot was taken, to be given back with `release`; false after `patienceMs` in line. */
  async take(patienceMs: number): Promise<boolean> {
    if (this.#free > 0) {
      this.#free -= 1;
      return true;
    }
    const called = new AbortController();
    const call = () => called.abort();
    this.#waiting.add(call);
    await this.#clock.sleep(patienceMs, called.signal);
    // Whoever was called has the slot of the one that left; whoever was not is still in line.
    return !this.#waiting.delete(call);
  }

  release(): void {
    const [first] = this.#waiting;
    if (first === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(first);
    first();
  }
}
