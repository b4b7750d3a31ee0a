import type { Clock } from "../../base/clock.ts";
import { AppError } from "../../base/errors.ts";
import * as queries from "../../chain/node/queries.ts";
import type { ChainClient } from "../../chain/node/types.ts";
import type { Application } from "../../chain/proto/application.ts";
import type { ProofParams } from "../../chain/proto/proof.ts";
import { QUERIES } from "../../chain/proto/queries.ts";
import type { RelayMiningDifficulty } from "../../chain/proto/service.ts";
import type { Session, SessionParams } from "../../chain/proto/session.ts";
import type { Service, SharedParams, Supplier } from "../../chain/proto/shared.ts";
import { Ahead } from "./ahead.ts";
import { type CacheEvents, type Entity, type SharedTier, TieredCache } from "./tiered-cache.ts";

/** The Redis tier of each entity that has one in the Go peer's layout (relay-path 9.6). Keys are those of ENTITY_KEYS below. */
export type SharedTiers = {
  readonly application: SharedTier<Application>;
  readonly service: SharedTier<Service>;
  readonly account: SharedTier<Uint8Array>;
  readonly session: SharedTier<Session>;
  readonly sharedParams: SharedTier<SharedParams>;
  readonly sharedParamsAt: SharedTier<SharedParams>;
  readonly sessionParams: SharedTier<SessionParams>;
  readonly proofParams: SharedTier<ProofParams>;
};

type Dependencies = {
  readonly client: ChainClient;
  readonly clock: Clock;
  readonly events: CacheEvents;
  readonly shared: SharedTiers;
};

/** Ages as the Go peer's memory tier has them; live params are looked at more often, so that a change is seen within a block. */
const MINUTE = 60_000;
const LIVE = "live";
/** Values read again ahead of their age at once: with answers in a tenth of a second, ten thousand a minute. */
const MOST_AHEAD = 16;

/** A chain answer without the message it exists for. */
function present<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new AppError("CHAIN_BAD_ANSWER", `the chain's answer holds no ${what}`);
  return value;
}

const splitAtHeight = (key: string): { id: string; height: bigint } => {
  const colon = key.lastIndexOf(":");
  return { id: key.slice(0, colon), height: BigInt(key.slice(colon + 1)) };
};

/**
 * What the chain knows, through memory and Redis (architecture 5). Every method throws what the chain client throws;
 * CHAIN_NOT_FOUND alone means absent. Lookups with a height never age: the chain cannot change them any more.
 */
export class ChainData {
  readonly caches;

  constructor({ client, clock, events, shared }: Dependencies) {
    const ahead = new Ahead(MOST_AHEAD);
    const cache = <Value>(entity: Entity<Value>) => new TieredCache(entity, clock, events, ahead);
    this.caches = {
      application: cache<Application>({
        name: "application",
        limit: 10_000,
        maxAgeMs: MINUTE,
        shared: shared.application,
        load: (address) => queries.application(client, address),
      }),
      service: cache<Service>({
        name: "service",
        limit: 2_000,
        maxAgeMs: MINUTE,
        shared: shared.service,
        load: (id) => queries.service(client, id),
      }),
      supplier: cache<Supplier>({
        name: "supplier",
        limit: 10_000,
        maxAgeMs: MINUTE,
        load: (operatorAddress) => queries.supplier(client, operatorAddress),
      }),
      account: cache<Uint8Array>({
        name: "account",
        limit: 20_000,
        maxAgeMs: 30 * MINUTE,
        shared: shared.account,
        load: (address) => publicKeyOf(client, address),
      }),
      session: cache<Session>({
        name: "session",
        limit: 10_000,
        maxAgeMs: undefined,
        shared: shared.session,
        load: (key) => loadSession(client, key),
      }),
      ...paramsCaches(client, shared, cache),
    };
  }

