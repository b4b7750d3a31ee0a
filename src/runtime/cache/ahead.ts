/**
 * What is read again ahead of its age, over all caches of a process: at most so many at once. A chain that answers slowly is not asked
 * more for that; what finds no place is skipped, and asked for by a later read.
 */
export class Ahead {
  readonly #most: number;
  #running = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get running(): number {
    return this.#running;
  }

  /** False if too many run. What the load throws is for those who wait for it. */
  start(load: () => Promise<unknown>): boolean {
    if (this.#running >= this.#most) return false;
    this.#running += 1;
    const over = () => {
      this.#running -= 1;
    };
    load().then(over, over);
    return true;
  }
}
