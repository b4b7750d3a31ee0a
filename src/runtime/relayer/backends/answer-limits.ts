import type { Clock } from "../../../base/clock.ts";

/** Bytes of all answers that are being read or inflated in this process, so that many large ones at once cannot fill it. */
export class AnswerMemory {
  readonly #most: number;
  #held = 0;

  constructor(mostBytes: number) {
    this.#most = mostBytes;
  }

  get held(): number {
    return this.#held;
  }

  /** False when there is no room; then nothing was taken. */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.#most) return false;
    this.#held += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#held -= bytes;
  }
}

export type AnswerLimits = {
  readonly clock: Clock;
  /** One answer, as it came and inflated. */
  readonly maxBytes: number;
  readonly memory: AnswerMemory;
};