  application = (address: string): Promise<Application> => this.caches.application.get(address);
  service = (id: string): Promise<Service> => this.caches.service.get(id);
  supplier = (operatorAddress: string): Promise<Supplier> => this.caches.supplier.get(operatorAddress);
  /** The 33-byte compressed key; ACCOUNT_WITHOUT_KEY when the account never signed or has no plain secp256k1 key (relay-path 3.1). */
  publicKey = (address: string): Promise<Uint8Array> => this.caches.account.get(address);
  sharedParams = (): Promise<SharedParams> => this.caches.shared_params.get(LIVE);
  sharedParamsAt = (height: bigint): Promise<SharedParams> => this.caches.shared_params_at.get(`${height}`);
  sessionParams = (): Promise<SessionParams> => this.caches.session_params.get(LIVE);
  proofParams = (): Promise<ProofParams> => this.caches.proof_params.get(LIVE);
  /** The session of an application and service that holds a height the chain has reached. */
  session = (application: string, service: string, height: bigint): Promise<Session> =>
    this.caches.session.get(`${application}:${service}:${height}`);
  computeUnitsPerRelayAt = (service: string, height: bigint): Promise<bigint> =>
    this.caches.compute_units.get(`${service}:${height}`);
  difficultyAt = (service: string, height: bigint): Promise<RelayMiningDifficulty> =>
    this.caches.difficulty.get(`${service}:${height}`);
}

type Build = <Value>(entity: Entity<Value>) => TieredCache<Value>;

function paramsCaches(client: ChainClient, shared: SharedTiers, cache: Build) {
  return {
    shared_params: cache<SharedParams>({
      name: "shared_params",
      limit: 1,
      maxAgeMs: 10_000,
      shared: shared.sharedParams,
      load: () => queries.sharedParams(client),
    }),
    shared_params_at: cache<SharedParams>({
      name: "shared_params_at",
      limit: 5_000,
      maxAgeMs: undefined,
      shared: shared.sharedParamsAt,
      load: (height) => queries.sharedParams(client, BigInt(height)),
    }),
    session_params: cache<SessionParams>({
      name: "session_params",
      limit: 1,
      maxAgeMs: 10_000,
      shared: shared.sessionParams,
      load: async () => present((await client.query(QUERIES.sessionParams, {})).params, "session params"),
    }),
    proof_params: cache<ProofParams>({
      name: "proof_params",
      limit: 1,
      maxAgeMs: 10_000,
      shared: shared.proofParams,
      load: () => queries.proofParams(client),
    }),
    compute_units: cache<bigint>({
      name: "compute_units",
      limit: 20_000,
      maxAgeMs: undefined,
      load: async (key) => {
        const { id, height } = splitAtHeight(key);
        const units = await queries.computeUnitsPerRelayAt(client, { serviceId: id, blockHeight: height });
        if (units <= 0n)
          throw new AppError("CHAIN_BAD_ANSWER", "the chain answered no compute units per relay", { key });
        return units;
      },
    }),
    difficulty: cache<RelayMiningDifficulty>({
      name: "difficulty",
      limit: 20_000,
      maxAgeMs: undefined,
      load: async (key) => {
        const { id, height } = splitAtHeight(key);
        const difficulty = await queries.difficultyAt(client, { serviceId: id, blockHeight: height });
        if (difficulty.targetHash.length !== 32)
          throw new AppError("CHAIN_BAD_ANSWER", "the chain answered a target hash that is not 32 bytes", {
            key,
          });
        return difficulty;
      },
    }),
  };
}

async function loadSession(client: ChainClient, key: string): Promise<Session> {
  const { id, height } = splitAtHeight(key);
  const colon = id.indexOf(":");
  return queries.session(client, {
    applicationAddress: id.slice(0, colon),
    serviceId: id.slice(colon + 1),
    blockHeight: height,
  });
}

async function publicKeyOf(client: ChainClient, address: string): Promise<Uint8Array> {
  const account = await queries.account(client, address);
  if (account?.publicKey !== undefined) return account.publicKey;
  const why = account === undefined ? "it has no account" : "it never signed, or its key is of another kind";
  throw new AppError("ACCOUNT_WITHOUT_KEY", "an address has no secp256k1 public key on chain", {
    address,
    why,
  });
}
