import type { Claim } from "../chain/proto/proof.ts";
import type { ServiceConfigUpdate } from "../chain/proto/shared.ts";
import type { ChainState } from "./state.ts";
import { sortable } from "./table.ts";

/** The chain's own key of a claim or proof; store order is that of this text (chain 3.2). */
export const claimKey = (sessionId: string, supplier: string): string => `${sessionId}/${supplier}`;

/** Entries of a service sort by activation height, then address text (chain 6). */
export const serviceConfigKey = (entry: ServiceConfigUpdate): string =>
  `${entry.service?.serviceId ?? ""}/${sortable(entry.activationHeight)}/${entry.operatorAddress}`;

/** For histories kept per service. */
export const atHeightKey = (serviceId: string, height: bigint): string => `${serviceId}/${sortable(height)}`;

export const nonceKey = (timeoutNs: bigint, signer: string): string => `${sortable(timeoutNs)}/${signer}`;

const ownKey = (claim: Claim): string =>
  claimKey(claim.sessionHeader?.sessionId ?? "", claim.supplierOperatorAddress);

const endKey = (claim: Claim): string =>
  `${sortable(claim.sessionHeader?.sessionEndBlockHeight ?? 0n)}/${ownKey(claim)}`;

/** Puts a claim with its entry in the index by session end. An older entry with another end stays, as on the chain (chain 7.1). */
export function storeClaim(state: ChainState, claim: Claim): void {
  state.claims.set(ownKey(claim), claim);
  state.claimEnds.set(endKey(claim), true);
}

/** Removes a claim and the index entry of its own end. */
export function removeClaim(state: ChainState, claim: Claim): void {
  state.claims.delete(ownKey(claim));
  state.claimEnds.delete(endKey(claim));
}

/** Claims that the index has under a session end, in key order: session id text, then supplier text. */
export function claimsEndingAt(state: ChainState, sessionEnd: bigint): Claim[] {
  const prefix = `${sortable(sessionEnd)}/`;
  return state.claimEnds.keys(prefix).flatMap((key) => {
    const claim = state.claims.get(key.slice(prefix.length));
    return claim === undefined ? [] : [claim];
  });
}
