import { AppError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { RedisConnections } from "./connect.ts";
import {
  decodeJson,
  encodeJson,
  field,
  jsonBoolean,
  jsonInteger,
  jsonList,
  jsonNilList,
  jsonText,
  optional,
  struct,
} from "./go-json.ts";
import { jsonListener } from "./json-listener.ts";
import type { Keys } from "./keys.ts";
import { bytesOrNone, textsOf } from "./reply.ts";
import type { Unsubscribe } from "./subscriptions.ts";

/** `rpcType` is a backend key: grpc, websocket, jsonrpc, rest or cometbft. */
export type StakedEndpoint = { readonly serviceId: string; readonly rpcType: string };

/** What relayers know of a supplier: `ha:supplier:{address}`, written by miners (relay-path 9.4). */
export type SupplierRecord = {
  readonly status: string;
  readonly staked: boolean;
  readonly services: readonly string[];
  /** Empty: unknown. */
  readonly stakedEndpoints: readonly StakedEndpoint[];
  readonly unstakeSessionEndHeight: bigint;
  readonly operatorAddress: string;
  readonly ownerAddress: string;
  /** Unix seconds. */
  readonly lastUpdated: bigint;
  readonly lastRefreshSessionStart: bigint;
  readonly updatedBy: string;
};

const endpointJson = struct<StakedEndpoint>(
  field("service_id", "serviceId", jsonText),
  field("rpc_type", "rpcType", jsonText),
);

export const supplierRecordJson = struct<SupplierRecord>(
  field("status", "status", jsonText),
  field("staked", "staked", jsonBoolean),
  field("services", "services", jsonList(jsonText)),
  optional("staked_endpoints", "stakedEndpoints", jsonList(endpointJson)),
  field("unstake_session_end_height", "unstakeSessionEndHeight", jsonInteger),
  field("operator_address", "operatorAddress", jsonText),
  field("owner_address", "ownerAddress", jsonText),
  field("last_updated", "lastUpdated", jsonInteger),
  optional("last_refresh_session_start", "lastRefreshSessionStart", jsonInteger),
  optional("updated_by", "updatedBy", jsonText),
);

/** The miners' own list of suppliers: `ha:suppliers:{address}`. */
export type RegistryEntry = {
  readonly operatorAddress: string;
  readonly services: readonly string[];
  readonly status: string;
  /** Unix seconds. */
  readonly updatedAt: bigint;
};

export const registryEntryJson = struct<RegistryEntry>(
  field("operator_addr", "operatorAddress", jsonText),
  field("services", "services", jsonNilList(jsonText)),
  field("status", "status", jsonText),
  field("updated_at", "updatedAt", jsonInteger),
);

/** `action` is add, update, draining or remove. */
export type SupplierUpdate = {
  readonly action: string;
  readonly operatorAddress: string;
  readonly services: readonly string[];
  readonly reason: string;
};

const supplierUpdateJson = struct<SupplierUpdate>(
  field("action", "action", jsonText),
  field("operator_addr", "operatorAddress", jsonText),
  optional("services", "services", jsonList(jsonText)),
  optional("reason", "reason", jsonText),
);

export type SupplierRecords = {
  /** Undefined when there is none, or when it says "staked, active, no services", which only a defect writes. */
  read(address: string): Promise<SupplierRecord | undefined>;
  /** Throws AppError SUPPLIER_RECORD_EMPTY for "staked, active, no services": keep the old record instead. */
  write(record: SupplierRecord): Promise<void>;
  remove(address: string): Promise<void>;
  register(entry: RegistryEntry): Promise<void>;
  unregister(address: string): Promise<void>;
  registered(): Promise<readonly RegistryEntry[]>;
  announce(update: SupplierUpdate): Promise<void>;
  onUpdate(handler: (update: SupplierUpdate) => void, onGap?: () => void): Promise<Unsubscribe>;
};

const isCorrupt = ({ status, staked, services }: SupplierRecord): boolean =>
  staked && status === "active" && services.length === 0;

export type OpenSupplierRecords = {
  readonly redis: RedisConnections;
  readonly keys: Keys;
  readonly logger: Logger;
};

export function supplierRecords({ redis, keys, logger }: OpenSupplierRecords): SupplierRecords {
  const { commands, subscriptions } = redis;
  return {
    read: async (address) => {
      const bytes = bytesOrNone(await commands.send("GET", keys.supplier(address)));
      const record = bytes && decodeJson(supplierRecordJson, bytes);
      return record && !isCorrupt(record) ? record : undefined;
    },
    write: async (record) => {
      if (isCorrupt(record))
        throw new AppError("SUPPLIER_RECORD_EMPTY", "an active supplier without services is never written", {
          supplier: record.operatorAddress,
        });
      await commands.send(
        "SET",
        keys.supplier(record.operatorAddress),
        encodeJson(supplierRecordJson, record),
      );
    },
    remove: async (address) => {
      await commands.send("DEL", keys.supplier(address));
    },
    register: async (entry) => {
      await commands.send(
        "SET",
        keys.registered(entry.operatorAddress),
        encodeJson(registryEntryJson, entry),
      );
      await commands.send("SADD", keys.registryIndex, entry.operatorAddress);
    },
    unregister: async (address) => {
      await commands.send("SREM", keys.registryIndex, address);
      await commands.send("DEL", keys.registered(address));
    },
    registered: async () => {
      const addresses = textsOf(await commands.send("SMEMBERS", keys.registryIndex));
      const found = await Promise.all(
        addresses.map((address) => commands.send("GET", keys.registered(address))),
      );
      return found
        .map(bytesOrNone)
        .filter((bytes) => bytes !== undefined)
        .map((bytes) => decodeJson(registryEntryJson, bytes));
    },
    announce: async (update) => {
      await commands.send("PUBLISH", keys.supplierUpdateChannel, supplierUpdateJson.write(update));
    },
    onUpdate: (handler, onGap) =>
      subscriptions.subscribe(
        keys.supplierUpdateChannel,
        jsonListener((json) => handler(supplierUpdateJson.read(json)), onGap, logger),
      ),
  };
}
