import { sessionWindows, type WindowParams } from "./session-grid.ts";

/**
 * When a claim or a proof can be sent. A transaction sent at committed height c is simulated in the state of c and lands in block
 * c + 1 at the earliest (mining-path 5.4).
 */
export type SubmissionWindow = {
  /** First and last block that may hold the transaction. */
  readonly open: bigint;
  readonly close: bigint;
  /** First and last committed height to send at. Nothing rewards waiting: send at the first (mining-path 10.2). */
  readonly firstSend: bigint;
  readonly lastSend: bigint;
  /** False for a window of one block: when its transaction must be sent, a simulation would still find the window shut. */
  readonly simulates: boolean;
};

/** The window of a phase for sessions that end at `sessionEnd`, by the shared params in force there (mining-path 3.2). */
export function submissionWindow(
  phase: "claim" | "proof",
  params: WindowParams,
  sessionEnd: bigint,
): SubmissionWindow {
  const { claimOpen, claimClose, proofOpen, proofClose } = sessionWindows(params, sessionEnd);
  const [open, close] = phase === "claim" ? [claimOpen, claimClose] : [proofOpen, proofClose];
  const lastSend = close - 1n;
  const simulates = open < close;
  return { open, close, firstSend: simulates ? open : lastSend, lastSend, simulates };
}

/** Where a committed height stands: too early to send, sendable, or too late to land in the window. */
export function sendPhase(window: SubmissionWindow, committed: bigint): "early" | "open" | "closed" {
  if (committed < window.firstSend) return "early";
  return committed <= window.lastSend ? "open" : "closed";
}
