type Options = {
  /** At once, while nothing says that this is too many. */
  readonly atOnce: number;
  /** Whether what a piece of work threw means that too many were at once. */
  readonly isTooMuch: (thrown: unknown) => boolean;
  /** Told how many wait whenever that changes. */
  readonly onWaiting: (count: number) => void;
};

/**
 * So many at once; of those that wait, the one that must be done first comes next. A node that is asked for a hundred suppliers at the same
 * moment answers none of them in time: when it does not keep up, half as many are at once, and one more again after each round that went
 * well.
 */
export class Turns {
  readonly #options: Options;
  readonly #waiting: { readonly before: bigint; readonly call: () => void }[] = [];
  #limit: number;
  #inWork = 0;
  /** How often it was too much. What began before the last time says nothing new. */
  #cuts = 0;

  constructor(options: Options) {
    this.#options = options;
    this.#limit = options.atOnce;
  }

  /** Does the work when it is its turn: before all that wait and may be done later, after those that came earlier and may not. */
  async take<Result>(before: bigint, work: () => Promise<Result>): Promise<Result> {
    if (this.#hasRoom) this.#inWork += 1;
    else await this.#wait(before);
    const cuts = this.#cuts;
    try {
      const result = await work();
      this.#limit = Math.min(this.#options.atOnce, this.#limit + 1 / this.#limit);
      return result;
    } catch (thrown) {
      if (cuts === this.#cuts && this.#options.isTooMuch(thrown)) this.#cut();
      throw thrown;
    } finally {
      this.#inWork -= 1;
      this.#callNext();
    }
  }

  #cut(): void {
    this.#cuts += 1;
    this.#limit = Math.max(1, this.#limit / 2);
  }

  get #hasRoom(): boolean {
    return this.#inWork < Math.floor(this.#limit);
  }

  #wait(before: bigint): Promise<void> {
    return new Promise((call) => {
      const later = this.#waiting.findIndex((each) => each.before > before);
      this.#waiting.splice(later === -1 ? this.#waiting.length : later, 0, { before, call });
      this.#options.onWaiting(this.#waiting.length);
    });
  }

  #callNext(): void {
    while (this.#hasRoom) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      // Taken now: between the call and the work somebody else may come.
      this.#inWork += 1;
      this.#options.onWaiting(this.#waiting.length);
      next.call();
    }
  }
}
