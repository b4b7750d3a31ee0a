import type { Clock } from "../../base/clock.ts";
import { AppError, toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { Supplier } from "../../chain/proto/shared.ts";
import type { ChainData } from "../cache/chain-data.ts";
import type { SupplierRecord, SupplierRecords } from "../redis/supplier-records.ts";

type Options = {
  readonly chain: ChainData;
  readonly records: SupplierRecords;
  readonly instance: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A supplier of which nothing could be written down this time. */
  readonly failed: (address: string) => void;
};

/** The chain's rpc types as the YAML's backends are named (relay-path 9.4). */
const RPC_NAMES: Readonly<Record<number, string>> = {
  1: "grpc",
  2: "websocket",
  3: "jsonrpc",
  4: "rest",
  5: "cometbft",
};

/**
 * Writes down for the relayers what the chain says of a supplier (mining-path 7.8). Only NotFound means "not staked"; after any other
 * error the old record stays. Never "staked, active, no services". Never rejects: what is wrong with one supplier is told, and is no
 * reason to leave the others out.
 */
export async function recordSupplier(address: string, height: bigint, options: Options): Promise<void> {
  const { logger, failed } = options;
  try {
    const record = await recordOf(address, height, options);
    if (record.status === "active" && record.services.length === 0)
      logger.warn({ supplier: address }, "staked without an active service: its record is left as it is");
    else await write(record, options);
  } catch (thrown) {
    failed(address);
    const error = toError(thrown).message;
    logger.warn(
      { supplier: address, error },
      "the supplier could not be recorded: what was written last stays",
    );
  }
}

async function recordOf(address: string, height: bigint, options: Options): Promise<SupplierRecord> {
  try {
    return stakedRecord(await options.chain.caches.supplier.refresh(address), height, options);
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === "CHAIN_NOT_FOUND") return notStaked(address, options);
    throw thrown;
  }
}

async function write(record: SupplierRecord, { records }: Options): Promise<void> {
  const { operatorAddress, services } = record;
  const before = await records.read(operatorAddress).catch(() => undefined);
  await records.write(record);
  await records.register({
    operatorAddress,
    services,
    status: record.staked ? "active" : "draining",
    updatedAt: record.lastUpdated,
  });
  if (before === undefined || factsOf(before) !== factsOf(record))
    await records.announce({ action: before ? "update" : "add", operatorAddress, services, reason: "" });
}

/** All of a record that makes a difference to a relayer. */
const factsOf = ({ lastUpdated: _, updatedBy: __, ...facts }: SupplierRecord): string =>
  JSON.stringify(facts, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value));

/** Services by the history at this height: a change takes effect at a session's start (relay-path 5.3). */
function stakedRecord(supplier: Supplier, height: bigint, { instance, clock }: Options): SupplierRecord {
  const active = supplier.serviceConfigHistory
    .filter(
      ({ activationHeight, deactivationHeight }) =>
        activationHeight <= height && (deactivationHeight === 0n || height < deactivationHeight),
    )
    .flatMap(({ service }) => (service === undefined ? [] : [service]));
  const configs = supplier.serviceConfigHistory.length === 0 ? supplier.services : active;
  const endpoints = configs.flatMap(({ serviceId, endpoints: given }) =>
    given.flatMap(({ rpcType }) => {
      const name = RPC_NAMES[rpcType];
      return name === undefined ? [] : [{ serviceId, rpcType: name }];
    }),
  );
  const distinct = new Map(
    endpoints.map((endpoint) => [`${endpoint.serviceId}/${endpoint.rpcType}`, endpoint]),
  );
  return {
    status: supplier.unstakeSessionEndHeight > 0n ? "unstaking" : "active",
    staked: true,
    services: [...new Set(configs.map(({ serviceId }) => serviceId))],
    stakedEndpoints: [...distinct.values()],
    unstakeSessionEndHeight: supplier.unstakeSessionEndHeight,
    operatorAddress: supplier.operatorAddress,
    ownerAddress: supplier.ownerAddress,
    lastUpdated: BigInt(Math.floor(clock.now() / 1000)),
    lastRefreshSessionStart: 0n,
    updatedBy: instance,
  };
}

const notStaked = (address: string, { instance, clock }: Options): SupplierRecord => ({
  status: "not_staked",
  staked: false,
  services: [],
  stakedEndpoints: [],
  unstakeSessionEndHeight: 0n,
  operatorAddress: address,
  ownerAddress: "",
  lastUpdated: BigInt(Math.floor(clock.now() / 1000)),
  lastRefreshSessionStart: 0n,
  updatedBy: instance,
});
