import type { ServiceConfigUpdate, Supplier } from "../../../chain/proto/shared.ts";
import { MsgStakeSupplier, MsgUnstakeSupplier } from "../../../chain/proto/supplier.ts";
import { moduleAddress } from "../../../chain/protocol/address.ts";
import { type BlockContext, typedEvent } from "../../context.ts";
import { serviceConfigKey } from "../../keys.ts";
import { type ChainState, liveParams } from "../../state.ts";
import { currentSession, nextSessionStart } from "../at-height.ts";
import { send } from "../bank.ts";
import { amountOf, upokt } from "../coins.ts";
import { supplierJson } from "../entity-json.ts";
import { GAS } from "../gas.ts";
import { configsOf } from "../supplier-record.ts";
import { insist, requireAddress, requireStake } from "./checks.ts";
import { messageType } from "./message-type.ts";

const POOL = moduleAddress("supplier");
const INVALID_STAKE = "invalid supplier stake";

export const stakeSupplier = messageType(MsgStakeSupplier, {
  signer: ({ signer }) => signer,
  gas: ({ services }) => GAS.supplier.base + GAS.supplier.perService * services.length,
  handle: (state, message, ctx) => {
    checkStake(state, message);
    const known = state.suppliers.get(message.operatorAddress);
    if (known === undefined) stakeNew(state, message, ctx);
    else stakeAgain(state, message, known, ctx);
    ctx.emit(
      typedEvent("pocket.supplier.EventSupplierStaked", {
        operator_address: message.operatorAddress,
        session_end_height: currentSession(state).end,
      }),
    );
  },
});

function checkStake(state: ChainState, message: MsgStakeSupplier): void {
  const { signer, ownerAddress, operatorAddress, services } = message;
  requireAddress(ownerAddress, "owner");
  requireAddress(operatorAddress, "operator");
  insist(
    signer === ownerAddress || signer === operatorAddress,
    `signer address "${signer}" does not match owner address or supplier operator address: invalid address`,
  );
  insist(ownerAddress !== POOL, `owner address "${ownerAddress}" is a module account: invalid address`);
  const stake = requireStake(message.stake, INVALID_STAKE);
  for (const { serviceId } of services)
    insist(
      state.services.get(serviceId) !== undefined,
      `service "${serviceId}" does not exist: service not found`,
    );
  const least = amountOf(liveParams(state, "supplier").minStake);
  insist(
    stake >= least,
    `supplier with owner "${ownerAddress}" must stake at least ${least}upokt: ${INVALID_STAKE}`,
  );
}

function stakeNew(state: ChainState, message: MsgStakeSupplier, ctx: BlockContext): void {
  const { signer, ownerAddress, operatorAddress, services } = message;
  insist(services.length > 0, "no service configs provided: invalid service config");
  send(state, ctx.emit, signer, POOL, amountOf(message.stake));
  payFee(state, signer, ctx);
  state.suppliers.set(operatorAddress, {
    ownerAddress,
    operatorAddress,
    stake: upokt(amountOf(message.stake)),
    services: [],
    unstakeSessionEndHeight: 0n,
    serviceConfigHistory: [],
  });
  addServices(state, message, nextSessionStart(state));
}

function stakeAgain(state: ChainState, message: MsgStakeSupplier, known: Supplier, ctx: BlockContext): void {
  const { signer, operatorAddress, services } = message;
  insist(
    signer === known.ownerAddress || signer === known.operatorAddress,
    `signer "${signer}" is neither the owner nor the operator of supplier "${operatorAddress}": invalid address`,
  );
  const leaving = known.unstakeSessionEndHeight !== 0n;
  insist(
    !leaving || signer === known.ownerAddress,
    `only the owner "${known.ownerAddress}" can restake an unbonding supplier: invalid address`,
  );
  insist(
    services.length === 0 || signer === operatorAddress,
    `only the operator "${operatorAddress}" can update the service configurations: invalid address`,
  );
  moveDifference(state, message, known, ctx);
  payFee(state, signer, ctx);
  const next: Supplier = {
    ...known,
    ownerAddress: signer === known.ownerAddress ? message.ownerAddress : known.ownerAddress,
    stake: upokt(amountOf(message.stake)),
    unstakeSessionEndHeight: 0n,
  };
  state.suppliers.set(operatorAddress, next);
  if (services.length > 0) replaceServices(state, message);
  if (!leaving) return;
  state.unstakingSuppliers.delete(operatorAddress);
  ctx.emit(
    typedEvent("pocket.supplier.EventSupplierUnbondingCanceled", {
      supplier: supplierJson({
        ...next,
        serviceConfigHistory: newestFirst(configsOf(state, operatorAddress)),
      }),
      session_end_height: currentSession(state).end,
      height: ctx.height,
    }),
  );
}

