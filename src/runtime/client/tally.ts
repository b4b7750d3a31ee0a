import type { SessionHeader } from "../../chain/proto/session.ts";
import type { PayloadForm } from "./answer.ts";
import { insideProblem } from "./inside.ts";
import { Latencies } from "./latencies.ts";
import type { Failure, FailureKind, Outcome } from "./outcome.ts";
import { expectedPay, isLeaf, type Served, type SessionPrice } from "./price.ts";
import type { SourcedRelay } from "./source.ts";

export type Group = { readonly kind: FailureKind | "inside"; readonly reason: string; times: number };

/** What one supplier answered in one session, which makes one claim. */
type Account = { relays: number; leaves: number | undefined };
type Session = {
  readonly header: SessionHeader;
  readonly price: SessionPrice;
  readonly accounts: Map<string, Account>;
};
type Answered = Extract<Outcome, { kind: "answered" }>;

const MAX_GROUPS = 50;

/** What became of many relays. */
export class LoadTally {
  readonly latencies = new Latencies();
  /** Answers with a valid signature of the asked supplier. */
  answered = 0;
  /** Those of them that say an error inside. */
  inside = 0;
  failed = 0;
  readonly #groups = new Map<string, Group>();
  readonly #sessions = new Map<string, Session>();
  readonly #form: PayloadForm;

  constructor(form: PayloadForm) {
    this.#form = form;
  }

  count(relay: SourcedRelay, outcome: Outcome): void {
    if (outcome.kind === "failed") {
      this.failed += 1;
      this.#group(outcome.failure.kind, outcome.failure);
      return;
    }
    this.answered += 1;
    this.latencies.add(outcome.latencyMs);
    this.#account(relay, outcome);
    const problem = insideProblem(outcome.answers, this.#form);
    if (problem === undefined) return;
    this.inside += 1;
    this.#group("inside", { reason: problem });
  }

  /** Failures with their reasons, the most frequent first. */
  groups(): readonly Group[] {
    return [...this.#groups.values()].toSorted((left, right) => right.times - left.times);
  }

  /** By session: relays answered, leaves as far as known, and the money. */
  pay(): readonly SessionPay[] {
    return [...this.#sessions.values()].map(({ header, price, accounts }) => {
      const served = [...accounts].map(([supplier, account]) => ({ supplier, ...account }));
      const leaves = served.every((account) => account.leaves !== undefined);
      return {
        header,
        price,
        relays: served.reduce((sum, account) => sum + account.relays, 0),
        leaves: leaves ? served.reduce((sum, account) => sum + (account.leaves ?? 0), 0) : undefined,
        served,
        ...expectedPay(served, price),
      };
    });
  }

  #account({ price, request, signers, supplier }: SourcedRelay, { answers, firstMs }: Answered): void {
    const [answer] = answers;
    if (price === undefined || answer === undefined) return;
    const { accounts } = this.#sessions.get(signers.header.sessionId) ?? this.#begin(signers.header, price);
    const account = accounts.get(supplier.address) ?? { relays: 0, leaves: 0 };
    accounts.set(supplier.address, account);
    account.relays += 1;
    // A stream is mined whole, under a signature that no client sees (relay-path 6.4).
    if (firstMs !== undefined) account.leaves = undefined;
    else if (account.leaves !== undefined && isLeaf(request, answer.response, price)) account.leaves += 1;
  }

  #begin(header: SessionHeader, price: SessionPrice): Session {
    const begun = { header, price, accounts: new Map<string, Account>() };
    this.#sessions.set(header.sessionId, begun);
    return begun;
  }

  #group(kind: Group["kind"], { reason }: Pick<Failure, "reason">): void {
    const key = `${kind}|${reason}`;
    const group = this.#groups.get(key);
    if (group !== undefined) group.times += 1;
    else if (this.#groups.size < MAX_GROUPS) this.#groups.set(key, { kind, reason, times: 1 });
    else this.#other(kind);
  }

  #other(kind: Group["kind"]): void {
    const key = `${kind}|`;
    const group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, { kind, reason: "other reasons", times: 1 });
    else group.times += 1;
  }
}

export type SessionPay = {
  readonly header: SessionHeader;
  readonly price: SessionPrice;
  readonly relays: number;
  readonly leaves: number | undefined;
  /** By supplier: each of them makes one claim. */
  readonly served: readonly (Served & { readonly supplier: string })[];
  readonly upokt: bigint;
  readonly claimUpokt: bigint | undefined;
};
