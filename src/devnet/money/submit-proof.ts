import { AppError } from "../../base/errors.ts";
import type { Claim, MsgSubmitProof, Proof } from "../../chain/proto/proof.ts";
import type { SessionHeader } from "../../chain/proto/session.ts";
import { moduleAddress } from "../../chain/protocol/address.ts";
import { difficultyMultiplier, relayApplicable } from "../../chain/protocol/difficulty.ts";
import { relayHash } from "../../chain/protocol/relay-hash.ts";
import { sessionWindows } from "../../chain/protocol/session-grid.ts";
import { difficultyAt, sharedParamsAt } from "../chain/at-height.ts";
import { balanceOf, send } from "../chain/bank.ts";
import { amountOf } from "../chain/coins.ts";
import { type BlockContext, HandlerError, typedEvent } from "../context.ts";
import { claimKey } from "../keys.ts";
import { type ChainState, liveParams } from "../state.ts";
import { headerOf, sessionOf } from "./claim-session.ts";
import { claimFields, requirementOf, valueFields, worthOf } from "./claim-value.ts";
import { quoted } from "./header-text.ts";
import { readProof } from "./proof-relay.ts";
import { relayText } from "./relay-checks.ts";

/**
 * Takes the fee and stores a proof for the EndBlock to verify, in the chain's order of checks (mining-path 4.5, chain 7.2). The message
 * has passed `messageProblem`. Throws HandlerError.
 */
export function submitProof(state: ChainState, message: MsgSubmitProof, ctx: BlockContext): void {
  const { supplierOperatorAddress: supplier, proof: closestMerkleProof } = message;
  const given = headerOf(message, "FailedPrecondition");
  const header = sessionOf(state, supplier, given, "FailedPrecondition");
  requireWindow(state, header, ctx.height);
  requireRelay(state, message, header);
  const claim = requireClaim(state, supplier, header);
  payFee(state, ctx, supplier);
  const value = refuseOn(() => worthOf(state, header, claim.rootHash));
  requireNeed(state, claim, header, value.upokt);
  const key = claimKey(header.sessionId, supplier);
  const known = state.proofs.get(key) !== undefined;
  const proof: Proof = { supplierOperatorAddress: supplier, sessionHeader: given, closestMerkleProof };
  state.proofs.set(key, proof);
  ctx.emit(
    typedEvent(known ? "pocket.proof.EventProofUpdated" : "pocket.proof.EventProofSubmitted", {
      ...claimFields(claim, header),
      ...valueFields(value),
      // 0 even after a validation (recordings/tx/tx_lookup_proof_again_after_validation)
      claim_proof_status_int: 0,
    }),
  );
}

const refused = (text: string): HandlerError => new HandlerError("FailedPrecondition", text);

function requireWindow(
  state: ChainState,
  { sessionEndBlockHeight: end }: SessionHeader,
  height: bigint,
): void {
  const { proofOpen, proofClose } = sessionWindows(sharedParamsAt(state, end), end);
  const outside = "proof attempted outside of the session's proof window";
  if (height < proofOpen)
    throw refused(
      `current block height (${height}) is less than session's earliest proof commit height (${proofOpen}): ${outside}`,
    );
  if (height > proofClose)
    throw refused(
      `current block height (${height}) is greater than session proof window close height (${proofClose}): ${outside}`,
    );
}

function requireRelay(state: ChainState, message: MsgSubmitProof, header: SessionHeader): void {
  const read = readProof(message.proof);
  if ("problem" in read) throw refused(read.problem);
  const problem = relayText(read.relay, message.supplierOperatorAddress, header);
  if (problem !== undefined) throw refused(problem);
  const { serviceId, sessionStartBlockHeight } = header;
  const { targetHash } = difficultyAt(state, serviceId, sessionStartBlockHeight);
  const hash = relayHash(read.relayBytes);
  if (!relayApplicable(hash, targetHash))
    throw refused(
      `failed to validate relay difficulty for service ${serviceId} due to: the difficulty relay being proven is (${fraction(hash)}), and is smaller than the target difficulty (${fraction(targetHash)}): invalid relay: invalid relay difficulty`,
    );
}

function fraction(target: Uint8Array): string {
  const { numerator, denominator } = refuseOn(() => difficultyMultiplier(target));
  return `${numerator}/${denominator}`;
}

function requireClaim(state: ChainState, supplier: string, header: SessionHeader): Claim {
  const claim = state.claims.get(claimKey(header.sessionId, supplier));
  const found = claim?.sessionHeader;
  if (claim === undefined || found === undefined)
    throw refused(
      `no claim found for session ID ${quoted(header.sessionId)} and supplier ${quoted(supplier)}: claim not found`,
    );
  const problem = claimMismatch(found, header);
  if (problem !== undefined) throw refused(problem);
  return claim;
}

/** An odd header may be claimed, but never proven (chain 7.1). */
function claimMismatch(claimed: SessionHeader, header: SessionHeader): string | undefined {
  const { sessionStartBlockHeight: start, sessionEndBlockHeight: end } = claimed;
  if (start !== header.sessionStartBlockHeight)
    return `claim session start height ${start} does not match proof session start height ${header.sessionStartBlockHeight}: invalid session start height`;
  if (end !== header.sessionEndBlockHeight)
    return `claim session end height ${end} does not match proof session end height ${header.sessionEndBlockHeight}: invalid session end height`;
  return undefined;
}

/** More than the fee must be there, even if the fee is 0; it is charged for every message (mining-path 4.5). */
function payFee(state: ChainState, ctx: BlockContext, supplier: string): void {
  const fee = amountOf(liveParams(state, "proof").proofSubmissionFee);
  const balance = balanceOf(state, supplier);
  const lacking = "not enough funds to submit proof";
  if (balance === 0n) throw refused(`account has no spendable coins: ${lacking}`);
  if (balance <= fee)
    throw refused(`account has ${balance}, but the proof submission fee is ${fee}upokt: ${lacking}`);
  send(state, ctx.emit, supplier, moduleAddress("proof"), fee);
}

function requireNeed(state: ChainState, claim: Claim, header: SessionHeader, claimedUpokt: bigint): void {
  const requirement = refuseOn(() => requirementOf(state, claim, header, claimedUpokt));
  if (requirement === undefined) throw refused("the proof requirement's seed block is not known");
  if (!requirement.required) throw refused("proof not required");
}

function refuseOn<T>(action: () => T): T {
  try {
    return action();
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    throw refused(thrown.message);
  }
}
