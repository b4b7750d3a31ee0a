import type { Clock } from "../../base/clock.ts";
import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { Lease } from "../redis/leases.ts";
import type { SessionOutcome, SessionRecord, SessionState } from "../redis/session-record.ts";
import type { Sessions } from "../redis/sessions.ts";
import { NOTHING_SENT, type Submission, type SubmissionPart } from "../redis/submission-record.ts";
import type { Submissions } from "../redis/submissions.ts";
import type { MinerMetrics } from "./metrics.ts";
import type { Sent } from "./session-state.ts";
import type { Submitted } from "./submit.ts";

export type Phase = "claim" | "proof";
type Left = Extract<Submitted, { outcome: "accepted" | "unanswered" }>;

type Options = {
  readonly sessions: Sessions;
  readonly submissions: Submissions;
  readonly height: () => bigint;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MinerMetrics;
  readonly onFenced: (lease: Lease) => void;
};

const NEVER: Sent = { times: 0, at: undefined };

/** What is written down of a session: its state in Go's record, what was sent for it in Go's tracking record (mining-path 5.6, 7.2). */
export class Records {
  readonly #options: Options;
  /** Broadcasts under a lease; after a restart or a change of owner the first one is free again, which costs a fee at most. */
  readonly #sent = new WeakMap<Lease, Map<string, Sent>>();
  /** What was found on chain and noted under a lease, so that it is not read again at every block. */
  readonly #noted = new WeakMap<Lease, Set<string>>();

  constructor(options: Options) {
    this.#options = options;
  }

  sent(lease: Lease, phase: Phase, record: SessionRecord): Sent {
    return this.#sent.get(lease)?.get(nameOf(phase, record)) ?? NEVER;
  }

  /** Changes the state if it is one of `from`. False when it was not: somebody else was faster, or the lease is gone. */
  async move(
    lease: Lease,
    record: SessionRecord,
    from: readonly SessionState[],
    to: SessionState,
    outcome: SessionOutcome = {},
  ): Promise<boolean> {
    const { sessions, metrics, logger, onFenced } = this.#options;
    const { supplier, sessionId } = record;
    const moved = await sessions.move({ lease, supplier, sessionId, from, to, outcome });
    if (moved.result === "fenced") onFenced(lease);
    if (moved.result !== "moved") return false;
    if (moved.was !== to) {
      metrics.transitions.inc({ supplier, from_state: moved.was, to_state: to });
      logger.info({ supplier, session: sessionId, from: moved.was, to }, "session state");
    }
    return true;
  }

  /** A claim has left, `hash` is its root's hex. Go's "claimed" says no more than that. */
  async claimSent(lease: Lease, record: SessionRecord, left: Left, hash: string): Promise<void> {
    this.#count(lease, "claim", record, left);
    const to = left.outcome === "accepted" ? "claimed" : "claiming";
    await this.move(lease, record, ["claiming", "claimed"], to, { claimTxHash: left.txHash });
    await this.#track(record, (known) => ({ ...known, claim: this.#part(known.claim, left, hash) }));
  }

  async proofSent(lease: Lease, record: SessionRecord, left: Left, hash: string): Promise<void> {
    this.#count(lease, "proof", record, left);
    await this.move(lease, record, ["proving"], "proving", { proofTxHash: left.txHash });
    await this.#track(record, (known) => ({
      ...known,
      proofRequired: true,
      proof: this.#part(known.proof, left, hash),
    }));
  }

  async sendFailed(phase: Phase, record: SessionRecord, reason: string): Promise<void> {
    await this.#track(record, (known) => ({ ...known, [phase]: { ...known[phase], errorReason: reason } }));
  }

  /** True the first time this is found out, also across owners. */
  async onChain(lease: Lease, phase: Phase, record: SessionRecord, outcome: string): Promise<boolean> {
    const noted = this.#noted.get(lease) ?? new Set();
    this.#noted.set(lease, noted);
    const name = `${nameOf(phase, record)}|${outcome}`;
    if (noted.has(name)) return false;
    noted.add(name);
    const height = this.#options.height();
    let isNew = false;
    await this.#track(record, (known) => {
      if (known[phase].onChainOutcome === outcome) return undefined;
      isNew = true;
      return { ...known, [phase]: { ...known[phase], onChainOutcome: outcome, inclusionHeight: height } };
    });
    return isNew;
  }

  /** What the settlement brought, into a session that is over. False when it is not, or its record is gone. */
  async settled(lease: Lease, record: SessionRecord, outcome: SessionOutcome): Promise<boolean> {
    const written = await this.#options.sessions.settle(record.supplier, record.sessionId, outcome);
    for (const phase of ["claim", "proof"] as const) {
      this.#sent.get(lease)?.delete(nameOf(phase, record));
      for (const found of ["on_chain_found", "on_chain_missing"])
        this.#noted.get(lease)?.delete(`${nameOf(phase, record)}|${found}`);
    }
    return written;
  }

  #count(lease: Lease, phase: Phase, record: SessionRecord, { outcome, height }: Left): void {
    const sent = this.#sent.get(lease) ?? new Map<string, Sent>();
    this.#sent.set(lease, sent);
    const { times } = this.sent(lease, phase, record);
    sent.set(nameOf(phase, record), { times: outcome === "accepted" ? times + 1 : times, at: height });
  }

  #part(known: SubmissionPart, left: Left, hash: string): SubmissionPart {
    const now = this.#options.clock.now();
    const accepted = left.outcome === "accepted";
    return {
      ...known,
      hash,
      txHash: left.txHash,
      success: accepted,
      errorReason: accepted ? "" : left.text,
      submitHeight: left.height,
      submitTimestamp: BigInt(Math.floor(now / 1000)),
      submitTimeUtc: new Date(now).toISOString(),
      currentHeight: this.#options.height(),
      rebroadcasts: known.txHash === "" ? 0n : known.rebroadcasts + 1n,
    };
  }

  /** The tracking record is for operators and tools: money does not depend on it, so a failure here stops nothing. */
  async #track(record: SessionRecord, change: (known: Submission) => Submission | undefined): Promise<void> {
    const { submissions, logger } = this.#options;
    try {
      const known = await submissions.read(record.supplier, record.endHeight, record.sessionId);
      const changed = change(known ?? emptySubmission(record));
      if (changed) await submissions.write(changed);
    } catch (thrown) {
      logger.warn(
        { session: record.sessionId, error: toError(thrown).message },
        "a submission was not recorded",
      );
    }
  }
}

const nameOf = (phase: Phase, { supplier, sessionId }: SessionRecord): string =>
  `${phase}|${supplier}|${sessionId}`;

const emptySubmission = (record: SessionRecord): Submission => ({
  supplier: record.supplier,
  serviceId: record.serviceId,
  application: record.application,
  sessionId: record.sessionId,
  sessionStart: record.startHeight,
  sessionEnd: record.endHeight,
  claim: NOTHING_SENT,
  proof: NOTHING_SENT,
  relays: record.relayCount,
  computeUnits: record.computeUnits,
  proofRequired: false,
  proofRequirementSeed: "",
});
