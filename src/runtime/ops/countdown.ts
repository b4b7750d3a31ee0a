import type { Countdown, Windows } from "./view.ts";

type Dated = {
  /** Go's state word. */
  readonly state: string;
  readonly endHeight: bigint;
  readonly windows: Windows | undefined;
  /** Known once the session is settled. */
  readonly settledAt?: bigint | undefined;
};

/** The window a failed session missed; its other failures are dated by their settlement. */
const MISSED: Readonly<Record<string, "claimClose" | "proofClose">> = {
  claim_window_closed: "claimClose",
  claim_tx_error: "claimClose",
  claim_missing: "claimClose",
  proof_window_closed: "proofClose",
  proof_tx_error: "proofClose",
};

/**
 * What a session waits for at a height, in blocks (mining-path 3.2). A window that closes at H still takes a transaction in block H,
 * so "closes in 1" means: the next block is the last. Undefined when the windows are not known and the session has ended.
 */
export function countdown(session: Dated, height: bigint | undefined): Countdown | undefined {
  if (height === undefined) return undefined;
  const { state, endHeight, windows, settledAt } = session;
  if (settledAt !== undefined) return { edge: "settled", blocks: settledAt - height };
  const missed = MISSED[state];
  if (missed !== undefined) return windows && { edge: "closed", blocks: min(windows[missed] - height, 0n) };
  if (height <= endHeight) return { edge: "session ends", blocks: endHeight - height };
  return windows && afterTheEnd(state, windows, height);
}

function afterTheEnd(state: string, windows: Windows, height: bigint): Countdown {
  const { claimOpen, claimClose, proofOpen, proofClose, settle } = windows;
  if (state === "active" || state === "claiming") {
    if (height < claimOpen) return { edge: "claim opens", blocks: claimOpen - height };
    return { edge: "claim closes", blocks: claimClose - height };
  }
  if (state === "claimed" || state === "proving") {
    if (height < proofOpen) return { edge: "proof opens", blocks: proofOpen - height };
    if (height <= proofClose) return { edge: "proof closes", blocks: proofClose - height };
  }
  return { edge: "settles", blocks: settle - height };
}

/**
 * Whether what a session has earned is lost unless something is sent before the window that is open closes; and in how many blocks
 * that is. Undefined: nothing is due now, or it is not known.
 */
export function dueWithin({ state, windows }: Dated, height: bigint | undefined): bigint | undefined {
  if (height === undefined || windows === undefined) return undefined;
  const { claimOpen, claimClose, proofOpen, proofClose } = windows;
  const unclaimed = state === "active" || state === "claiming";
  if (unclaimed && height >= claimOpen && height <= claimClose) return claimClose - height;
  const unproven = state === "claimed" || state === "proving";
  return unproven && height >= proofOpen && height <= proofClose ? proofClose - height : undefined;
}

const min = (left: bigint, right: bigint): bigint => (left < right ? left : right);
