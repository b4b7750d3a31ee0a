import type { RingJob } from "../../../chain/protocol/ring/kernel/verifier.ts";
import type { RingVerdict } from "../../../chain/protocol/ring/verifier.ts";
import type { Reject } from "../rejects.ts";

/** A signature to be verified. `account` is the application's address: jobs of an account share keys, and accounts take turns. */
export type VerifyJob = RingJob & { readonly account: string };

/** What the relay path knows of the pool. Rejects with Reject overloaded, signature_unchecked or draining; a bad signature is a verdict. */
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

/** Longest signature that may be worth a look: count, challenge and key image, then a scalar and a key per member (relay-path 3.5). */
export const longestSignature = ({ ring }: VerifyJob): number => 69 + 65 * ring.maxSignatureMembers;

/** FNV-1a, of 32 bits: spreads addresses that differ in few letters. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return hash;
}
