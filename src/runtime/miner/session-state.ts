import type { SessionWindows } from "../../chain/protocol/session-grid.ts";
import type { SessionState } from "../redis/session-record.ts";

/** What the chain holds for a session's claim. "unknown" whenever it could not be asked: it is never read as absent. */
export type ClaimOnChain =
  | { readonly kind: "unknown" }
  | { readonly kind: "absent" }
  /** Another root than the sealed one: somebody else claims with our key. */
  | { readonly kind: "foreign" }
  | { readonly kind: "ours"; readonly proof: "pending" | "validated" | "invalid" };

/**
 * How often this process has broadcast in the session's phase with an answer, and when it did last (committed height), answered or not:
 * what was not answered may be in a mempool, but does not use up a try.
 */
export type Sent = { readonly times: number; readonly at: bigint | undefined };

export type SessionFacts = {
  readonly state: SessionState;
  /** Last committed height. */
  readonly height: bigint;
  readonly windows: SessionWindows;
  readonly claim: ClaimOnChain;
  readonly sent: Sent;
  /** Broadcasts of one phase at most, the first included. */
  readonly maxSends: number;
};

export type Action =
  | { readonly do: "wait" }
  | { readonly do: "claim" }
  | { readonly do: "prove" }
  | { readonly do: "settle" }
  | { readonly do: "become"; readonly state: SessionState; readonly why: string };

const wait: Action = { do: "wait" };
const become = (state: SessionState, why: string): Action => ({ do: "become", state, why });

/** A broadcast is given so many blocks to show on chain before it is sent again. */
const PATIENCE_BLOCKS = 2n;

/**
 * The calendar of one session (mining-path 7.1): pure, no I/O, total. `claiming` and `proving` are re-entered after a crash, because
 * every action is derived from the chain and may be repeated; terminal states are never left.
 */
export function nextAction(facts: SessionFacts): Action {
  const { state } = facts;
  if (state === "active" || state === "claiming") return beforeClaimIsKnown(facts);
  if (state === "claimed") return whileClaimed(facts);
  if (state === "proving") return whileProving(facts);
  return wait;
}

function beforeClaimIsKnown({ state, height, windows, claim, sent, maxSends }: SessionFacts): Action {
  if (claim.kind === "ours") return become("claimed", "the claim is on chain");
  if (height < windows.claimOpen) return wait;
  if (isSendable(height, windows.claimOpen, windows.claimClose))
    return maySend(sent, height, windows.claimClose, maxSends) ? { do: "claim" } : wait;
  if (claim.kind === "unknown") return height >= windows.settle ? { do: "settle" } : wait;
  if (claim.kind === "foreign") return become("claim_tx_error", "another root is claimed on chain");
  if (height >= windows.settle && state === "claiming") return { do: "settle" };
  return become(
    state === "active" ? "claim_window_closed" : "claim_missing",
    "the claim window closed without a claim on chain",
  );
}

function whileClaimed({ height, windows, claim, sent, maxSends }: SessionFacts): Action {
  if (height >= windows.settle) return { do: "settle" };
  if (claim.kind === "unknown") return wait;
  if (claim.kind !== "ours") {
    if (isSendable(height, windows.claimOpen, windows.claimClose))
      return maySend(sent, height, windows.claimClose, maxSends) ? { do: "claim" } : wait;
    if (height < windows.claimClose) return wait;
    return claim.kind === "foreign"
      ? become("claim_tx_error", "another root is claimed on chain")
      : become("claim_missing", "the claim is not on chain");
  }
  if (claim.proof === "validated") return become("proved", "the proof is validated on chain");
  return isSendable(height, windows.proofOpen, windows.proofClose) ? { do: "prove" } : wait;
}

function whileProving({ height, windows, claim, sent, maxSends }: SessionFacts): Action {
  if (height >= windows.settle) return { do: "settle" };
  if (claim.kind === "ours" && claim.proof === "validated")
    return become("proved", "the proof is validated on chain");
  if (claim.kind === "absent" && height >= windows.claimClose)
    return become("claim_missing", "the claim is not on chain");
  // A proof of our root against another one would be invalid, and costs its fee.
  if (claim.kind === "foreign")
    return height >= windows.claimClose ? become("claim_tx_error", "another root is claimed on chain") : wait;
  if (!isSendable(height, windows.proofOpen, windows.proofClose)) return wait;
  return maySend(sent, height, windows.proofClose, maxSends) ? { do: "prove" } : wait;
}

/** A transaction sent at a committed height lands in the next block at the earliest (mining-path 5.4). */
const isSendable = (height: bigint, open: bigint, close: bigint): boolean => height >= open && height < close;

/** In the last height at which sending helps there is no time left for patience. */
const maySend = ({ times, at }: Sent, height: bigint, close: bigint, maxSends: number): boolean =>
  times < maxSends &&
  (at === undefined || height - at >= PATIENCE_BLOCKS || (height > at && height === close - 1n));
