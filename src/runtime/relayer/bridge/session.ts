import type { Clock } from "../../../base/clock.ts";
import type { Heights } from "../heights.ts";
import type { DecodedRelay } from "../steps/decode.ts";

type Given = {
  readonly clock: Clock;
  readonly heights: Heights;
  /** So many blocks before its end a session counts as over. */
  readonly leadBlocks: bigint;
  /** How long a client may take to go on with the next session by itself. */
  readonly waitMs: number;
  readonly onOver: () => void;
};

type Known = { readonly end: bigint; readonly lastBlock: bigint };

/** When the session of one connection is over. Each connection has its own; a request of a later session extends it. */
export class SessionEnd {
  readonly #given: Given;
  #known: Known | undefined;
  #stopWait: (() => void) | undefined;

  constructor(given: Given) {
    this.#given = given;
  }

  extend({ header }: DecodedRelay): void {
    const { heights, leadBlocks } = this.#given;
    const end = header.sessionEndBlockHeight;
    if (this.#known && end <= this.#known.end) return;
    // Whoever comes after that has the session to its end, or would be sent away again and again.
    const lastBlock = heights.current > end - leadBlocks ? end : end - leadBlocks;
    this.#known = { end, lastBlock };
    this.check();
  }

  /** To be called at every block. */
  check(): void {
    if (!this.isOver()) {
      this.#stopWait?.();
      this.#stopWait = undefined;
      return;
    }
    const { clock, waitMs, onOver } = this.#given;
    this.#stopWait ??= clock.after(waitMs, () => {
      this.#stopWait = undefined;
      onOver();
    });
  }

  isOver(): boolean {
    return this.#known !== undefined && this.#given.heights.current > this.#known.lastBlock;
  }

  /** Whether a relay of this session is still accepted at the height of now (relay-path 5.4). */
  isServed({ lastHeight }: { readonly lastHeight: bigint }): boolean {
    return this.#given.heights.current <= lastHeight;
  }

  stop(): void {
    this.#stopWait?.();
    this.#known = undefined;
  }
}
