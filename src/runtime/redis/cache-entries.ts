import { randomUUID } from "node:crypto";
import { AppError } from "../../base/errors.ts";
import { Application } from "../../chain/proto/application.ts";
import { ProofParams } from "../../chain/proto/proof.ts";
import { type Session, SessionParams } from "../../chain/proto/session.ts";
import { Service, SharedParams } from "../../chain/proto/shared.ts";
import type { SupplierParams } from "../../chain/proto/supplier.ts";
import type { Codec } from "../../chain/proto/wire.ts";
import { sessionJson, sharedParamsJson, supplierParamsJson } from "./chain-json.ts";
import type { RedisClient } from "./client.ts";
import { decodeJson, encodeJson, type JsonCodec } from "./go-json.ts";
import type { Keys } from "./keys.ts";
import { bytesOrNone, textsOf } from "./reply.ts";
import { loadScript } from "./script.ts";

/** One kind of shared cache entry: where it lies and how it is written (relay-path 9.6). `Id` is what tells two of a kind apart. */
export type CacheEntity<Id, Value> = {
  readonly key: (keys: Keys, id: Id) => string;
  readonly encode: (value: Value) => Uint8Array;
  /** Throws on bytes that are no such value. */
  readonly decode: (bytes: Uint8Array) => Value;
  /** Go's time to live in ms; undefined: none. */
  readonly ttlMs: number | undefined;
};

const MINUTE_MS = 60_000;

const proto = <Id, Value>(
  key: CacheEntity<Id, Value>["key"],
  codec: Codec<Value>,
  ttlMs: number,
): CacheEntity<Id, Value> => ({ key, encode: codec.encode, decode: codec.decode, ttlMs });

const json = <Id, Value>(
  key: CacheEntity<Id, Value>["key"],
  codec: JsonCodec<Value>,
  ttlMs: number,
): CacheEntity<Id, Value> => ({
  key,
  encode: (value) => encodeJson(codec, value),
  decode: (bytes) => decodeJson(codec, bytes),
  ttlMs,
});

export type SessionPlace = {
  readonly application: string;
  readonly serviceId: string;
  readonly height: bigint;
};

export const applicationEntity: CacheEntity<string, Application> = proto(
  (keys, address) => keys.cache("application", address),
  Application,
  5 * MINUTE_MS,
);

export const serviceEntity: CacheEntity<string, Service> = proto(
  (keys, serviceId) => keys.cache("service", serviceId),
  Service,
  5 * MINUTE_MS,
);

/** A compressed public key. */
export const accountEntity: CacheEntity<string, Uint8Array> = {
  key: (keys, address) => keys.cache("account", address),
  encode: (publicKey) => publicKey,
  decode: (bytes) => {
    if (bytes.length !== 33)
      throw new AppError("REDIS_BAD_VALUE", "a cached public key has another length than 33");
    return bytes;
  },
  ttlMs: undefined,
};

/** Go's time to live here is two sessions; give the right one to `set`. */
export const sharedParamsEntity: CacheEntity<void, SharedParams> = proto(
  (keys) => keys.sharedParams,
  SharedParams,
  MINUTE_MS,
);
export const sessionParamsEntity: CacheEntity<void, SessionParams> = proto(
  (keys) => keys.sessionParams,
  SessionParams,
  MINUTE_MS,
);
export const proofParamsEntity: CacheEntity<void, ProofParams> = proto(
  (keys) => keys.proofParams,
  ProofParams,
  10 * MINUTE_MS,
);
export const supplierParamsEntity: CacheEntity<void, SupplierParams> = json(
  (keys) => keys.supplierParams,
  supplierParamsJson,
  5 * MINUTE_MS,
);

/** Params as of a height. */
export const sharedParamsAtEntity: CacheEntity<bigint, SharedParams> = json(
  (keys, height) => keys.cache("params", "shared", height.toString()),
  sharedParamsJson,
  30_000,
);

/** Keyed by the height that was asked for. Trust it as far as every writer of this Redis (relay-path 9.6). */
export const sessionEntity: CacheEntity<SessionPlace, Session> = json(
  (keys, { application, serviceId, height }) =>
    keys.cache("session", application, serviceId, height.toString()),
  sessionJson,
  5 * MINUTE_MS,
);

/** Go's sets of ids that are kept warm. */
export type KnownSet = "applications" | "services" | "suppliers";

export type CacheEntries = {
  /** Undefined when there is none. Throws on a value that cannot be read: treat it as a miss and write it anew. */
  get<Id, Value>(entity: CacheEntity<Id, Value>, id: Id): Promise<Value | undefined>;
  set<Id, Value>(entity: CacheEntity<Id, Value>, id: Id, value: Value, ttlMs?: number): Promise<void>;
  delete<Id, Value>(entity: CacheEntity<Id, Value>, id: Id): Promise<void>;
  known(set: KnownSet): Promise<string[]>;
  addKnown(set: KnownSet, ids: readonly string[]): Promise<void>;
  removeKnown(set: KnownSet, ids: readonly string[]): Promise<void>;
  /** One loader at a time in the fleet: undefined when another has it. The lock ends by itself after `ttlMs` (Go: 5 s). */
  lock(parts: readonly [string, ...string[]], ttlMs?: number): Promise<(() => Promise<void>) | undefined>;
};

const LOCK_MS = 5000;
const unlockScript = loadScript("unlock");

/** The L2 cache that a fleet shares. Deleting says nothing to other replicas: see invalidations.ts. */
export const cacheEntries = (redis: RedisClient, keys: Keys): CacheEntries => ({
  get: async (entity, id) => {
    const bytes = bytesOrNone(await redis.send("GET", entity.key(keys, id)));
    return bytes && entity.decode(bytes);
  },
  set: async (entity, id, value, ttlMs = entity.ttlMs) => {
    const expiry = ttlMs === undefined ? [] : ["PX", Math.max(1, Math.round(ttlMs))];
    await redis.send("SET", entity.key(keys, id), entity.encode(value), ...expiry);
  },
  delete: async (entity, id) => {
    await redis.send("DEL", entity.key(keys, id));
  },
  known: async (set) => textsOf(await redis.send("SMEMBERS", keys.cacheKnown(set))),
  addKnown: async (set, ids) => {
    if (ids.length > 0) await redis.send("SADD", keys.cacheKnown(set), ...ids);
  },
  removeKnown: async (set, ids) => {
    if (ids.length > 0) await redis.send("SREM", keys.cacheKnown(set), ...ids);
  },
  lock: async (parts, ttlMs = LOCK_MS) => {
    const [key, token] = [keys.cacheLock(...parts), randomUUID()];
    if ((await redis.send("SET", key, token, "PX", ttlMs, "NX")) === null) return undefined;
    return async () => {
      await redis.run(unlockScript, [key], [token]);
    };
  },
});
