import type { Frame } from "./ends.ts";

const EARLY_BYTES = 1_048_576;

/** Messages of a backend from before the first request: kept for it, so many and no more. */
export class EarlyFrames {
  readonly #most: number;
  readonly #kept: Frame[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** False when there is no room for it. */
  keep(frame: Frame): boolean {
    const bytes = this.#kept.reduce((sum, { data }) => sum + data.length, frame.data.length);
    if (this.#kept.length >= this.#most || bytes > EARLY_BYTES) return false;
    this.#kept.push(frame);
    return true;
  }

  /** All of them, in their order; none are kept any more. */
  take(): readonly Frame[] {
    return this.#kept.splice(0);
  }
}
