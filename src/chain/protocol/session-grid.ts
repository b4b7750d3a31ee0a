import { AppError } from "../../base/errors.ts";
import type { SharedParams } from "../proto/shared.ts";

/** The fields that place a height on the session grid. */
export type GridParams = Pick<
  SharedParams,
  "numBlocksPerSession" | "sessionGridAnchorHeight" | "sessionNumberAtAnchor"
>;

/** The fields that place a session's windows. */
export type WindowParams = GridParams &
  Pick<
    SharedParams,
    | "gracePeriodEndOffsetBlocks"
    | "claimWindowOpenOffsetBlocks"
    | "claimWindowCloseOffsetBlocks"
    | "proofWindowOpenOffsetBlocks"
    | "proofWindowCloseOffsetBlocks"
  >;

/** First and last block of a session, both inside it. All three are 0 for heights below 1. */
export type SessionSpan = { readonly number: bigint; readonly start: bigint; readonly end: bigint };

/** Block heights; both ends of a window are inside it. */
export type SessionWindows = {
  /** Last height at which a relay of the session is still answered. */
  readonly graceEnd: bigint;
  readonly claimOpen: bigint;
  readonly claimClose: bigint;
  readonly proofOpen: bigint;
  readonly proofClose: bigint;
  /** The block whose EndBlock settles the session's claims, after its transactions. */
  readonly settle: bigint;
};

const NO_SESSION: SessionSpan = { number: 0n, start: 0n, end: 0n };

/** Go casts the uint64 params to int64 before it calculates. */
const signed = (value: bigint): bigint => BigInt.asIntN(64, value);

/**
 * The session that a height falls into, by the params in force at that height (relay-path 5.1).
 * Throws AppError PARAMS_INVALID without a session length: such params are "unknown", never to be used (mining-path 10.2).
 */
export function sessionAt(params: GridParams, height: bigint): SessionSpan {
  const length = sessionLength(params);
  if (height <= 0n) return NO_SESSION;
  const { anchor, first } = gridOrigin(params, height);
  const passed = (height - anchor) / length;
  const start = anchor + passed * length;
  return { number: first + passed, start, end: start + length - 1n };
}

/**
 * Heights that follow a session's end, by the params in force at that end; any height of the session may be given
 * (relay-path 5.1, mining-path 3.2). No supplier's window opens later than another's: the chain has spreading disabled.
 */
export function sessionWindows(params: WindowParams, sessionEnd: bigint): SessionWindows {
  const { end } = sessionAt(params, sessionEnd);
  const claimOpen = end + signed(params.claimWindowOpenOffsetBlocks) + 1n;
  const claimClose = claimOpen + signed(params.claimWindowCloseOffsetBlocks);
  const proofOpen = claimClose + signed(params.proofWindowOpenOffsetBlocks);
  const proofClose = proofOpen + signed(params.proofWindowCloseOffsetBlocks);
  return {
    graceEnd: end + signed(params.gracePeriodEndOffsetBlocks),
    claimOpen,
    claimClose,
    proofOpen,
    proofClose,
    settle: end + blocksToProofClose(params) + 1n,
  };
}

/** The block whose hash decides on a proof's requirement and its path (mining-path 4.2). */
export const proofSeedHeight = (params: WindowParams, sessionEnd: bigint): bigint =>
  sessionWindows(params, sessionEnd).proofOpen - 1n;

/** The sum of the four window offsets, in blocks: W of relay-path 5.1. */
export const blocksToProofClose = (params: WindowParams): bigint =>
  signed(params.claimWindowOpenOffsetBlocks) +
  signed(params.claimWindowCloseOffsetBlocks) +
  signed(params.proofWindowOpenOffsetBlocks) +
  signed(params.proofWindowCloseOffsetBlocks);

/** How many ended sessions may wait for settlement at a time, rounded up (relay-path 5.1). */
export function pendingSessions(params: WindowParams): bigint {
  const length = sessionLength(params);
  return (blocksToProofClose(params) + length - 1n) / length;
}

function sessionLength({ numBlocksPerSession }: GridParams): bigint {
  const length = signed(numBlocksPerSession);
  if (length <= 0n)
    throw new AppError("PARAMS_INVALID", "shared params without a session length", { numBlocksPerSession });
  return length;
}

/** An anchor that is unset or lies ahead of the height leaves the grid that began at block 1. */
function gridOrigin(params: GridParams, height: bigint): { anchor: bigint; first: bigint } {
  const anchor = signed(params.sessionGridAnchorHeight);
  if (anchor <= 0n || anchor > height) return { anchor: 1n, first: 1n };
  const first = signed(params.sessionNumberAtAnchor);
  return { anchor, first: first <= 0n ? 1n : first };
}
