import { type SessionWindows, sessionWindows } from "../../chain/protocol/session-grid.ts";
import type { ChainData } from "../cache/chain-data.ts";
import type { Phase } from "./records.ts";

/**
 * The windows of a session, by the params in force at its end. Undefined while the session still runs: its end lies ahead, the chain
 * would answer today's params for it, and nothing can be due before it has ended (mining-path 3.3, 6.2).
 */
export async function windowsOf(
  chain: Pick<ChainData, "sharedParamsAt">,
  endHeight: bigint,
  height: bigint,
): Promise<SessionWindows | undefined> {
  if (endHeight >= height) return undefined;
  return sessionWindows(await chain.sharedParamsAt(endHeight), endHeight);
}

/** The last block of a phase's window. */
export const CLOSE_OF: Readonly<Record<Phase, (windows: SessionWindows) => bigint>> = {
  claim: ({ claimClose }) => claimClose,
  proof: ({ proofClose }) => proofClose,
};

/** The first of some heights: a transaction for several sessions must fit into all their windows. */
export const earliest = (heights: readonly bigint[]): bigint =>
  heights.reduce((low, height) => {
    if (height < low) return height;
    return low;
  });
