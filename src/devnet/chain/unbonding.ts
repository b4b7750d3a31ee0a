import type { Application } from "../../chain/proto/application.ts";
import { moduleAddress } from "../../chain/protocol/address.ts";
import { sessionWindows } from "../../chain/protocol/session-grid.ts";
import { type BlockContext, typedEvent } from "../context.ts";
import { serviceConfigKey } from "../keys.ts";
import { type ChainState, liveParams } from "../state.ts";
import { currentSession, sharedParamsAt } from "./at-height.ts";
import { send } from "./bank.ts";
import { amountOf } from "./coins.ts";
import { applicationJson, gatewayJson, supplierJson } from "./entity-json.ts";
import { undelegated } from "./messages/application.ts";
import { configsOf } from "./supplier-record.ts";

type Leaving = { readonly unstakeSessionEndHeight: bigint };
type Period =
  | "supplierUnbondingPeriodSessions"
  | "applicationUnbondingPeriodSessions"
  | "gatewayUnbondingPeriodSessions";

/** Where the unbonding of someone who left at `unstakeSessionEndHeight` ends, by the params at that height (chain 11.1). */
function unbondingEnd(state: ChainState, { unstakeSessionEndHeight: mark }: Leaving, period: Period): bigint {
  const params = sharedParamsAt(state, mark);
  return mark + params[period] * params.numBlocksPerSession;
}

/** Whether this block is the last of a session: only then stakes are given back. */
const isSessionEnd = (state: ChainState): boolean => currentSession(state).end === state.height;

function giveBack(state: ChainState, ctx: BlockContext, module: string, to: string, amount: bigint): void {
  if (amount > 0n) send(state, ctx.emit, moduleAddress(module), to, amount);
}

/** Suppliers that asked to leave and whose time is over; those that a slash marked are not among them (chain 11.3). */
export function endBlockSuppliers(state: ChainState, ctx: BlockContext): void {
  if (isSessionEnd(state))
    for (const address of state.unstakingSuppliers.keys()) removeSupplier(state, ctx, address);
  for (const entry of state.serviceConfigs.values()) {
    if (entry.deactivationHeight === 0n) continue;
    const last = entry.deactivationHeight - 1n;
    if (sessionWindows(sharedParamsAt(state, last), last).proofClose < state.height)
      state.serviceConfigs.delete(serviceConfigKey(entry));
  }
}

function removeSupplier(state: ChainState, ctx: BlockContext, address: string): void {
  const supplier = state.suppliers.get(address);
  if (supplier === undefined) return;
  const end = unbondingEnd(state, supplier, "supplierUnbondingPeriodSessions");
  if (end > state.height) return;
  giveBack(state, ctx, "supplier", supplier.ownerAddress, amountOf(supplier.stake));
  for (const entry of configsOf(state, address)) state.serviceConfigs.delete(serviceConfigKey(entry));
  state.suppliers.delete(address);
  state.unstakingSuppliers.delete(address);
  const below = amountOf(supplier.stake) < amountOf(liveParams(state, "supplier").minStake);
  ctx.emit(
    typedEvent("pocket.supplier.EventSupplierUnbondingEnd", {
      supplier: supplierJson(supplier),
      reason: `SUPPLIER_UNBONDING_REASON_${below ? "BELOW_MIN_STAKE" : "VOLUNTARY"}`,
      session_end_height: currentSession(state).end,
      unbonding_end_height: end,
    }),
  );
}

/** Delegations to gateways that left, delegations that ended long ago, then stakes of applications that left (chain 11.2). */
export function endBlockApplications(state: ChainState, ctx: BlockContext): void {
  leaveInactiveGateways(state);
  pruneUndelegations(state);
  if (isSessionEnd(state))
    for (const application of state.applications.values()) removeApplication(state, ctx, application);
}

function leaveInactiveGateways(state: ChainState): void {
  const inactive = state.gateways
    .values()
    .filter(({ unstakeSessionEndHeight: mark }) => mark !== 0n && state.height > mark);
  const { end } = currentSession(state);
  for (const { address } of inactive)
    for (const application of state.applications.values())
      if (application.delegateeGatewayAddresses.includes(address))
        state.applications.set(application.address, undelegated(application, address, end));
}

function pruneUndelegations(state: ChainState): void {
  const { gracePeriodEndOffsetBlocks, numBlocksPerSession } = liveParams(state, "shared");
  const oldest = state.height - gracePeriodEndOffsetBlocks - 2n * numBlocksPerSession;
  for (const application of state.applications.values()) {
    const kept = [...application.pendingUndelegations].filter(([height]) => height >= oldest);
    if (kept.length < application.pendingUndelegations.size)
      state.applications.set(application.address, { ...application, pendingUndelegations: new Map(kept) });
  }
}

function removeApplication(state: ChainState, ctx: BlockContext, application: Application): void {
  if (application.unstakeSessionEndHeight === 0n) return;
  const end = unbondingEnd(state, application, "applicationUnbondingPeriodSessions");
  if (end > state.height) return;
  giveBack(state, ctx, "application", application.address, amountOf(application.stake));
  state.applications.delete(application.address);
  const below = amountOf(application.stake) < amountOf(liveParams(state, "application").minStake);
  ctx.emit(
    typedEvent("pocket.application.EventApplicationUnbondingEnd", {
      application: applicationJson(application),
      reason: `APPLICATION_UNBONDING_REASON_${below ? "BELOW_MIN_STAKE" : "ELECTIVE"}`,
      session_end_height: currentSession(state).end,
      unbonding_end_height: end,
    }),
  );
}

export function endBlockGateways(state: ChainState, ctx: BlockContext): void {
  if (!isSessionEnd(state)) return;
  for (const gateway of state.gateways.values()) {
    if (gateway.unstakeSessionEndHeight === 0n) continue;
    const end = unbondingEnd(state, gateway, "gatewayUnbondingPeriodSessions");
    if (end > state.height) continue;
    giveBack(state, ctx, "gateway", gateway.address, amountOf(gateway.stake));
    state.gateways.delete(gateway.address);
    ctx.emit(
      typedEvent("pocket.gateway.EventGatewayUnbondingEnd", {
        gateway: gatewayJson(gateway),
        session_end_height: currentSession(state).end,
        unbonding_end_height: end,
      }),
    );
  }
}
