import type { Clock } from "../../base/clock.ts";

/** The chain's height as this process knows it: it only grows, whatever order the sources tell it in. */
export class Heights {
  readonly #clock: Clock;
  readonly #listeners = new Set<(height: bigint) => void>();
  #current = 0n;
  #since = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** 0 until the first block was heard of. */
  get current(): bigint {
    return this.#current;
  }

  /** Milliseconds since the height last grew. */
  get ageMs(): number {
    return this.#clock.monotonic() - this.#since;
  }

  set(height: bigint): void {
    if (height <= this.#current) return;
    this.#current = height;
    this.#since = this.#clock.monotonic();
    for (const listener of [...this.#listeners]) listener(height);
  }

  onChange(listener: (height: bigint) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when the height is there, or after `timeoutMs` in any case; the answer tells which. */
  async reached(height: bigint, timeoutMs: number): Promise<boolean> {
    if (this.#current >= height) return true;
    const stop = new AbortController();
    const forget = this.onChange((current) => {
      if (current >= height) stop.abort();
    });
    await this.#clock.sleep(timeoutMs, stop.signal);
    forget();
    return this.#current >= height;
  }
}
