import { AppError } from "../../base/errors.ts";
import type { Application } from "../../chain/proto/application.ts";
import type { Service, Supplier } from "../../chain/proto/shared.ts";
import type { TokenomicsParams } from "../../chain/proto/tokenomics.ts";
import { amountOf, upokt } from "../chain/coins.ts";
import { servicesAt } from "../chain/supplier-record.ts";
import { type BlockContext, typedEvent } from "../context.ts";
import type { ChainState } from "../state.ts";
import { markBelowMinimum } from "./application-unbonding.ts";
import { ceilOf, decimalText, exactDecimal, floorOf } from "./decimal.ts";
import type { Operation } from "./operations.ts";
import { REASON, type Reason, reasonName } from "./reasons.ts";
import type { RipeClaim } from "./ripe-claims.ts";
import { revShareFault, type Split, shareReward, splitMint } from "./shares.ts";

/** A claim on its way to being paid. */
export type Payable = RipeClaim & {
  readonly state: ChainState;
  readonly ctx: BlockContext;
  readonly service: Service;
  readonly supplier: Supplier;
  readonly params: TokenomicsParams;
  /** Above 0. */
  readonly settledUpokt: bigint;
};

export type Payout = {
  readonly mintedUpokt: bigint;
  readonly operations: readonly Operation[];
  /** For the block's proposers: from the claim itself and from inflation. */
  readonly relayPot: bigint;
  readonly globalPot: bigint;
};

const RELAY_LOGIC = "TLMRelayBurnEqualsMint";
const GLOBAL_LOGIC = "TLMGlobalMint";
const REIMBURSEMENT_LOGIC = "TLMGlobalMintReimbursementRequest";

/**
 * Everything that paying a claim does but the movements themselves, which come back as operations (chain 8.4). Throws AppError
 * CLAIM_DISCARDED; the application's stake is then already reduced by the settled amount, as on the chain.
 */
export function payClaim(work: Payable): Payout {
  const operations: Operation[] = [];
  const { mintedUpokt, pot: relayPot } = payRelays(work, operations);
  const globalPot = payInflation(work, operations);
  markBelowMinimum(work.state, work.ctx, work.header.applicationAddress);
  return { mintedUpokt, operations, relayPot, globalPot };
}

function payRelays(work: Payable, operations: Operation[]): { mintedUpokt: bigint; pot: bigint } {
  const { params, settledUpokt } = work;
  reduceStake(work, settledUpokt, RELAY_LOGIC);
  const mintedUpokt = floorOf(settledUpokt, exactDecimal(params.mintRatio));
  if (mintedUpokt === 0n)
    throw logicError(
      RELAY_LOGIC,
      `mint amount truncated to zero for settlement ${settledUpokt} with mint_ratio ${decimalText(params.mintRatio)}`,
    );
  operations.push(
    { type: "burn", module: "application", reason: REASON.applicationBurn, amount: settledUpokt },
    { type: "mint", module: "tokenomics", reason: REASON.claimMint, amount: mintedUpokt },
  );
  const split = splitMint(mintedUpokt, params.mintEqualsBurnClaimDistribution);
  const pay = payer(work, operations, RELAY_LOGIC);
  pay.supplier(split.supplier, REASON.relaySupplier, REASON.relaySupplier);
  pay.account(work.service.ownerAddress, split.sourceOwner, REASON.relaySourceOwner);
  pay.account(params.daoRewardAddress, split.dao, REASON.relayDao);
  pay.account(work.header.applicationAddress, split.application, REASON.relayApplication);
  return { mintedUpokt, pot: split.proposer };
}

