import type { Claim } from "../../chain/proto/proof.ts";
import type { SessionHeader } from "../../chain/proto/session.ts";
import { blocksToProofClose } from "../../chain/protocol/session-grid.ts";
import { sharedParamsAt } from "../chain/at-height.ts";
import { claimsEndingAt } from "../keys.ts";
import { type ChainState, liveParams } from "../state.ts";
import { byText } from "./shares.ts";

export type RipeClaim = { readonly claim: Claim; readonly header: SessionHeader };

/**
 * Claims to settle in the block of that height, by session id, then supplier. Sessions are found by the windows of every set of
 * params there is, but each waits for the windows of its own end (chain 8.1).
 */
export function ripeClaims(state: ChainState, height: bigint): RipeClaim[] {
  const found = new Map<string, RipeClaim>();
  for (const window of windows(state))
    for (const claim of claimsEndingAt(state, height - window - 1n)) {
      const header = claim.sessionHeader;
      if (header === undefined || !isRipe(state, header, height)) continue;
      found.set(`${header.sessionId}/${claim.supplierOperatorAddress}`, { claim, header });
    }
  return [...found].toSorted(([left], [right]) => byText(left, right)).map(([, ripe]) => ripe);
}

function windows(state: ChainState): Set<bigint> {
  const past = state.sharedHistory.values().flatMap(({ params }) => (params === undefined ? [] : [params]));
  return new Set([liveParams(state, "shared"), ...past].map(blocksToProofClose));
}

const isRipe = (state: ChainState, { sessionEndBlockHeight: end }: SessionHeader, height: bigint): boolean =>
  height > end + blocksToProofClose(sharedParamsAt(state, end));
