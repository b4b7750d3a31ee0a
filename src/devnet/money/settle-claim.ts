import { AppError } from "../../base/errors.ts";
import { type BlockContext, type EventValue, typedEvent } from "../context.ts";
import { removeClaim } from "../keys.ts";
import { type ChainState, liveParams } from "../state.ts";
import type { Verdict } from "./assess.ts";
import type { Allowance } from "./budget.ts";
import { claimFields, valueFields } from "./claim-value.ts";
import { decimalText } from "./decimal.ts";
import type { Operation } from "./operations.ts";
import { reasonName } from "./reasons.ts";
import type { RipeClaim } from "./ripe-claims.ts";
import { byText } from "./shares.ts";
import { type Payout, payClaim } from "./token-logic.ts";

/** How a claim left the chain. */
export type Settled =
  | { readonly outcome: "settled"; readonly payout: Payout }
  | { readonly outcome: "expired" | "discarded" };

type Paying = Extract<Verdict, { outcome: "settled" | "expired" }>;

const NOTHING_PAID: Payout = { mintedUpokt: 0n, operations: [], relayPot: 0n, globalPot: 0n };

/** Ends a ripe claim with its events, and removes it; the money itself moves with the whole block's (chain 8.2 to 8.4). */
export function settleClaim(
  state: ChainState,
  ctx: BlockContext,
  verdict: Verdict,
  allowance: Allowance | undefined,
): Settled {
  removeClaim(state, verdict.ripe.claim);
  if (verdict.outcome === "discarded") return discard(ctx, verdict.ripe, verdict.cause);
  if (verdict.outcome === "expired") return expire(ctx, verdict);
  const settledUpokt = allowance?.settledUpokt ?? verdict.value.upokt;
  if (allowance?.trimmed) announceTrim(ctx, verdict.ripe, allowance);
  try {
    const payout = settledUpokt === 0n ? NOTHING_PAID : pay(state, ctx, verdict, settledUpokt);
    announceSettled({ state, ctx, verdict, settledUpokt, payout });
    return { outcome: "settled", payout };
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    return discard(ctx, verdict.ripe, thrown.message);
  }
}

const pay = (state: ChainState, ctx: BlockContext, verdict: Paying, settledUpokt: bigint): Payout =>
  payClaim({
    state,
    ctx,
    ...verdict.ripe,
    service: verdict.service,
    supplier: verdict.supplier,
    params: liveParams(state, "tokenomics"),
    settledUpokt,
  });

function expire(ctx: BlockContext, { ripe: { claim, header }, value }: Paying): Settled {
  ctx.emit(
    typedEvent("pocket.tokenomics.EventClaimExpired", {
      ...claimFields(claim, header),
      ...valueFields(value),
      expiration_reason: claim.proofValidationStatus === 0 ? "PROOF_MISSING" : "PROOF_INVALID",
    }),
  );
  return { outcome: "expired" };
}

function discard(ctx: BlockContext, { claim, header }: RipeClaim, cause: string): Settled {
  const error = `[UNEXPECTED ERROR] Critical error during claim settlement during session "${header.sessionId}" for operator ${claim.supplierOperatorAddress} and service ${header.serviceId}. Claim will be discarded to prevent chain halt: ${cause}`;
  ctx.emit(typedEvent("pocket.tokenomics.EventClaimDiscarded", { ...claimFields(claim, header), error }));
  return { outcome: "discarded" };
}

function announceTrim(ctx: BlockContext, { claim, header }: RipeClaim, allowance: Allowance): void {
  ctx.emit(
    typedEvent("pocket.tokenomics.EventApplicationOverserviced", {
      application_addr: header.applicationAddress,
      effective_burn: `${allowance.cap}upokt`,
      expected_burn: `${allowance.expectedBurn}upokt`,
      service_id: header.serviceId,
      session_end_block_height: header.sessionEndBlockHeight,
      spend_limit_exceeded: allowance.spendLimitExceeded,
      supplier_operator_addr: claim.supplierOperatorAddress,
    }),
  );
}

type Announcement = {
  readonly state: ChainState;
  readonly ctx: BlockContext;
  readonly verdict: Paying;
  readonly settledUpokt: bigint;
  readonly payout: Payout;
};

function announceSettled({ state, ctx, verdict, settledUpokt, payout }: Announcement): void {
  const { ripe, value, supplier, reason } = verdict;
  const { operations, mintedUpokt } = payout;
  ctx.emit(
    typedEvent("pocket.tokenomics.EventClaimSettled", {
      ...claimFields(ripe.claim, ripe.header),
      ...valueFields(value),
      deflation_loss_upokt: `${settledUpokt - mintedUpokt}upokt`,
      mint_ratio: decimalText(liveParams(state, "tokenomics").mintRatio),
      minted_upokt: `${mintedUpokt}upokt`,
      overservicing_loss_upokt: `${value.upokt - settledUpokt}upokt`,
      proof_requirement_int: reason,
      reward_distribution: distribution(operations),
      reward_distribution_detailed: operations.flatMap((operation) =>
        operation.type === "mod_to_acct"
          ? [
              {
                recipient_address: operation.recipient,
                op_reason: reasonName(operation.reason),
                amount: `${operation.amount}upokt`,
              },
            ]
          : [],
      ),
      session_id: ripe.header.sessionId,
      settled_upokt: `${settledUpokt}upokt`,
      supplier_owner_address: supplier.ownerAddress,
    }),
  );
}

/** Sums per account of all that the claim pays out, DAO's reimbursement included (chain 8.4). */
function distribution(operations: readonly Operation[]): EventValue {
  const sums = new Map<string, bigint>();
  for (const operation of operations)
    if (operation.type === "mod_to_acct")
      sums.set(operation.recipient, (sums.get(operation.recipient) ?? 0n) + operation.amount);
  const sorted = [...sums].toSorted(([left], [right]) => byText(left, right));
  return Object.fromEntries(sorted.map(([address, amount]) => [address, `${amount}upokt`]));
}
