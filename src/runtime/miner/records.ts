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

type Phase = "claim" | "proof";
type Accepted = Extract<Submitted, { outcome: "accepted" }>;

type Options = {
  readonly sessions: Sessions;
  readonly submissions: Submissions;
  readonly height: () => bigint;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MinerMetrics;
  readonly onFenced: (supplier: string) => void;
};

const NEVER: Sent = { times: 0, at: undefined };

/** What is written down of a session: its state in Go's record, what was sent for it in Go's tracking record (mining-path 5.6, 7.2). */
export class Records {
  readonly #options: Options;
  /** Broadcasts of this process; after a restart the first one is free again, which costs a fee at most. */
  readonly #sent = new Map<string, Sent>();

  constructor(options: Options) {
    this.#options = options;
  }

  sent(phase: Phase, record: SessionRecord): Sent {
    return this.#sent.get(nameOf(phase, record)) ?? NEVER;
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
    if (moved.result === "fenced") onFenced(supplier);
    if (moved.result !== "moved") return false;
    if (moved.was !== to) {
      metrics.transitions.inc({ supplier, from_state: moved.was, to_state: to });
      logger.info({ supplier, session: sessionId, from: moved.was, to }, "session state");
    }
    return true;
  }

  async claimSent(lease: Lease, record: SessionRecord, result: Accepted): Promise<void> {
    this.#count("claim", record, result.height);
    await this.move(lease, record, ["claiming", "claimed"], "claimed", { claimTxHash: result.txHash });
    await this.#track(record, (known) => ({ ...known, claim: this.#part(known.claim, result) }));
  }

  async proofSent(lease: Lease, record: SessionRecord, result: Accepted): Promise<void> {
    this.#count("proof", record, result.height);
    await this.move(lease, record, ["proving"], "proving", { proofTxHash: result.txHash });
    await this.#track(record, (known) => ({
      ...known,
      proofRequired: true,
      proof: this.#part(known.proof, result),
    }));
  }

  async sendFailed(phase: Phase, record: SessionRecord, reason: string): Promise<void> {
    await this.#track(record, (known) => ({ ...known, [phase]: { ...known[phase], errorReason: reason } }));
  }

  async onChain(phase: Phase, record: SessionRecord, outcome: string): Promise<void> {
    const height = this.#options.height();
    await this.#track(record, (known) =>
      known[phase].onChainOutcome === outcome
        ? undefined
        : { ...known, [phase]: { ...known[phase], onChainOutcome: outcome, inclusionHeight: height } },
    );
  }

  /** What the settlement brought, into a session that is over. */
  async settled(record: SessionRecord, outcome: SessionOutcome): Promise<void> {
    await this.#options.sessions.settle(record.supplier, record.sessionId, outcome);
    for (const phase of ["claim", "proof"] as const) this.#sent.delete(nameOf(phase, record));
  }

  #count(phase: Phase, record: SessionRecord, height: bigint): void {
    this.#sent.set(nameOf(phase, record), { times: this.sent(phase, record).times + 1, at: height });
  }

  #part(known: SubmissionPart, { txHash, height }: Accepted): SubmissionPart {
    const now = this.#options.clock.now();
    return {
      ...known,
      txHash,
      success: true,
      errorReason: "",
      submitHeight: height,
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
