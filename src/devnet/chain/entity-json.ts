import type { Application } from "../../chain/proto/application.ts";
import type { Coin } from "../../chain/proto/cosmos.ts";
import type { Gateway } from "../../chain/proto/gateway.ts";
import {
  RpcType,
  type ServiceConfigUpdate,
  type Supplier,
  type SupplierServiceConfig,
} from "../../chain/proto/shared.ts";
import type { EventValue } from "../context.ts";

// Records as event attributes print them: protobuf JSON in field order, empty lists and maps shown, absent messages null (chain 8.5).

type Json = { readonly [key: string]: EventValue };

const coinJson = (coin: Coin | undefined): Json | null =>
  coin === undefined ? null : { denom: coin.denom, amount: coin.amount };

export const applicationJson = (application: Application): Json => ({
  address: application.address,
  stake: coinJson(application.stake),
  service_configs: application.serviceConfigs.map(({ serviceId }) => ({ service_id: serviceId })),
  delegatee_gateway_addresses: application.delegateeGatewayAddresses,
  pending_undelegations: Object.fromEntries(
    [...application.pendingUndelegations].map(([height, { gatewayAddresses }]) => [
      height.toString(),
      { gateway_addresses: gatewayAddresses },
    ]),
  ),
  unstake_session_end_height: application.unstakeSessionEndHeight,
  pending_transfer:
    application.pendingTransfer === undefined
      ? null
      : {
          destination_address: application.pendingTransfer.destinationAddress,
          session_end_height: application.pendingTransfer.sessionEndHeight,
        },
  per_session_spend_limit: coinJson(application.perSessionSpendLimit),
  service_config_history: application.serviceConfigHistory.map((entry) => ({
    application_address: entry.applicationAddress,
    service: entry.service === undefined ? null : { service_id: entry.service.serviceId },
    activation_height: entry.activationHeight,
    deactivation_height: entry.deactivationHeight,
  })),
});

const RPC_TYPE_NAMES: Readonly<Record<number, string>> = {
  [RpcType.unknown]: "UNKNOWN_RPC",
  [RpcType.grpc]: "GRPC",
  [RpcType.websocket]: "WEBSOCKET",
  [RpcType.jsonRpc]: "JSON_RPC",
  [RpcType.rest]: "REST",
  [RpcType.cometBft]: "COMET_BFT",
};

const configJson = (config: SupplierServiceConfig): Json => ({
  service_id: config.serviceId,
  endpoints: config.endpoints.map(({ url, rpcType, configs }) => ({
    url,
    rpc_type: RPC_TYPE_NAMES[rpcType] ?? rpcType,
    configs: configs.map(({ key, value }) => ({ key: key === 1 ? "TIMEOUT" : "UNKNOWN_CONFIG", value })),
  })),
  rev_share: config.revShare.map(({ address, revSharePercentage }) => ({
    address,
    rev_share_percentage: revSharePercentage,
  })),
});

const historyJson = (entry: ServiceConfigUpdate): Json => ({
  operator_address: entry.operatorAddress,
  service: entry.service === undefined ? null : configJson(entry.service),
  activation_height: entry.activationHeight,
  deactivation_height: entry.deactivationHeight,
});

export const supplierJson = (supplier: Supplier): Json => ({
  owner_address: supplier.ownerAddress,
  operator_address: supplier.operatorAddress,
  stake: coinJson(supplier.stake),
  services: supplier.services.map(configJson),
  unstake_session_end_height: supplier.unstakeSessionEndHeight,
  service_config_history: supplier.serviceConfigHistory.map(historyJson),
});

export const gatewayJson = (gateway: Gateway): Json => ({
  address: gateway.address,
  stake: coinJson(gateway.stake),
  unstake_session_end_height: gateway.unstakeSessionEndHeight,
  metadata:
    gateway.metadata === undefined ? null : { card: Buffer.from(gateway.metadata.card).toString("base64") },
});
