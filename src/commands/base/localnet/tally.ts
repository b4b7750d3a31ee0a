import { keyText, type SessionKey } from "./chain-facts.ts";

/** What the client of the relays counts for one supplier and session. */
export type Count = SessionKey & {
  readonly sessionId: string;
  /** Distinct relays whose answer arrived with status 200 and the supplier's valid signature. */
  answered: number;
  /** Distinct relays without an answer although a request had gone out: stored or not, nobody here knows. */
  uncertain: number;
};

type Session = Omit<SessionKey, "supplier"> & { readonly sessionId: string };

/** The client's side of the equation. */
export class Tally {
  readonly #counts = new Map<string, Count>();
  /** Refusals by status and reason. */
  readonly refused = new Map<string, number>();
  readonly latenciesMs: number[] = [];
  #answered = 0;

  get answered(): number {
    return this.#answered;
  }

  counts(): readonly Count[] {
    return [...this.#counts.values()];
  }

  of(session: Session, supplier: string): Count {
    const key = { ...session, supplier };
    const known = this.#counts.get(keyText(key));
    if (known) return known;
    const count = { ...key, answered: 0, uncertain: 0 };
    this.#counts.set(keyText(key), count);
    return count;
  }

  answer(count: Count, latencyMs: number): void {
    count.answered += 1;
    this.#answered += 1;
    if (this.latenciesMs.length < MAX_LATENCIES) this.latenciesMs.push(latencyMs);
    else this.latenciesMs[this.#answered % MAX_LATENCIES] = latencyMs;
  }

  refuse(reason: string): void {
    if (this.refused.size < MAX_REASONS || this.refused.has(reason))
      this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
  }

  /** Milliseconds below which that part (0 to 1) of the newest answers came; undefined without any. */
  latency(part: number): number | undefined {
    const sorted = [...this.latenciesMs].sort((left, right) => left - right);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
  }
}

const MAX_LATENCIES = 2_000;
const MAX_REASONS = 50;
