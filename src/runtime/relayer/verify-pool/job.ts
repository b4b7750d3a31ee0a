import type { RingJob } from "../../../chain/protocol/ring/kernel/verifier.ts";
import type { RingVerdict } from "../../../chain/protocol/ring/verifier.ts";
import type { Reject } from "../rejects.ts";

/** A signature to be verified. `account` is the application's address: jobs of an account share keys, and accounts take turns. */
export type VerifyJob = RingJob & { readonly account: string };

/** What the relay path knows of the pool. Rejects with Reject overloaded or draining; a bad signature is a verdict. */
export type VerifyRingSoon = (job: VerifyJob) => Promise<RingVerdict>;

export type WaitingJob = VerifyJob & {
  /** When it came, by the monotonic clock. */
  readonly since: number;
  /** Whether no good signature by its key image is remembered. */
  readonly isStranger: boolean;
  readonly settle: (verdict: RingVerdict) => void;
  readonly refuse: (reject: Reject) => void;
};

/** What can be seen of the pool. */
export type VerifyFigures = {
  readonly waiting: number;
  readonly inline: Figures;
  readonly workers: Figures;
  /** Signatures that the slow verifier judged, in all threads. */
  readonly slow: number;
  /** Those that it was not allowed to judge. */
  readonly slowRefused: number;
};
type Figures = { readonly tables: number; readonly bytes: number };
