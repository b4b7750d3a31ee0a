import type { Supplier } from "../../chain/proto/shared.ts";
import { moduleAddress } from "../../chain/protocol/address.ts";
import { sessionAt } from "../../chain/protocol/session-grid.ts";
import { sharedParamsAt } from "../chain/at-height.ts";
import { burn, send } from "../chain/bank.ts";
import { amountOf, upokt } from "../chain/coins.ts";
import { supplierJson } from "../chain/entity-json.ts";
import { servicesAt } from "../chain/supplier-record.ts";
import { type BlockContext, typedEvent } from "../context.ts";
import { type ChainState, liveParams } from "../state.ts";
import { claimFields } from "./claim-value.ts";
import type { RipeClaim } from "./ripe-claims.ts";

/**
 * Takes the penalty for an expired claim from its supplier's stake, at most all of it. Below the minimum the supplier is marked as
 * leaving, and nothing more: it is never removed (chain 8.5, 11.3).
 */
export function slash(state: ChainState, ctx: BlockContext, { claim, header }: RipeClaim): void {
  const supplier = state.suppliers.get(claim.supplierOperatorAddress);
  if (supplier === undefined) throw new TypeError(`no supplier to slash: ${claim.supplierOperatorAddress}`);
  const stake = amountOf(supplier.stake);
  const penalty = smaller(stake, amountOf(liveParams(state, "proof").proofMissingPenalty));
  if (penalty > 0n) {
    send(state, ctx.emit, moduleAddress("supplier"), moduleAddress("tokenomics"), penalty);
    burn(state, ctx.emit, "tokenomics", penalty);
  }
  const left = stake - penalty;
  const slashed = { ...supplier, stake: upokt(left) };
  state.suppliers.set(
    supplier.operatorAddress,
    isNewlyBelowMinimum(state, slashed) ? markLeaving(state, ctx, slashed) : slashed,
  );
  ctx.emit(
    typedEvent("pocket.tokenomics.EventSupplierSlashed", {
      ...claimFields(claim, header),
      proof_missing_penalty: `${penalty}upokt`,
      supplier_stake_after_slash: `${left}upokt`,
    }),
  );
}

const isNewlyBelowMinimum = (state: ChainState, supplier: Supplier): boolean =>
  supplier.unstakeSessionEndHeight === 0n &&
  amountOf(supplier.stake) < amountOf(liveParams(state, "supplier").minStake);

function markLeaving(state: ChainState, ctx: BlockContext, supplier: Supplier): Supplier {
  const { end } = sessionAt(sharedParamsAt(state, ctx.height), ctx.height);
  const leaving = { ...supplier, unstakeSessionEndHeight: end };
  ctx.emit(
    typedEvent("pocket.supplier.EventSupplierUnbondingBegin", {
      reason: "SUPPLIER_UNBONDING_REASON_BELOW_MIN_STAKE",
      session_end_height: end,
      supplier: supplierJson({
        ...leaving,
        services: servicesAt(state, supplier.operatorAddress, ctx.height),
      }),
      unbonding_end_height: end,
    }),
  );
  return leaving;
}

const smaller = (left: bigint, right: bigint): bigint => (left < right ? left : right);
