import type {
  Application,
  ApplicationServiceConfigUpdate,
  PendingApplicationTransfer,
  UndelegatingGatewayList,
} from "../../chain/proto/application.ts";
import type { Coin } from "../../chain/proto/cosmos.ts";
import type { Session, SessionHeader } from "../../chain/proto/session.ts";
import type {
  ApplicationServiceConfig,
  ConfigOption,
  ServiceConfigUpdate,
  ServiceRevenueShare,
  SharedParams,
  Supplier,
  SupplierEndpoint,
  SupplierServiceConfig,
} from "../../chain/proto/shared.ts";
import type { SupplierParams } from "../../chain/proto/supplier.ts";
import {
  absent,
  field,
  jsonInteger,
  jsonList,
  jsonMap,
  jsonNumber,
  jsonText,
  optional,
  struct,
} from "./go-json.ts";

/** Chain types as the Go peer's cache keeps them where it keeps JSON (relay-path 1.10, 9.6). */

const coin = struct<Coin>(field("denom", "denom", jsonText), field("amount", "amount", jsonText));

const sessionHeader = struct<SessionHeader>(
  optional("application_address", "applicationAddress", jsonText),
  optional("service_id", "serviceId", jsonText),
  optional("session_id", "sessionId", jsonText),
  optional("session_start_block_height", "sessionStartBlockHeight", jsonInteger),
  optional("session_end_block_height", "sessionEndBlockHeight", jsonInteger),
);

const applicationService = struct<ApplicationServiceConfig>(optional("service_id", "serviceId", jsonText));

const undelegating = struct<UndelegatingGatewayList>(
  optional("gateway_addresses", "gatewayAddresses", jsonList(jsonText)),
);

const transfer = struct<PendingApplicationTransfer>(
  optional("destination_address", "destinationAddress", jsonText),
  optional("session_end_height", "sessionEndHeight", jsonInteger),
);

const applicationHistory = struct<ApplicationServiceConfigUpdate>(
  optional("application_address", "applicationAddress", jsonText),
  absent("service", "service", applicationService),
  optional("activation_height", "activationHeight", jsonInteger),
  optional("deactivation_height", "deactivationHeight", jsonInteger),
);

const application = struct<Application>(
  optional("address", "address", jsonText),
  absent("stake", "stake", coin),
  optional("service_configs", "serviceConfigs", jsonList(applicationService)),
  optional("delegatee_gateway_addresses", "delegateeGatewayAddresses", jsonList(jsonText)),
  field("pending_undelegations", "pendingUndelegations", jsonMap(undelegating)),
  optional("unstake_session_end_height", "unstakeSessionEndHeight", jsonInteger),
  absent("pending_transfer", "pendingTransfer", transfer),
  absent("per_session_spend_limit", "perSessionSpendLimit", coin),
  optional("service_config_history", "serviceConfigHistory", jsonList(applicationHistory)),
);

const endpoint = struct<SupplierEndpoint>(
  optional("url", "url", jsonText),
  optional("rpc_type", "rpcType", jsonNumber),
  optional(
    "configs",
    "configs",
    jsonList(struct<ConfigOption>(optional("key", "key", jsonNumber), optional("value", "value", jsonText))),
  ),
);

const revenueShare = struct<ServiceRevenueShare>(
  optional("address", "address", jsonText),
  optional("rev_share_percentage", "revSharePercentage", jsonInteger),
);

const supplierService = struct<SupplierServiceConfig>(
  optional("service_id", "serviceId", jsonText),
  optional("endpoints", "endpoints", jsonList(endpoint)),
  optional("rev_share", "revShare", jsonList(revenueShare)),
);

const supplierHistory = struct<ServiceConfigUpdate>(
  optional("operator_address", "operatorAddress", jsonText),
  absent("service", "service", supplierService),
  optional("activation_height", "activationHeight", jsonInteger),
  optional("deactivation_height", "deactivationHeight", jsonInteger),
);

const supplier = struct<Supplier>(
  optional("owner_address", "ownerAddress", jsonText),
  optional("operator_address", "operatorAddress", jsonText),
  absent("stake", "stake", coin),
  optional("services", "services", jsonList(supplierService)),
  optional("unstake_session_end_height", "unstakeSessionEndHeight", jsonInteger),
  optional("service_config_history", "serviceConfigHistory", jsonList(supplierHistory)),
);

export const sessionJson = struct<Session>(
  absent("header", "header", sessionHeader),
  optional("session_id", "sessionId", jsonText),
  optional("session_number", "sessionNumber", jsonInteger),
  optional("num_blocks_per_session", "numBlocksPerSession", jsonInteger),
  absent("application", "application", application),
  optional("suppliers", "suppliers", jsonList(supplier)),
);

/** Every key is present, zeros included. */
export const sharedParamsJson = struct<SharedParams>(
  field("num_blocks_per_session", "numBlocksPerSession", jsonInteger),
  field("grace_period_end_offset_blocks", "gracePeriodEndOffsetBlocks", jsonInteger),
  field("claim_window_open_offset_blocks", "claimWindowOpenOffsetBlocks", jsonInteger),
  field("claim_window_close_offset_blocks", "claimWindowCloseOffsetBlocks", jsonInteger),
  field("proof_window_open_offset_blocks", "proofWindowOpenOffsetBlocks", jsonInteger),
  field("proof_window_close_offset_blocks", "proofWindowCloseOffsetBlocks", jsonInteger),
  field("supplier_unbonding_period_sessions", "supplierUnbondingPeriodSessions", jsonInteger),
  field("application_unbonding_period_sessions", "applicationUnbondingPeriodSessions", jsonInteger),
  field("compute_units_to_tokens_multiplier", "computeUnitsToTokensMultiplier", jsonInteger),
  field("gateway_unbonding_period_sessions", "gatewayUnbondingPeriodSessions", jsonInteger),
  field("compute_unit_cost_granularity", "computeUnitCostGranularity", jsonInteger),
  field("session_grid_anchor_height", "sessionGridAnchorHeight", jsonInteger),
  field("session_number_at_anchor", "sessionNumberAtAnchor", jsonInteger),
);

export const supplierParamsJson = struct<SupplierParams>(
  absent("min_stake", "minStake", coin),
  absent("staking_fee", "stakingFee", coin),
);
