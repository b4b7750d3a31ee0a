import type { Claim } from "../../chain/proto/proof.ts";
import type { SessionHeader } from "../../chain/proto/session.ts";
import { type ClaimValue, claimValue } from "../../chain/protocol/pricing.ts";
import { type ProofRequirement, proofRequirement } from "../../chain/protocol/proof-requirement.ts";
import { proofSeedHeight } from "../../chain/protocol/session-grid.ts";
import { difficultyAt, sharedParamsAt } from "../chain/at-height.ts";
import type { EventValue } from "../context.ts";
import { type ChainState, liveParams } from "../state.ts";
import { sortable } from "../table.ts";

/** What a claim is worth, by the target and prices of its own session start; throws AppError as `claimValue` does. */
export const worthOf = (state: ChainState, header: SessionHeader, rootHash: Uint8Array): ClaimValue =>
  claimValue(
    rootHash,
    difficultyAt(state, header.serviceId, header.sessionStartBlockHeight).targetHash,
    sharedParamsAt(state, header.sessionStartBlockHeight),
  );

/** The hash that decides on proofs of sessions with that end; undefined before the chain has it (mining-path 4.2). */
export const seedHash = (state: ChainState, sessionEnd: bigint): Uint8Array | undefined =>
  state.blockHashes.get(sortable(proofSeedHeight(sharedParamsAt(state, sessionEnd), sessionEnd)));

/** Whether a claim needs a proof, by proof params and status as of now; undefined without the seed block's hash. */
export function requirementOf(
  state: ChainState,
  claim: Claim,
  header: SessionHeader,
  claimedUpokt: bigint,
): ProofRequirement | undefined {
  const seed = seedHash(state, header.sessionEndBlockHeight);
  if (seed === undefined) return undefined;
  return proofRequirement({ claim, params: liveParams(state, "proof"), seedHash: seed, claimedUpokt });
}

/** Fields of an event that tell which claim it is about. */
export const claimFields = (
  { supplierOperatorAddress, proofValidationStatus }: Omit<Claim, "rootHash">,
  header: SessionHeader,
): Record<string, EventValue> => ({
  application_address: header.applicationAddress,
  claim_proof_status_int: proofValidationStatus,
  service_id: header.serviceId,
  session_end_block_height: header.sessionEndBlockHeight,
  supplier_operator_address: supplierOperatorAddress,
});

/** Fields of an event with a claim's numbers. */
export const valueFields = (value: ClaimValue): Record<string, EventValue> => ({
  claimed_upokt: `${value.upokt}upokt`,
  num_claimed_compute_units: value.computeUnits,
  num_estimated_compute_units: value.estimatedComputeUnits,
  num_estimated_relays: value.estimatedRelays,
  num_relays: value.relays,
});
