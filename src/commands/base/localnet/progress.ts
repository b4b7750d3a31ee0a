import type { Clock } from "../../../base/clock.ts";
import { grouped } from "./report.ts";
import { bar } from "./screen.ts";
import type { Tally } from "./tally.ts";

type Options = {
  readonly clock: Clock;
  readonly tally: Tally;
  readonly relays: number;
  readonly sessions: number;
  readonly height: () => bigint;
};

const SAMPLE_MS = 1_000;

/** The live line: how far the relays are, how fast, in which session and at which block. */
export class Progress {
  readonly #options: Options;
  #sample: { at: number; answered: number };
  #rate = 0;
  session = 0;

  constructor(options: Options) {
    this.#options = options;
    this.#sample = { at: options.clock.monotonic(), answered: 0 };
  }

  text(): string {
    const { tally, relays, height } = this.#options;
    this.#measure();
    const p99 = tally.latency(0.99);
    const facts = [
      `relays ${grouped(tally.answered)}/${grouped(relays)}`,
      `${Math.round(this.#rate)}/s`,
      `p99 ${p99 === undefined ? "—" : `${Math.ceil(p99)} ms`}`,
      this.#phase(),
      `block ${height()}`,
    ];
    return ` ${bar(relays === 0 ? 0 : tally.answered / relays)}  ${facts.join(" · ")}`;
  }

  #phase(): string {
    const { tally, relays, sessions } = this.#options;
    if (tally.answered >= relays) return "settling";
    return this.session === 0 ? "session —" : `session ${this.session} of ${sessions}`;
  }

  #measure(): void {
    const { clock, tally } = this.#options;
    const now = clock.monotonic();
    const passed = now - this.#sample.at;
    if (passed < SAMPLE_MS) return;
    this.#rate = ((tally.answered - this.#sample.answered) / passed) * 1000;
    this.#sample = { at: now, answered: tally.answered };
  }
}
