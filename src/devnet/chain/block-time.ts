import type { Clock } from "../../base/clock.ts";

const NANOS_PER_MS = 1_000_000n;

/** Gives blocks their times: strictly increasing, one block behind the wall clock as on a real chain (chain 2.3), or by count alone. */
export class BlockTime {
  readonly #clock: Clock | undefined;
  readonly #blockTimeMs: number;
  #lastMs: number;
  #committedAtMs: number;
  #aheadMs = 0;
  /** How much the chain's clock is behind the wall clock, in ms. */
  lagMs = 0;

  /** Without a clock every block is `blockTimeMs` later than the one before. */
  constructor(genesisMs: number, blockTimeMs: number, clock?: Clock) {
    this.#clock = clock;
    this.#blockTimeMs = blockTimeMs;
    this.#lastMs = genesisMs - blockTimeMs;
    this.#committedAtMs = genesisMs;
    if (clock !== undefined) this.#aheadMs = genesisMs - clock.now();
  }

  /** Time of the next block, Unix nanoseconds. `jump`: the block is made at once but counts as if its time had passed. */
  next(jump: boolean): bigint {
    if (jump) this.#aheadMs += this.#blockTimeMs;
    const byCount = this.#lastMs + this.#blockTimeMs;
    const byClock = Math.max(
      this.#lastMs + 1,
      this.#committedAtMs + (jump ? this.#blockTimeMs : 0) - this.lagMs,
    );
    this.#lastMs = this.#clock === undefined ? byCount : byClock;
    return BigInt(Math.trunc(this.#lastMs)) * NANOS_PER_MS;
  }

  /** Call after each commit. */
  committed(): void {
    if (this.#clock !== undefined) this.#committedAtMs = this.#clock.now() + this.#aheadMs;
  }
}
