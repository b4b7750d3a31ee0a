import { Coin } from "./cosmos.ts";
import { ApplicationServiceConfig } from "./shared.ts";
import {
  type Codec,
  embedded,
  int64,
  message,
  repeated,
  required,
  string,
  strings,
  uint64,
  uint64Map,
} from "./wire.ts";

/** A service of an application from one height on; `deactivationHeight` 0 means no end. */
export type ApplicationServiceConfigUpdate = {
  readonly applicationAddress: string;
  readonly service: ApplicationServiceConfig | undefined;
  readonly activationHeight: bigint;
  readonly deactivationHeight: bigint;
};
export const ApplicationServiceConfigUpdate: Codec<ApplicationServiceConfigUpdate> =
  message<ApplicationServiceConfigUpdate>("pocket.application.ApplicationServiceConfigUpdate", {
    applicationAddress: string(1),
    service: embedded(2, ApplicationServiceConfig),
    activationHeight: int64(3),
    deactivationHeight: int64(4),
  });

/** Gateways that an application left; the field number is 2 (relay-path 1.3). */
export type UndelegatingGatewayList = { readonly gatewayAddresses: readonly string[] };
export const UndelegatingGatewayList: Codec<UndelegatingGatewayList> = message<UndelegatingGatewayList>(
  "pocket.application.UndelegatingGatewayList",
  { gatewayAddresses: strings(2) },
);

export type PendingApplicationTransfer = {
  readonly destinationAddress: string;
  readonly sessionEndHeight: bigint;
};
export const PendingApplicationTransfer: Codec<PendingApplicationTransfer> =
  message<PendingApplicationTransfer>("pocket.application.PendingApplicationTransfer", {
    destinationAddress: string(1),
    sessionEndHeight: uint64(2),
  });

/** Who pays for relays. Keys of `pendingUndelegations` are session end heights. */
export type Application = {
  readonly address: string;
  readonly stake: Coin | undefined;
  readonly serviceConfigs: readonly ApplicationServiceConfig[];
  readonly delegateeGatewayAddresses: readonly string[];
  readonly pendingUndelegations: ReadonlyMap<bigint, UndelegatingGatewayList>;
  readonly unstakeSessionEndHeight: bigint;
  readonly pendingTransfer: PendingApplicationTransfer | undefined;
  readonly perSessionSpendLimit: Coin | undefined;
  readonly serviceConfigHistory: readonly ApplicationServiceConfigUpdate[];
};
export const Application: Codec<Application> = message<Application>("pocket.application.Application", {
  address: string(1),
  stake: embedded(2, Coin),
  serviceConfigs: repeated(3, ApplicationServiceConfig),
  delegateeGatewayAddresses: strings(4),
  pendingUndelegations: uint64Map(5, UndelegatingGatewayList),
  unstakeSessionEndHeight: uint64(6),
  pendingTransfer: embedded(7, PendingApplicationTransfer),
  perSessionSpendLimit: embedded(8, Coin),
  serviceConfigHistory: repeated(9, ApplicationServiceConfigUpdate),
});

export type ApplicationParams = {
  readonly maxDelegatedGateways: bigint;
  readonly minStake: Coin | undefined;
};
export const ApplicationParams: Codec<ApplicationParams> = message<ApplicationParams>(
  "pocket.application.Params",
  { maxDelegatedGateways: uint64(1), minStake: embedded(2, Coin) },
);

/** Stakes an application, or changes its stake and services (chain 11.2). */
export type MsgStakeApplication = {
  readonly address: string;
  readonly stake: Coin | undefined;
  readonly services: readonly ApplicationServiceConfig[];
};
export const MsgStakeApplication: Codec<MsgStakeApplication> = message<MsgStakeApplication>(
  "pocket.application.MsgStakeApplication",
  { address: string(1), stake: embedded(2, Coin), services: repeated(3, ApplicationServiceConfig) },
);

export type MsgUnstakeApplication = { readonly address: string };
export const MsgUnstakeApplication: Codec<MsgUnstakeApplication> = message<MsgUnstakeApplication>(
  "pocket.application.MsgUnstakeApplication",
  { address: string(1) },
);

/** From now on the gateway may sign for the application. */
export type MsgDelegateToGateway = { readonly appAddress: string; readonly gatewayAddress: string };
export const MsgDelegateToGateway: Codec<MsgDelegateToGateway> = message<MsgDelegateToGateway>(
  "pocket.application.MsgDelegateToGateway",
  { appAddress: string(1), gatewayAddress: string(2) },
);

export type MsgUndelegateFromGateway = { readonly appAddress: string; readonly gatewayAddress: string };
export const MsgUndelegateFromGateway: Codec<MsgUndelegateFromGateway> = message<MsgUndelegateFromGateway>(
  "pocket.application.MsgUndelegateFromGateway",
  { appAddress: string(1), gatewayAddress: string(2) },
);

/** A whole new set of params, sent by the chain's authority (chain 10). */
export type MsgUpdateApplicationParams = { readonly authority: string; readonly params: ApplicationParams };
export const MsgUpdateApplicationParams: Codec<MsgUpdateApplicationParams> =
  message<MsgUpdateApplicationParams>("pocket.application.MsgUpdateParams", {
    authority: string(1),
    params: required(2, ApplicationParams),
  });
