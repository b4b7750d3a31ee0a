import type { Clock } from "../../../base/clock.ts";

type Given = {
  readonly clock: Clock;
  /** 0: never. */
  readonly afterMs: number;
  readonly onIdle: () => void;
};

/** Notices that nothing was used for too long. Each use costs a look at the clock; the timer is set again when it is due. */
export class IdleWatch {
  readonly #given: Given;
  #usedAt: number;
  #stop: (() => void) | undefined;

  constructor(given: Given) {
    this.#given = given;
    this.#usedAt = given.clock.monotonic();
    if (given.afterMs > 0) this.#watch();
  }

  used(): void {
    this.#usedAt = this.#given.clock.monotonic();
  }

  stop(): void {
    this.#stop?.();
  }

  #watch(): void {
    const { clock, afterMs, onIdle } = this.#given;
    const left = this.#usedAt + afterMs - clock.monotonic();
    this.#stop = clock.after(Math.max(left, 1), () => {
      if (clock.monotonic() - this.#usedAt < afterMs) this.#watch();
      else onIdle();
    });
  }
}
