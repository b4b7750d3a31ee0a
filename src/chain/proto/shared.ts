import { Coin } from "./cosmos.ts";
import {
  bytes,
  type Codec,
  embedded,
  enumeration,
  int64,
  message,
  repeated,
  required,
  string,
  uint64,
} from "./wire.ts";

/** Numbers of the protocols that an endpoint speaks (relay-path 1.5). */
export const RpcType = {
  unknown: 0,
  grpc: 1,
  websocket: 2,
  jsonRpc: 3,
  rest: 4,
  cometBft: 5,
} as const;

/** A free description of a service or gateway, at most 256 KiB. */
export type Metadata = { readonly card: Uint8Array };
export const Metadata: Codec<Metadata> = message<Metadata>("pocket.shared.Metadata", { card: bytes(1) });

/** Something that suppliers serve; the price of a relay is counted in compute units. */
export type Service = {
  readonly id: string;
  readonly name: string;
  readonly computeUnitsPerRelay: bigint;
  readonly ownerAddress: string;
  readonly metadata: Metadata | undefined;
};
export const Service: Codec<Service> = message<Service>("pocket.shared.Service", {
  id: string(1),
  name: string(2),
  computeUnitsPerRelay: uint64(3),
  ownerAddress: string(4),
  metadata: embedded(5, Metadata),
});

export type ConfigOption = { readonly key: number; readonly value: string };
export const ConfigOption: Codec<ConfigOption> = message<ConfigOption>("pocket.shared.ConfigOption", {
  key: enumeration(1),
  value: string(2),
});

/** Where a supplier takes relays; `rpcType` is one of RpcType. */
export type SupplierEndpoint = {
  readonly url: string;
  readonly rpcType: number;
  readonly configs: readonly ConfigOption[];
};
export const SupplierEndpoint: Codec<SupplierEndpoint> = message<SupplierEndpoint>(
  "pocket.shared.SupplierEndpoint",
  { url: string(1), rpcType: enumeration(2), configs: repeated(3, ConfigOption) },
);

/** Who gets which part, in percent, of a supplier's reward. */
export type ServiceRevenueShare = { readonly address: string; readonly revSharePercentage: bigint };
export const ServiceRevenueShare: Codec<ServiceRevenueShare> = message<ServiceRevenueShare>(
  "pocket.shared.ServiceRevenueShare",
  { address: string(1), revSharePercentage: uint64(3) },
);

export type SupplierServiceConfig = {
  readonly serviceId: string;
  readonly endpoints: readonly SupplierEndpoint[];
  readonly revShare: readonly ServiceRevenueShare[];
};
export const SupplierServiceConfig: Codec<SupplierServiceConfig> = message<SupplierServiceConfig>(
  "pocket.shared.SupplierServiceConfig",
  {
    serviceId: string(1),
    endpoints: repeated(2, SupplierEndpoint),
    revShare: repeated(3, ServiceRevenueShare),
  },
);

export type ApplicationServiceConfig = { readonly serviceId: string };
export const ApplicationServiceConfig: Codec<ApplicationServiceConfig> = message<ApplicationServiceConfig>(
  "pocket.shared.ApplicationServiceConfig",
  { serviceId: string(1) },
);

/** A service that a supplier serves from one height on; `deactivationHeight` 0 means no end. */
export type ServiceConfigUpdate = {
  readonly operatorAddress: string;
  readonly service: SupplierServiceConfig | undefined;
  readonly activationHeight: bigint;
  readonly deactivationHeight: bigint;
};
export const ServiceConfigUpdate: Codec<ServiceConfigUpdate> = message<ServiceConfigUpdate>(
  "pocket.shared.ServiceConfigUpdate",
  {
    operatorAddress: string(1),
    service: embedded(2, SupplierServiceConfig),
    activationHeight: int64(3),
    deactivationHeight: int64(4),
  },
);

/** `unstakeSessionEndHeight` 0 means that it is not leaving. */
export type Supplier = {
  readonly ownerAddress: string;
  readonly operatorAddress: string;
  readonly stake: Coin | undefined;
  readonly services: readonly SupplierServiceConfig[];
  readonly unstakeSessionEndHeight: bigint;
  readonly serviceConfigHistory: readonly ServiceConfigUpdate[];
};
export const Supplier: Codec<Supplier> = message<Supplier>("pocket.shared.Supplier", {
  ownerAddress: string(1),
  operatorAddress: string(2),
  stake: embedded(3, Coin),
  services: repeated(4, SupplierServiceConfig),
  unstakeSessionEndHeight: uint64(5),
  serviceConfigHistory: repeated(6, ServiceConfigUpdate),
});

/** The session grid, its windows and the price of a compute unit (relay-path 1.5, mining-path 3.3). */
export type SharedParams = {
  readonly numBlocksPerSession: bigint;
  readonly gracePeriodEndOffsetBlocks: bigint;
  readonly claimWindowOpenOffsetBlocks: bigint;
  readonly claimWindowCloseOffsetBlocks: bigint;
  readonly proofWindowOpenOffsetBlocks: bigint;
  readonly proofWindowCloseOffsetBlocks: bigint;
  readonly supplierUnbondingPeriodSessions: bigint;
  readonly applicationUnbondingPeriodSessions: bigint;
  readonly computeUnitsToTokensMultiplier: bigint;
  readonly gatewayUnbondingPeriodSessions: bigint;
  readonly computeUnitCostGranularity: bigint;
  readonly sessionGridAnchorHeight: bigint;
  readonly sessionNumberAtAnchor: bigint;
};
export const SharedParams: Codec<SharedParams> = message<SharedParams>("pocket.shared.Params", {
  numBlocksPerSession: uint64(1),
  gracePeriodEndOffsetBlocks: uint64(2),
  claimWindowOpenOffsetBlocks: uint64(3),
  claimWindowCloseOffsetBlocks: uint64(4),
  proofWindowOpenOffsetBlocks: uint64(5),
  proofWindowCloseOffsetBlocks: uint64(6),
  supplierUnbondingPeriodSessions: uint64(7),
  applicationUnbondingPeriodSessions: uint64(8),
  computeUnitsToTokensMultiplier: uint64(9),
  gatewayUnbondingPeriodSessions: uint64(10),
  computeUnitCostGranularity: uint64(11),
  sessionGridAnchorHeight: uint64(12),
  sessionNumberAtAnchor: uint64(13),
});

/** Params that are in force from a height on. */
export type SharedParamsUpdate = {
  readonly effectiveHeight: bigint;
  readonly params: SharedParams | undefined;
};
export const SharedParamsUpdate: Codec<SharedParamsUpdate> = message<SharedParamsUpdate>(
  "pocket.shared.ParamsUpdate",
  { effectiveHeight: int64(1), params: embedded(2, SharedParams) },
);

/** A whole new set of params, sent by the chain's authority (chain 10). */
export type MsgUpdateSharedParams = { readonly authority: string; readonly params: SharedParams };
export const MsgUpdateSharedParams: Codec<MsgUpdateSharedParams> = message<MsgUpdateSharedParams>(
  "pocket.shared.MsgUpdateParams",
  { authority: string(1), params: required(2, SharedParams) },
);
