import type { Clock } from "../../../base/clock.ts";

/** Half of what counts as recent. */
const SPAN_MS = 5_000;
/** Free in ten seconds, so that a service with few requests has retries, too. */
const FREE = 10;

/** How many retries a backend may have: a part of its recent requests, so that they cannot double an outage. */
export class RetryBudget {
  readonly #clock: Clock;
  readonly #part: number;
  #spanEnd: number;
  #requests = 0;
  #retries = 0;
  #earlierRequests = 0;
  #earlierRetries = 0;

  /** `percent` of 0 allows none. */
  constructor(percent: number, clock: Clock) {
    this.#part = percent / 100;
    this.#clock = clock;
    this.#spanEnd = clock.monotonic() + SPAN_MS;
  }

  /** A request that is no retry; `now` by the monotonic clock. */
  asked(now: number): void {
    if (now >= this.#spanEnd) this.#turn(now);
    this.#requests += 1;
  }

  get isSpent(): boolean {
    const now = this.#clock.monotonic();
    if (now >= this.#spanEnd) this.#turn(now);
    if (this.#part === 0) return true;
    const allowed = (this.#requests + this.#earlierRequests) * this.#part + FREE;
    return this.#retries + this.#earlierRetries + 1 > allowed;
  }

  retried(): void {
    this.#retries += 1;
  }

  #turn(now: number): void {
    const isNext = now < this.#spanEnd + SPAN_MS;
    this.#earlierRequests = isNext ? this.#requests : 0;
    this.#earlierRetries = isNext ? this.#retries : 0;
    this.#requests = 0;
    this.#retries = 0;
    this.#spanEnd = now + SPAN_MS;
  }
}
