import { AppError, toError } from "../../base/errors.ts";
import * as queries from "../../chain/node/queries.ts";
import type { ChainClient } from "../../chain/node/types.ts";
import { QUERIES } from "../../chain/proto/queries.ts";
import {
  accountEntity,
  applicationEntity,
  type CacheEntity,
  proofParamsEntity,
  serviceEntity,
  sessionParamsEntity,
  sharedParamsEntity,
} from "../redis/cache-entries.ts";
import { ageOfEntry, type CacheKind } from "../redis/cache-keys.ts";
import type { RedisClient } from "../redis/client.ts";
import type { Keys } from "../redis/keys.ts";
import { bytesOrNone, numberOf } from "../redis/reply.ts";
import type { Replica } from "../redis/view-replicas.ts";
import { type Difference, differences } from "./flatten.ts";

/** What can be looked at: one application, service or supplier, or the params. */
export type Inspectable = "application" | "service" | "supplier" | "params";

/** One copy of a value outside the replicas. `value` is the decoded message; `problem` says why it could not be read. */
export type Copy =
  | { readonly state: "held"; readonly value: unknown; readonly ageMs?: number; readonly ttlMs?: number }
  | { readonly state: "absent" }
  | { readonly state: "problem"; readonly problem: string };

export type Inspected = {
  readonly kind: CacheKind;
  readonly key: string;
  /** Per replica that beats: age in its memory; "unknown": its heartbeat shows only a part of that cache. */
  readonly memory: readonly {
    readonly id: string;
    readonly role: string;
    readonly ageMs: number | "absent" | "unknown";
  }[];
  /** Undefined: this kind is not shared through Redis. */
  readonly shared: Copy | undefined;
  /** Undefined: no chain endpoint was given. */
  readonly chain: Copy | undefined;
  /** Between the copies in Redis and on chain, where both are held. */
  readonly differences: readonly Difference[];
};

export type Inspect = {
  readonly redis: RedisClient;
  readonly keys: Keys;
  readonly replicas: readonly Replica[];
  readonly client: Pick<ChainClient, "query"> | undefined;
  readonly entity: Inspectable;
  /** Address or service id; undefined for the params. */
  readonly id: string | undefined;
};

type Place<Value> = {
  readonly kind: CacheKind;
  readonly entity: CacheEntity<string, Value> | undefined;
  readonly load: (client: Pick<ChainClient, "query">, id: string) => Promise<Value>;
};

const place = <Value>(
  kind: CacheKind,
  entity: CacheEntity<string, Value> | undefined,
  load: Place<Value>["load"],
): Place<unknown> => ({ kind, entity, load }) as Place<unknown>;

const single = <Value>(entity: CacheEntity<void, Value>): CacheEntity<string, Value> => ({
  ...entity,
  key: (keys) => entity.key(keys, undefined),
});

const ACCOUNT = place("account", accountEntity, async (client, address) => {
  const key = (await queries.account(client, address))?.publicKey;
  if (key === undefined) throw new AppError("CHAIN_NOT_FOUND", "the account has no public key on chain");
  return key;
});

const PLACES: Readonly<Record<Inspectable, readonly Place<unknown>[]>> = {
  application: [place("application", applicationEntity, queries.application), ACCOUNT],
  service: [place("service", serviceEntity, queries.service)],
  supplier: [place("supplier", undefined, queries.supplier), ACCOUNT],
  params: [
    place("shared_params", single(sharedParamsEntity), (client) => queries.sharedParams(client)),
    place("session_params", single(sessionParamsEntity), async (client) => {
      const { params } = await client.query(QUERIES.sessionParams, {});
      if (params === undefined) throw new AppError("CHAIN_BAD_ANSWER", "the answer has no session params");
      return params;
    }),
    place("proof_params", single(proofParamsEntity), queries.proofParams),
  ],
};

/** The key under which a replica's memory holds params that are in force now. */
const LIVE = "live";

/** Every copy of an entity: per replica, in Redis, on chain. Throws the AppErrors of Redis; the chain's are told in the copy. */
export const inspect = (given: Inspect): Promise<Inspected[]> =>
  Promise.all(PLACES[given.entity].map((at) => inspectOne(given, at)));

async function inspectOne(given: Inspect, { kind, entity, load }: Place<unknown>): Promise<Inspected> {
  const { redis, keys, replicas, client, id = LIVE } = given;
  const [shared, chain] = await Promise.all([
    entity && sharedCopy(redis, kind, entity.key(keys, id), entity.decode),
    client && chainCopy(() => load(client, id)),
  ]);
  const comparable = shared?.state === "held" && chain?.state === "held";
  return {
    kind,
    key: id,
    memory: replicas
      .filter(({ alive }) => alive)
      .map((replica) => ({ id: replica.id, role: replica.role, ageMs: memoryAge(replica, kind, id) })),
    shared,
    chain,
    differences: comparable ? differences(shared.value, chain.value) : [],
  };
}

function memoryAge({ caches }: Replica, kind: CacheKind, id: string): number | "absent" | "unknown" {
  const cache = caches.get(kind);
  if (cache === undefined) return "absent";
  return cache.ages.get(id) ?? (cache.size > cache.ages.size ? "unknown" : "absent");
}

async function sharedCopy(
  redis: RedisClient,
  kind: CacheKind,
  key: string,
  decode: (bytes: Uint8Array) => unknown,
): Promise<Copy> {
  const [value, left] = await Promise.all([redis.send("GET", key), redis.send("PTTL", key)]);
  const bytes = bytesOrNone(value);
  if (bytes === undefined) return { state: "absent" };
  const ttlMs = numberOf(left);
  const ageMs = ageOfEntry(kind, ttlMs);
  try {
    return {
      state: "held",
      value: decode(bytes),
      ...(ageMs !== undefined && { ageMs }),
      ...(ttlMs >= 0 && { ttlMs }),
    };
  } catch (thrown) {
    return { state: "problem", problem: `cannot be read: ${toError(thrown).message}` };
  }
}

async function chainCopy(load: () => Promise<unknown>): Promise<Copy> {
  try {
    return { state: "held", value: await load() };
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === "CHAIN_NOT_FOUND") return { state: "absent" };
    return { state: "problem", problem: toError(thrown).message };
  }
}
