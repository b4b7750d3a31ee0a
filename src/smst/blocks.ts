const FIRST = 1_024;
const LARGEST = 262_144;

/** Gives memory for many pieces of bytes that live equally long: one allocation for each would cost more than what is written there. */
export class Blocks {
  #block = new Uint8Array(0);
  #used = 0;

  /** A fresh piece, all zeros. */
  take(length: number): Uint8Array {
    if (this.#used + length > this.#block.length) {
      const next = Math.min(LARGEST, Math.max(FIRST, this.#block.length * 2));
      this.#block = new Uint8Array(Math.max(next, length));
      this.#used = 0;
    }
    const from = this.#used;
    this.#used += length;
    return this.#block.subarray(from, this.#used);
  }
}
