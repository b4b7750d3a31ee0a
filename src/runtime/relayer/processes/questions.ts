import type { Clock } from "../../../base/clock.ts";

const ANSWERED_WITHIN_MS = 2_000;

type Asked<Answer> = {
  readonly got: Map<number, Answer>;
  readonly expected: number;
  readonly all: AbortController;
};

/** Questions to all processes that are under way. A process that does not answer in time is left out. */
export class Questions<Answer> {
  readonly #clock: Clock;
  readonly #asked = new Map<number, Asked<Answer>>();
  #last = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  answered(process: number, request: number, answer: Answer): void {
    const asked = this.#asked.get(request);
    if (asked === undefined) return;
    asked.got.set(process, answer);
    if (asked.got.size >= asked.expected) asked.all.abort();
  }

  /** `send` gives how many processes it asked. The answers, by the number of their process. */
  async ask(send: (request: number) => number): Promise<ReadonlyMap<number, Answer>> {
    this.#last += 1;
    const request = this.#last;
    const got = new Map<number, Answer>();
    const all = new AbortController();
    const expected = send(request);
    if (expected > 0) {
      this.#asked.set(request, { got, expected, all });
      await this.#clock.sleep(ANSWERED_WITHIN_MS, all.signal);
      this.#asked.delete(request);
    }
    return new Map([...got].sort(([left], [right]) => left - right));
  }
}
