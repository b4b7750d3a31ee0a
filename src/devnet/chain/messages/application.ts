import {
  type Application,
  type ApplicationServiceConfigUpdate,
  MsgDelegateToGateway,
  MsgStakeApplication,
  MsgUndelegateFromGateway,
  MsgUnstakeApplication,
} from "../../../chain/proto/application.ts";
import { moduleAddress } from "../../../chain/protocol/address.ts";
import { type BlockContext, typedEvent } from "../../context.ts";
import { type ChainState, liveParams } from "../../state.ts";
import { currentSession } from "../at-height.ts";
import { send } from "../bank.ts";
import { amountOf, upokt } from "../coins.ts";
import { applicationJson } from "../entity-json.ts";
import { GAS } from "../gas.ts";
import { insist, requireAddress, requireStake } from "./checks.ts";
import { messageType } from "./message-type.ts";

const POOL = moduleAddress("application");
const INVALID_STAKE = "invalid application stake";

function found(state: ChainState, address: string): Application {
  const application = state.applications.get(address);
  insist(
    application !== undefined,
    `application with address "${address}": application not found`,
    "NotFound",
  );
  return application;
}

export const stakeApplication = messageType(MsgStakeApplication, {
  signer: ({ address }) => address,
  gas: () => GAS.application,
  handle: (state, message, ctx) => {
    const stake = checkStake(state, message);
    const { address, services } = message;
    const known = state.applications.get(address);
    const before = amountOf(known?.stake);
    insist(
      known === undefined || stake > before,
      `stake amount ${stake}upokt must be higher than previous stake amount ${before}upokt: ${INVALID_STAKE}`,
    );
    send(state, ctx.emit, address, POOL, stake - before);
    const { end } = currentSession(state);
    const application: Application = {
      ...(known ?? emptyApplication(address)),
      stake: upokt(stake),
      serviceConfigs: services,
      serviceConfigHistory: known === undefined ? [] : changedHistory(known, message, end + 1n),
      unstakeSessionEndHeight: 0n,
    };
    state.applications.set(address, application);
    if (known !== undefined && known.unstakeSessionEndHeight !== 0n)
      told(application, "UnbondingCanceled", end, ctx);
    told(application, "Staked", end, ctx);
  },
});

function checkStake(state: ChainState, { address, stake, services }: MsgStakeApplication): bigint {
  requireAddress(address, "application");
  const amount = requireStake(stake, INVALID_STAKE);
  insist(services.length > 0, "no service configs provided: invalid service configs");
  for (const { serviceId } of services)
    insist(
      state.services.get(serviceId) !== undefined,
      `service "${serviceId}" does not exist: service not found`,
    );
  const least = amountOf(liveParams(state, "application").minStake);
  insist(amount >= least, `application "${address}" must stake at least ${least}upokt: ${INVALID_STAKE}`);
  return amount;
}

const emptyApplication = (address: string): Application => ({
  address,
  stake: undefined,
  serviceConfigs: [],
  delegateeGatewayAddresses: [],
  pendingUndelegations: new Map(),
  unstakeSessionEndHeight: 0n,
  pendingTransfer: undefined,
  perSessionSpendLimit: undefined,
  serviceConfigHistory: [],
});

/** Another set of services counts from the next session on; the one before is filled in from block 1 if there is no history (chain 11.2). */
function changedHistory(
  known: Application,
  { address, services }: MsgStakeApplication,
  next: bigint,
): readonly ApplicationServiceConfigUpdate[] {
  const wanted = new Set(services.map(({ serviceId }) => serviceId));
  const had = known.serviceConfigs.map(({ serviceId }) => serviceId);
  if (had.length === wanted.size && had.every((id) => wanted.has(id))) return known.serviceConfigHistory;
  const entry = (serviceId: string, activationHeight: bigint): ApplicationServiceConfigUpdate => ({
    applicationAddress: address,
    service: { serviceId },
    activationHeight,
    deactivationHeight: 0n,
  });
  const history =
    known.serviceConfigHistory.length > 0 ? known.serviceConfigHistory : had.map((id) => entry(id, 1n));
  const kept = history.filter(({ activationHeight }) => activationHeight < next);
  const open = new Set(
    kept.filter((old) => old.deactivationHeight === 0n).map((old) => old.service?.serviceId),
  );
  const closed = kept.map((old) =>
    old.deactivationHeight === 0n && !wanted.has(old.service?.serviceId ?? "")
      ? { ...old, deactivationHeight: next }
      : old,
  );
  return [...closed, ...[...wanted].filter((id) => !open.has(id)).map((id) => entry(id, next))];
}