/** The signer pays for a higher stake, the owner gets the rest of a lower one back (chain 11.1). */
function moveDifference(
  state: ChainState,
  { signer, stake }: MsgStakeSupplier,
  known: Supplier,
  ctx: BlockContext,
): void {
  const difference = amountOf(stake) - amountOf(known.stake);
  if (difference > 0n) send(state, ctx.emit, signer, POOL, difference);
  if (difference < 0n) send(state, ctx.emit, POOL, known.ownerAddress, -difference);
}

function payFee(state: ChainState, signer: string, ctx: BlockContext): void {
  const fee = amountOf(liveParams(state, "supplier").stakingFee);
  if (fee > 0n) send(state, ctx.emit, signer, POOL, fee);
}

function addServices(
  state: ChainState,
  { operatorAddress, services }: MsgStakeSupplier,
  activationHeight: bigint,
): void {
  for (const service of services) {
    const entry = { operatorAddress, service, activationHeight, deactivationHeight: 0n };
    state.serviceConfigs.set(serviceConfigKey(entry), entry);
  }
}

/** From the next session on only the new services count; entries of them that are not active yet give way (chain 11.1). */
function replaceServices(state: ChainState, message: MsgStakeSupplier): void {
  const next = nextSessionStart(state);
  const renewed = new Set(message.services.map(({ serviceId }) => serviceId));
  for (const entry of configsOf(state, message.operatorAddress)) {
    const pending = entry.activationHeight > state.height && renewed.has(entry.service?.serviceId ?? "");
    if (pending) state.serviceConfigs.delete(serviceConfigKey(entry));
    else if (entry.deactivationHeight === 0n) deactivate(state, entry, next);
  }
  addServices(state, message, next);
}

const deactivate = (state: ChainState, entry: ServiceConfigUpdate, deactivationHeight: bigint): void =>
  state.serviceConfigs.set(serviceConfigKey(entry), { ...entry, deactivationHeight });

/** The order of the event's history: by service, newest first (recordings/tx/tx_lookup_supplier_restake). */
const newestFirst = (entries: readonly ServiceConfigUpdate[]): ServiceConfigUpdate[] =>
  entries.toSorted((left, right) => {
    const [a, b] = [left.service?.serviceId ?? "", right.service?.serviceId ?? ""];
    if (a !== b) return a < b ? -1 : 1;
    return Number(right.activationHeight - left.activationHeight);
  });

export const unstakeSupplier = messageType(MsgUnstakeSupplier, {
  signer: ({ signer }) => signer,
  gas: () => GAS.supplier.base + 3 * GAS.supplier.perService,
  handle: (state, { signer, operatorAddress }, ctx) => {
    const supplier = state.suppliers.get(operatorAddress);
    insist(
      supplier !== undefined,
      `supplier with operator address "${operatorAddress}": supplier not found`,
      "NotFound",
    );
    insist(
      signer === supplier.ownerAddress || signer === operatorAddress,
      `signer "${signer}" is neither the owner nor the operator of supplier "${operatorAddress}": invalid address`,
      "PermissionDenied",
    );
    insist(
      supplier.unstakeSessionEndHeight === 0n,
      `supplier with operator address "${operatorAddress}": supplier is in unbonding period`,
      "FailedPrecondition",
    );
    const { end } = currentSession(state);
    const leaving: Supplier = { ...supplier, unstakeSessionEndHeight: end };
    state.suppliers.set(operatorAddress, leaving);
    state.unstakingSuppliers.set(operatorAddress, true);
    for (const entry of configsOf(state, operatorAddress)) deactivate(state, entry, end + 1n);
    const { supplierUnbondingPeriodSessions, numBlocksPerSession } = liveParams(state, "shared");
    ctx.emit(
      typedEvent("pocket.supplier.EventSupplierUnbondingBegin", {
        supplier: supplierJson(leaving),
        reason: "SUPPLIER_UNBONDING_REASON_VOLUNTARY",
        session_end_height: end,
        unbonding_end_height: end + supplierUnbondingPeriodSessions * numBlocksPerSession,
      }),
    );
  },
});
