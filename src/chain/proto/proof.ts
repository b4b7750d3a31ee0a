import { Coin } from "./cosmos.ts";
import { SessionHeader } from "./session.ts";
import { bytes, type Codec, double, embedded, enumeration, message, required, string } from "./wire.ts";

/** Values of a claim's `proofValidationStatus` (mining-path 3.1). */
export const ProofValidationStatus = { pending: 0, validated: 1, invalid: 2 } as const;

/** A supplier's claim to the relays of one session; `rootHash` is 48 bytes. */
export type Claim = {
  readonly supplierOperatorAddress: string;
  readonly sessionHeader: SessionHeader | undefined;
  readonly rootHash: Uint8Array;
  readonly proofValidationStatus: number;
};
export const Claim: Codec<Claim> = message<Claim>("pocket.proof.Claim", {
  supplierOperatorAddress: string(1),
  sessionHeader: embedded(2, SessionHeader),
  rootHash: bytes(3),
  proofValidationStatus: enumeration(4),
});

export type Proof = {
  readonly supplierOperatorAddress: string;
  readonly sessionHeader: SessionHeader | undefined;
  readonly closestMerkleProof: Uint8Array;
};
export const Proof: Codec<Proof> = message<Proof>("pocket.proof.Proof", {
  supplierOperatorAddress: string(1),
  sessionHeader: embedded(2, SessionHeader),
  closestMerkleProof: bytes(3),
});

/** When a proof is due, and what it costs to send one or to lack one (mining-path 4.1). */
export type ProofParams = {
  readonly proofRequestProbability: number;
  readonly proofRequirementThreshold: Coin | undefined;
  readonly proofMissingPenalty: Coin | undefined;
  readonly proofSubmissionFee: Coin | undefined;
};
export const ProofParams: Codec<ProofParams> = message<ProofParams>("pocket.proof.Params", {
  proofRequestProbability: double(2),
  proofRequirementThreshold: embedded(3, Coin),
  proofMissingPenalty: embedded(4, Coin),
  proofSubmissionFee: embedded(5, Coin),
});

export type MsgCreateClaim = {
  readonly supplierOperatorAddress: string;
  readonly sessionHeader: SessionHeader | undefined;
  readonly rootHash: Uint8Array;
};
export const MsgCreateClaim: Codec<MsgCreateClaim> = message<MsgCreateClaim>("pocket.proof.MsgCreateClaim", {
  supplierOperatorAddress: string(1),
  sessionHeader: embedded(2, SessionHeader),
  rootHash: bytes(3),
});

export type MsgCreateClaimResponse = Record<never, never>;
export const MsgCreateClaimResponse: Codec<MsgCreateClaimResponse> = message<MsgCreateClaimResponse>(
  "pocket.proof.MsgCreateClaimResponse",
  {},
);

/** The proof is a closest proof in Go's gob encoding (mining-path 1.7). */
export type MsgSubmitProof = {
  readonly supplierOperatorAddress: string;
  readonly sessionHeader: SessionHeader | undefined;
  readonly proof: Uint8Array;
};
export const MsgSubmitProof: Codec<MsgSubmitProof> = message<MsgSubmitProof>("pocket.proof.MsgSubmitProof", {
  supplierOperatorAddress: string(1),
  sessionHeader: embedded(2, SessionHeader),
  proof: bytes(3),
});

export type MsgSubmitProofResponse = Record<never, never>;
export const MsgSubmitProofResponse: Codec<MsgSubmitProofResponse> = message<MsgSubmitProofResponse>(
  "pocket.proof.MsgSubmitProofResponse",
  {},
);

/** A whole new set of params, sent by the chain's authority (chain 10). */
export type MsgUpdateProofParams = { readonly authority: string; readonly params: ProofParams };
export const MsgUpdateProofParams: Codec<MsgUpdateProofParams> = message<MsgUpdateProofParams>(
  "pocket.proof.MsgUpdateParams",
  { authority: string(1), params: required(2, ProofParams) },
);
