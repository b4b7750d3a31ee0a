import type { Clock } from "../../../base/clock.ts";

/** What a request, or a connection, says of the endpoint that had it: only faults of the server count against it (go-peers 1.9, B4). */
export type Outcome =
  /** It answered, with a status below 500, or took the connection. */
  | "answered"
  /** A status of 500 and above, refused, reset, unreachable, or an answer that is no HTTP. */
  | "server_fault"
  /** Late, called off by the client, too large: that may be the request's doing. */
  | "other";

export type CircuitSettings = {
  readonly clock: Clock;
  /** Server faults in a row that open it. */
  readonly threshold: number;
  /** How long it stays open before one request may try again; 0: it never opens. */
  readonly recoveryMs: number;
};

/** After a probe that told nothing, because its client went away or it was late. */
const PROBE_AGAIN_MS = 1_000;

/**
 * The passive breaker of one endpoint. Our own few lines, because the libraries (cockatiel, opossum) wrap each call in promises and
 * closures, which every relay would pay for, and know of no set in which the last endpoint must stay.
 */
export class Circuit {
  readonly #settings: CircuitSettings;
  #phase: "closed" | "open" | "probing" = "closed";
  #faults = 0;
  #openUntil = 0;

  constructor(settings: CircuitSettings) {
    this.#settings = settings;
  }

  get phase(): "closed" | "open" | "probing" {
    return this.#phase;
  }

  /** Open, and it is time for one request to try. */
  get probeDue(): boolean {
    return this.#phase === "open" && this.#settings.clock.monotonic() >= this.#openUntil;
  }

  /** The request that is about to be sent decides; until then no other one is. */
  probe(): void {
    if (this.#phase === "open") this.#phase = "probing";
  }

  answered(): void {
    // An answer to a request from before it opened says nothing of now.
    if (this.#phase === "open") return;
    this.#phase = "closed";
    this.#faults = 0;
  }

  /** `mayOpen`: whether another endpoint would be left. */
  faulted(mayOpen: () => boolean): void {
    if (this.#phase === "open") return;
    this.#faults += 1;
    const { threshold, recoveryMs } = this.#settings;
    if (this.#phase === "probing") this.#open(recoveryMs);
    else if (this.#faults >= threshold && recoveryMs > 0 && mayOpen()) this.#open(recoveryMs);
  }

  /** Neither an answer nor a fault: a series of faults goes on, a probe is tried again soon. */
  toldNothing(): void {
    if (this.#phase === "probing") this.#open(PROBE_AGAIN_MS);
  }

  #open(ms: number): void {
    this.#phase = "open";
    this.#openUntil = this.#settings.clock.monotonic() + ms;
  }
}
