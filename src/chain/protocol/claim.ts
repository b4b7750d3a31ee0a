import { createHash } from "node:crypto";
import { bytesToBig, toHex } from "../../base/bytes.ts";
import { AppError } from "../../base/errors.ts";
import { Claim, type MsgCreateClaim, type MsgSubmitProof } from "../proto/proof.ts";
import { isAddress } from "./address.ts";
import { sessionHeaderProblem } from "./validate.ts";

/** Why a message fails its stateless check: the code in codespace `proof` and the chain's text (mining-path 3.4, chain 7.1). */
export type MessageProblem = { readonly code: number; readonly text: string };

const ROOT_BYTES = 48;
const HASH_BYTES = 32;
const INVALID_ADDRESS = 1101;
const INVALID_ROOT = 1104;
const INVALID_PROOF = 1108;
const INVALID_HEADER = 1115;

/** Sum of weights and number of leaves at the end of a 48-byte root; throws AppError CLAIM_INVALID on another length. */
export function rootTotals(root: Uint8Array): { readonly sum: bigint; readonly count: bigint } {
  if (root.length !== ROOT_BYTES)
    throw new AppError("CLAIM_INVALID", "a claim's root has 48 bytes", { length: root.length });
  return {
    sum: bytesToBig(root.subarray(HASH_BYTES, HASH_BYTES + 8)),
    count: bytesToBig(root.subarray(HASH_BYTES + 8)),
  };
}

/** The hash that the proof requirement is sampled with; the status is part of it (mining-path 4.3). */
export const claimHash = (claim: Claim): Uint8Array =>
  new Uint8Array(createHash("sha256").update(Claim.encode(claim)).digest());

/** The stateless checks of a claim in the chain's order; undefined if it passes (mining-path 3.4, chain 7.1). */
export function claimProblem(message: MsgCreateClaim): MessageProblem | undefined {
  return partiesProblem(message) ?? rootProblem(message.rootHash);
}

/** The stateless checks of a proof in the chain's order; undefined if it passes (mining-path 4.5, chain 7.2). */
export function proofProblem(message: MsgSubmitProof): MessageProblem | undefined {
  const problem = partiesProblem(message);
  if (problem !== undefined) return problem;
  if (message.proof.length > 0) return undefined;
  return { code: INVALID_PROOF, text: "proof cannot be empty: invalid proof" };
}

function partiesProblem({
  supplierOperatorAddress,
  sessionHeader,
}: Pick<MsgCreateClaim, "supplierOperatorAddress" | "sessionHeader">): MessageProblem | undefined {
  if (!isAddress(supplierOperatorAddress))
    return { code: INVALID_ADDRESS, text: `${supplierOperatorAddress}: invalid address` };
  const problem = sessionHeaderProblem(sessionHeader);
  if (problem === undefined) return undefined;
  return { code: INVALID_HEADER, text: `${problem}: invalid session header` };
}

function rootProblem(root: Uint8Array): MessageProblem | undefined {
  const text = rootFault(root);
  return text === undefined ? undefined : { code: INVALID_ROOT, text: `${text}: invalid root hash` };
}

function rootFault(root: Uint8Array): string | undefined {
  if (root.length !== ROOT_BYTES) return `expecting root hash to be 48 bytes, got ${root.length} bytes`;
  const { sum, count } = rootTotals(root);
  if (count === 0n) return `has zero count in Merkle root (hex) ${toHex(root)}`;
  if (sum === 0n) return `has zero sum in Merkle root (hex) ${toHex(root)}`;
  return undefined;
}
