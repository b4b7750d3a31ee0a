import type { Block } from "./types.ts";

const WEIGHT_OF_NEWEST = 0.3;
const UNKNOWN_MS = 1_000;

export const between = (least: number, value: number, most: number): number =>
  Math.min(Math.max(value, least), most);

/** A moving average of the time between blocks, from header times. */
export class BlockTime {
  #last: Block | undefined;
  #averageMs: number | undefined;

  /** Milliseconds; one second until two blocks are known. */
  get ms(): number {
    return between(100, this.#averageMs ?? UNKNOWN_MS, 120_000);
  }

  add(block: Block): void {
    const last = this.#last;
    this.#last = block;
    if (last === undefined || block.height <= last.height) return;
    const each = (block.timeMs - last.timeMs) / Number(block.height - last.height);
    const average = this.#averageMs ?? each;
    this.#averageMs = average + (each - average) * WEIGHT_OF_NEWEST;
  }
}
