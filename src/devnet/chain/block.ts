import { moduleAddress } from "../../chain/protocol/address.ts";
import { type BlockContext, type ChainEvent, type MoneyHooks, plainEvent, typedEvent } from "../context.ts";
import { type ChainState, type ForkedState, fork } from "../state.ts";
import { sortable } from "../table.ts";
import { currentSession } from "./at-height.ts";
import { balanceOf, send } from "./bank.ts";
import { runTx, type TxOutcome, type TxRules } from "./execute.ts";
import { promoteSharedParams } from "./params-update.ts";
import { endBlockApplications, endBlockGateways, endBlockSuppliers } from "./unbonding.ts";

export type BlockInput = {
  readonly height: bigint;
  readonly timeNs: bigint;
  readonly hash: Uint8Array;
  readonly txs: readonly Uint8Array[];
  /** Changes from outside any transaction, made before the transactions: the control API's. */
  readonly interventions: readonly ((state: ChainState, ctx: BlockContext) => void)[];
};

export type BlockOutcome = {
  readonly state: ForkedState;
  readonly txs: readonly TxOutcome[];
  readonly events: readonly ChainEvent[];
};

/** Executes a block on top of the newest state, in the order of chain 5. The caller commits the state it returns. */
export function executeBlock(
  latest: ChainState,
  block: BlockInput,
  rules: TxRules & { readonly hooks: MoneyHooks },
): BlockOutcome {
  const state = fork(latest, block);
  const events: ChainEvent[] = [];
  const context = (mode: "BeginBlock" | "EndBlock"): BlockContext => ({
    height: block.height,
    timeMs: Number(block.timeNs / 1_000_000n),
    emit: ({ type, attributes }) =>
      void events.push({ type, attributes: [...attributes, { key: "mode", value: mode }] }),
  });
  dropNonces(state);
  const begin = context("BeginBlock");
  for (const change of block.interventions) change(state, begin);
  beginBlock(state, begin);
  const txs = block.txs.map((bytes) => runTx(state, bytes, "deliver", rules));
  const end = context("EndBlock");
  state.blockHashes.set(sortable(block.height), block.hash);
  rules.hooks.endBlockProofs(state, end);
  rules.hooks.endBlockTokenomics(state, end);
  endBlockGateways(state, end);
  endBlockApplications(state, end);
  endBlockSuppliers(state, end);
  promoteSharedParams(state);
  return { state, txs, events };
}

/** Timeouts at or before the block's time can be forgotten: no transaction can use them again. */
function dropNonces(state: ChainState): void {
  const now = sortable(state.timeNs);
  for (const key of state.nonces.keys()) {
    if (key.slice(0, now.length) > now) break;
    state.nonces.delete(key);
  }
}

const MINT = moduleAddress("mint");
const FEE_COLLECTOR = moduleAddress("fee_collector");
const DISTRIBUTION = moduleAddress("distribution");

/** Minting (nothing), the fees of the block before, then services that begin now (chain 5, recordings/cometbft/block_results_empty). */
function beginBlock(state: ChainState, ctx: BlockContext): void {
  send(state, ctx.emit, MINT, FEE_COLLECTOR, 0n);
  ctx.emit(
    plainEvent("mint", {
      bonded_ratio: "1.000000000000000000",
      inflation: "0.000000000000000000",
      annual_provisions: "0.000000000000000000",
      amount: "0",
    }),
  );
  const fees = balanceOf(state, FEE_COLLECTOR);
  send(state, ctx.emit, FEE_COLLECTOR, DISTRIBUTION, fees);
  for (const { operatorAddress } of state.validators.values()) {
    const amount = fees === 0n ? "" : `${fees}.000000000000000000upokt`;
    ctx.emit(plainEvent("commission", { amount: "", validator: operatorAddress }));
    ctx.emit(plainEvent("rewards", { amount, validator: operatorAddress }));
    break;
  }
  if (currentSession(state).start === state.height) tellActivations(state, ctx);
}

/** In the order of the keys: service, then address (chain 5). */
function tellActivations(state: ChainState, ctx: BlockContext): void {
  for (const { activationHeight, operatorAddress, service } of state.serviceConfigs.values())
    if (activationHeight === state.height)
      ctx.emit(
        typedEvent("pocket.supplier.EventSupplierServiceConfigActivated", {
          activation_height: activationHeight,
          operator_address: operatorAddress,
          service_id: service?.serviceId ?? "",
        }),
      );
}
