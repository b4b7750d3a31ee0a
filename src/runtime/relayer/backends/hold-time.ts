/** What the last request counts for in the mean: some dozens of them are remembered. */
const WEIGHT = 1 / 32;

/** How long requests have their connections, as a mean that follows what the backend does now. Milliseconds. */
export class HoldTime {
  #mean: number | undefined;

  held(ms: number): void {
    this.#mean = this.#mean === undefined ? ms : this.#mean + (ms - this.#mean) * WEIGHT;
  }

  /** When the last of `waiting` requests gets one of `connections`, all of which are taken; 0 while nothing is known. */
  waitFor(waiting: number, connections: number): number {
    return this.#mean === undefined ? 0 : (waiting * this.#mean) / connections;
  }
}