function told(
  application: Application,
  what: "Staked" | "UnbondingCanceled" | "Redelegation",
  sessionEnd: bigint,
  ctx: BlockContext,
): void {
  const type = what === "Redelegation" ? "EventRedelegation" : `EventApplication${what}`;
  ctx.emit(
    typedEvent(`pocket.application.${type}`, {
      application: applicationJson(application),
      session_end_height: sessionEnd,
    }),
  );
}

export const unstakeApplication = messageType(MsgUnstakeApplication, {
  signer: ({ address }) => address,
  gas: () => GAS.application,
  handle: (state, { address }, ctx) => {
    const application = found(state, address);
    insist(
      application.unstakeSessionEndHeight === 0n,
      `application with address "${address}": application is in unbonding period`,
      "FailedPrecondition",
    );
    const { end } = currentSession(state);
    const leaving: Application = { ...application, unstakeSessionEndHeight: end };
    state.applications.set(address, leaving);
    const { applicationUnbondingPeriodSessions, numBlocksPerSession } = liveParams(state, "shared");
    ctx.emit(
      typedEvent("pocket.application.EventApplicationUnbondingBegin", {
        application: applicationJson(leaving),
        reason: "APPLICATION_UNBONDING_REASON_ELECTIVE",
        session_end_height: end,
        unbonding_end_height: end + applicationUnbondingPeriodSessions * numBlocksPerSession,
      }),
    );
  },
});

export const delegateToGateway = messageType(MsgDelegateToGateway, {
  signer: ({ appAddress }) => appAddress,
  gas: () => GAS.application,
  handle: (state, { appAddress, gatewayAddress }, ctx) => {
    const application = found(state, appAddress);
    const gateway = state.gateways.get(gatewayAddress);
    insist(gateway !== undefined, `gateway with address "${gatewayAddress}": gateway not found`, "NotFound");
    const { unstakeSessionEndHeight: leaves } = gateway;
    insist(
      leaves === 0n || ctx.height <= leaves,
      `gateway with address "${gatewayAddress}" is not active: gateway is inactive`,
      "FailedPrecondition",
    );
    const delegatees = application.delegateeGatewayAddresses;
    insist(
      !delegatees.includes(gatewayAddress),
      `application already delegated to gateway with address "${gatewayAddress}": application already delegated to gateway`,
      "FailedPrecondition",
    );
    const most = liveParams(state, "application").maxDelegatedGateways;
    insist(
      BigInt(delegatees.length) < most,
      `application already delegated to ${most} gateways, cannot delegate to more: application has reached the maximum number of delegated gateways`,
      "FailedPrecondition",
    );
    const next: Application = {
      ...application,
      delegateeGatewayAddresses: [...delegatees, gatewayAddress],
      pendingUndelegations: withoutGateway(application, gatewayAddress),
    };
    state.applications.set(appAddress, next);
    told(next, "Redelegation", currentSession(state).end, ctx);
  },
});

/** A new delegation removes the pending end of an older one (chain 11.2). */
function withoutGateway(application: Application, gateway: string): Application["pendingUndelegations"] {
  const left = [...application.pendingUndelegations].map(
    ([height, { gatewayAddresses }]) =>
      [height, { gatewayAddresses: gatewayAddresses.filter((address) => address !== gateway) }] as const,
  );
  return new Map(left.filter(([, { gatewayAddresses }]) => gatewayAddresses.length > 0));
}

export const undelegateFromGateway = messageType(MsgUndelegateFromGateway, {
  signer: ({ appAddress }) => appAddress,
  gas: () => GAS.application,
  handle: (state, { appAddress, gatewayAddress }, ctx) => {
    const application = found(state, appAddress);
    insist(
      application.delegateeGatewayAddresses.includes(gatewayAddress),
      `application not delegated to gateway with address "${gatewayAddress}": application not delegated to gateway`,
      "FailedPrecondition",
    );
    const { end } = currentSession(state);
    const next = undelegated(application, gatewayAddress, end);
    state.applications.set(appAddress, next);
    told(next, "Redelegation", end, ctx);
  },
});

/** The gateway leaves the list and keeps its rights until that session end (relay-path 3.2). */
export function undelegated(application: Application, gateway: string, sessionEnd: bigint): Application {
  const waiting = application.pendingUndelegations.get(sessionEnd)?.gatewayAddresses ?? [];
  return {
    ...application,
    delegateeGatewayAddresses: application.delegateeGatewayAddresses.filter((address) => address !== gateway),
    pendingUndelegations: new Map(application.pendingUndelegations).set(sessionEnd, {
      gatewayAddresses: waiting.includes(gateway) ? waiting : [...waiting, gateway],
    }),
  };
}
