import { AppError } from "../../base/errors.ts";
import { type Claim, type MsgCreateClaim, ProofValidationStatus } from "../../chain/proto/proof.ts";
import type { SessionHeader } from "../../chain/proto/session.ts";
import { rootTotals } from "../../chain/protocol/claim.ts";
import type { ClaimValue } from "../../chain/protocol/pricing.ts";
import { sessionWindows } from "../../chain/protocol/session-grid.ts";
import { computeUnitsAt, sharedParamsAt } from "../chain/at-height.ts";
import { type BlockContext, HandlerError, typedEvent } from "../context.ts";
import { claimKey, storeClaim } from "../keys.ts";
import type { ChainState } from "../state.ts";
import { headerOf, sessionOf } from "./claim-session.ts";
import { claimFields, valueFields, worthOf } from "./claim-value.ts";

/**
 * Stores a claim or replaces the one of this supplier and session, in the chain's order of checks (mining-path 3.4, chain 7.1). The
 * message has passed `messageProblem`. Throws HandlerError.
 */
export function createClaim(state: ChainState, message: MsgCreateClaim, ctx: BlockContext): void {
  const { supplierOperatorAddress, rootHash } = message;
  const header = headerOf(message, "InvalidArgument");
  const { sessionId } = sessionOf(state, supplierOperatorAddress, header, "InvalidArgument");
  requireWindow(state, header, ctx.height);
  requireComputeUnits(state, header, rootHash);
  const claim: Claim = {
    supplierOperatorAddress,
    sessionHeader: header,
    rootHash,
    proofValidationStatus: ProofValidationStatus.pending,
  };
  const known = state.claims.get(claimKey(sessionId, supplierOperatorAddress)) !== undefined;
  const value = claimValueOrRefuse(state, header, rootHash);
  storeClaim(state, claim);
  ctx.emit(
    typedEvent(known ? "pocket.proof.EventClaimUpdated" : "pocket.proof.EventClaimCreated", {
      ...claimFields(claim, header),
      ...valueFields(value),
      // the chain puts the claimed ones here (mining-path 3.4)
      num_estimated_compute_units: value.computeUnits,
    }),
  );
}

/** By the end that the message gives, not the session's own. */
function requireWindow(
  state: ChainState,
  { sessionEndBlockHeight: end }: SessionHeader,
  height: bigint,
): void {
  const { claimOpen, claimClose } = sessionWindows(sharedParamsAt(state, end), end);
  const outside = "claim attempted outside of the session's claim window";
  if (height < claimOpen)
    throw new HandlerError(
      "FailedPrecondition",
      `current block height (${height}) is less than the session's earliest claim commit height (${claimOpen}): ${outside}`,
    );
  if (height > claimClose)
    throw new HandlerError(
      "FailedPrecondition",
      `current block height (${height}) is greater than session claim window close height (${claimClose}): ${outside}`,
    );
}

function requireComputeUnits(state: ChainState, header: SessionHeader, rootHash: Uint8Array): void {
  const { serviceId, sessionStartBlockHeight } = header;
  const perRelay = computeUnitsAt(state, serviceId, sessionStartBlockHeight);
  if (perRelay === undefined) throw new HandlerError("NotFound", `service ID not found: "${serviceId}"`);
  const { sum, count } = rootTotals(rootHash);
  if (sum !== BigInt.asUintN(64, count * perRelay))
    throw new HandlerError(
      "InvalidArgument",
      `claim compute units: ${sum} is not equal to number of relays ${count} * compute units per relay ${perRelay} for service ${serviceId}: mismatch: claim compute units != number of relays * service compute units per relay`,
    );
}

function claimValueOrRefuse(state: ChainState, header: SessionHeader, rootHash: Uint8Array): ClaimValue {
  try {
    return worthOf(state, header, rootHash);
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    throw new HandlerError("Internal", thrown.message);
  }
}
