import { moduleAddress } from "../../chain/protocol/address.ts";
import { burn, mint, send } from "../chain/bank.ts";
import { type BlockContext, typedEvent } from "../context.ts";
import type { ChainState } from "../state.ts";
import { allowancesOf, assess } from "./assess.ts";
import { type Batch, batchesOf, type Operation } from "./operations.ts";
import { REASON, type Reason, reasonName } from "./reasons.ts";
import { type RipeClaim, ripeClaims } from "./ripe-claims.ts";
import { settleClaim } from "./settle-claim.ts";
import { byText } from "./shares.ts";
import { slash } from "./slash.ts";
import { sharePot, type ValidatorShare } from "./validator-pots.ts";

/** What a block's settlement leaves to do. */
type Ledger = {
  readonly operations: Operation[];
  readonly settled: RipeClaim[];
  readonly expired: RipeClaim[];
  relayPot: bigint;
  globalPot: bigint;
};

/**
 * Settles the ripe claims of a block: claim by claim, then validators, then all money in batches, then slashes (chain 8). Returns the
 * claims that were settled. Throws what fails the block.
 */
export function settleRipeClaims(state: ChainState, ctx: BlockContext): readonly RipeClaim[] {
  const verdicts = ripeClaims(state, ctx.height).map((ripe) => assess(state, ripe));
  const allowances = allowancesOf(state, verdicts);
  const ledger: Ledger = { operations: [], settled: [], expired: [], relayPot: 0n, globalPot: 0n };
  for (const verdict of verdicts) {
    const result = settleClaim(state, ctx, verdict, allowances.get(verdict));
    if (result.outcome === "expired") ledger.expired.push(verdict.ripe);
    if (result.outcome !== "settled") continue;
    ledger.settled.push(verdict.ripe);
    ledger.operations.push(...result.payout.operations);
    ledger.relayPot += result.payout.relayPot;
    ledger.globalPot += result.payout.globalPot;
  }
  moveMoney(state, ctx, ledger);
  for (const ripe of ledger.expired) slash(state, ctx, ripe);
  return ledger.settled;
}

function moveMoney(state: ChainState, ctx: BlockContext, ledger: Ledger): void {
  const first = ledger.settled[0];
  if (first === undefined) return;
  const end = first.header.sessionEndBlockHeight;
  const pots = [
    { pot: ledger.relayPot, validator: REASON.relayValidator, delegator: REASON.relayDelegator },
    { pot: ledger.globalPot, validator: REASON.globalValidator, delegator: REASON.globalDelegator },
  ];
  for (const pot of pots) ledger.operations.push(...payPot(state, ctx, end, pot));
  for (const batch of batchesOf(ledger.operations)) execute(state, ctx, end, batch);
}

type Pot = { readonly pot: bigint; readonly validator: Reason; readonly delegator: Reason };

function payPot(
  state: ChainState,
  ctx: BlockContext,
  sessionEnd: bigint,
  { pot, validator, delegator }: Pot,
): Operation[] {
  if (pot === 0n) return [];
  const shares = sharePot(pot, state.validators.values());
  for (const share of shares) announceShare(ctx, sessionEnd, share, validator);
  const accounts = new Set(shares.map((share) => share.validator.accountAddress));
  const totals = new Map<string, bigint>();
  for (const { address, amount } of shares.flatMap(({ payments }) => payments))
    totals.set(address, (totals.get(address) ?? 0n) + amount);
  return [...totals]
    .toSorted(([left], [right]) => byText(left, right))
    .map(([recipient, amount]) => ({
      type: "mod_to_acct",
      module: "tokenomics",
      recipient,
      reason: accounts.has(recipient) ? validator : delegator,
      amount,
    }));
}

function announceShare(ctx: BlockContext, sessionEnd: bigint, share: ValidatorShare, reason: Reason): void {
  ctx.emit(
    typedEvent("pocket.tokenomics.EventValidatorRewardDistribution", {
      commission_rate: share.commissionRate,
      commission_upokt: share.commission,
      delegators_reward_upokt: share.delegatorsReward,
      num_delegators: share.delegators,
      op_reason: reasonName(reason),
      pool_share_upokt: share.share,
      self_delegation_reward_upokt: share.selfReward,
      session_end_block_height: sessionEnd,
      total_delegated_stake_upokt: share.tokens,
      validator_account_address: share.validator.accountAddress,
      validator_operator_address: share.validator.operatorAddress,
    }),
  );
}

function execute(state: ChainState, ctx: BlockContext, sessionEnd: bigint, batch: Batch): void {
  const { type, module, recipient, reason, amount, count } = batch;
  if (type === "mint") mint(state, ctx.emit, module, amount);
  else if (type === "burn") burn(state, ctx.emit, module, amount);
  else {
    const to = type === "mod_to_mod" ? moduleAddress(recipient) : recipient;
    send(state, ctx.emit, moduleAddress(module), to, amount);
  }
  ctx.emit(
    typedEvent("pocket.tokenomics.EventSettlementBatch", {
      num_claims: count,
      op_reason: reasonName(reason),
      op_type: type,
      recipient,
      sender_module: module,
      session_end_block_height: sessionEnd,
      total_amount: `${amount}upokt`,
    }),
  );
}
