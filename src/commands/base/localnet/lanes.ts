/** A few numbered places; who finds none free waits for its turn. As many wait as relays are in flight. */
export class Lanes {
  readonly #free: number[];
  readonly #waiting: ((lane: number) => void)[] = [];

  constructor(count: number) {
    this.#free = Array.from({ length: count }, (_, lane) => lane);
  }

  async with<Result>(work: (lane: number) => Promise<Result>): Promise<Result> {
    const lane = this.#free.pop() ?? (await new Promise<number>((resolve) => this.#waiting.push(resolve)));
    try {
      return await work(lane);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(lane);
      else next(lane);
    }
  }
}
