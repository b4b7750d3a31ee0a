import { AppError } from "../../base/errors.ts";
import type { Claim, ProofParams } from "../proto/proof.ts";
import { claimHash } from "./claim.ts";
import { seededFloat64 } from "./go-rand.ts";

/** ProofRequirementReason of the chain (relay-path 1.7). */
export const PROOF_REASON = { notRequired: 0, probabilistic: 1, threshold: 2 } as const;

export type ProofRequirement = {
  readonly required: boolean;
  readonly reason: 0 | 1 | 2;
  /** The claim's draw in [0, 1); a proof is required if it is at most the probability, or by the claim's amount alone. */
  readonly sample: number;
};

export type RequirementInput = {
  /** As claimed: the very header and root, and the status it has now (mining-path 4.3). */
  readonly claim: Claim;
  /** The live ones: the chain evaluates them anew at proof and at settlement. */
  readonly params: ProofParams;
  /** Hash of the block of `proofSeedHeight`. */
  readonly seedHash: Uint8Array;
  readonly claimedUpokt: bigint;
};

/** Whether a claim needs a proof, exactly as the chain decides (mining-path 4.3). Throws as `proofThreshold` does. */
export function proofRequirement({
  claim,
  params,
  seedHash,
  claimedUpokt,
}: RequirementInput): ProofRequirement {
  const sample = claimSample(claim, seedHash);
  if (claimedUpokt >= proofThreshold(params))
    return { required: true, reason: PROOF_REASON.threshold, sample };
  if (sample <= params.proofRequestProbability)
    return { required: true, reason: PROOF_REASON.probabilistic, sample };
  return { required: false, reason: PROOF_REASON.notRequired, sample };
}

/** The draw that decides below the threshold: a claim's hash and the seed block's, joined (mining-path 4.3). */
export const claimSample = (claim: Claim, seedHash: Uint8Array): number =>
  seededFloat64(claimHash(claim), seedHash);

/** The amount in upokt from which on every claim needs a proof; throws AppError PARAMS_INVALID if the params have none. */
export function proofThreshold({ proofRequirementThreshold: coin }: ProofParams): bigint {
  if (coin === undefined || !/^\d+$/.test(coin.amount))
    throw new AppError("PARAMS_INVALID", "proof params without a threshold", { amount: coin?.amount });
  return BigInt(coin.amount);
}