/** What is minted on top, and what the application gives back for it. Returns the proposers' part. */
function payInflation(work: Payable, operations: Operation[]): bigint {
  const { params, settledUpokt, ctx, header, claim, supplier } = work;
  const inflation = exactDecimal(params.globalInflationPerClaim);
  if (inflation.digits === 0n) return 0n;
  const minted = ceilOf(settledUpokt, inflation);
  const split = splitMint(minted, params.mintAllocationPercentages);
  operations.push({ type: "mint", module: "tokenomics", reason: REASON.inflationMint, amount: minted });
  payGlobalShares(work, operations, split);
  reduceStake(work, minted, REIMBURSEMENT_LOGIC);
  operations.push({
    type: "mod_to_mod",
    module: "application",
    recipient: "tokenomics",
    reason: REASON.reimbursementEscrow,
    amount: minted,
  });
  const pay = payer(work, operations, REIMBURSEMENT_LOGIC);
  pay.account(params.daoRewardAddress, minted, REASON.reimbursementDao);
  ctx.emit(
    typedEvent("pocket.tokenomics.EventApplicationReimbursementRequest", {
      amount: `${minted}upokt`,
      application_addr: header.applicationAddress,
      service_id: header.serviceId,
      session_id: header.sessionId,
      supplier_operator_addr: claim.supplierOperatorAddress,
      supplier_owner_addr: supplier.ownerAddress,
    }),
  );
  return split.proposer;
}

function payGlobalShares(work: Payable, operations: Operation[], split: Split): void {
  const pay = payer(work, operations, GLOBAL_LOGIC);
  pay.supplier(split.supplier, REASON.reimbursementEscrow, REASON.globalSupplier);
  pay.account(work.header.applicationAddress, split.application, REASON.globalApplication);
  pay.account(work.service.ownerAddress, split.sourceOwner, REASON.globalSourceOwner);
  pay.account(work.params.daoRewardAddress, split.dao, REASON.globalDao);
}

/** Books payments from the tokenomics module; those of 0 are left out. */
function payer(work: Payable, operations: Operation[], logic: string) {
  const account = (recipient: string, amount: bigint, reason: Reason, module = "tokenomics"): void => {
    if (amount > 0n) operations.push({ type: "mod_to_acct", module, recipient, reason, amount });
  };
  const supplier = (amount: bigint, moveReason: Reason, reason: Reason): void => {
    if (amount === 0n) return;
    const shares = supplierShares(work, amount, reason, logic);
    operations.push({
      type: "mod_to_mod",
      module: "tokenomics",
      recipient: "supplier",
      reason: moveReason,
      amount,
    });
    for (const share of shares) account(share.address, share.amount, reason, "supplier");
  };
  return { account, supplier };
}

function supplierShares(work: Payable, amount: bigint, reason: Reason, logic: string) {
  const { state, ctx, header, supplier } = work;
  const config = servicesAt(state, supplier.operatorAddress, ctx.height).findLast(
    ({ serviceId }) => serviceId === header.serviceId,
  );
  if (config === undefined)
    throw logicError(
      logic,
      `supplier ${supplier.operatorAddress} has no active configuration of service ${header.serviceId}`,
    );
  const fault = revShareFault(config.revShare);
  if (fault === undefined) return shareReward(amount, config.revShare);
  ctx.emit(
    typedEvent("pocket.tokenomics.EventSupplierRevShareFallbackDistribution", {
      amount: `${amount}upokt`,
      observed_sum_percentage: fault.sum,
      op_reason: reasonName(reason),
      reason: fault.text,
      service_id: header.serviceId,
      session_end_block_height: header.sessionEndBlockHeight,
      supplier_operator_address: supplier.operatorAddress,
      supplier_owner_address: supplier.ownerAddress,
    }),
  );
  return [{ address: supplier.ownerAddress, amount }];
}

function reduceStake({ state, header }: Payable, amount: bigint, logic: string): void {
  const application = state.applications.get(header.applicationAddress);
  const stake = amountOf(application?.stake);
  if (application === undefined || stake < amount)
    throw logicError(
      logic,
      `application ${header.applicationAddress} has a stake of ${stake}upokt, which is less than ${amount}upokt`,
    );
  const reduced: Application = { ...application, stake: upokt(stake - amount) };
  state.applications.set(application.address, reduced);
}

/** The chain's text of a failed step (recorded for the mint of zero; chain 8.1). */
const logicError = (logic: string, cause: string): AppError =>
  new AppError(
    "CLAIM_DISCARDED",
    `TLM "${logic}": ${cause}: internal token logic module error: failed to process token logic module: internal claim settlement error`,
  );
