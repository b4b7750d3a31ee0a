import type { CacheListing, CacheView, SharedCopy } from "../ops/view.ts";
import {
  accountEntity,
  applicationEntity,
  type CacheEntity,
  type KnownSet,
  proofParamsEntity,
  serviceEntity,
  sessionEntity,
  sharedParamsAtEntity,
  sharedParamsEntity,
} from "./cache-entries.ts";
import { ageOfEntry, type CacheKind } from "./cache-keys.ts";
import type { RedisClient } from "./client.ts";
import type { Keys } from "./keys.ts";
import { numberOf, textOrNone, textsOf } from "./reply.ts";
import type { Replica } from "./view-replicas.ts";

const MAX_ROWS = 2_000;

type Place = (keys: Keys, id: string) => string;

const shared =
  <Id>({ key }: Pick<CacheEntity<Id, unknown>, "key">, idOf: (text: string) => Id): Place =>
  (keys, id) =>
    key(keys, idOf(id));
const same = (key: string) => key;

/** Kind of cached value, as heartbeats name it → its place in Redis; kinds that are not here live in memory only. */
const SHARED: Readonly<Partial<Record<CacheKind, Place>>> = {
  application: shared(applicationEntity, same),
  service: shared(serviceEntity, same),
  account: shared(accountEntity, same),
  session: shared(sessionEntity, sessionPlace),
  shared_params: shared(sharedParamsEntity, () => undefined),
  shared_params_at: shared(sharedParamsAtEntity, BigInt),
  proof_params: shared(proofParamsEntity, () => undefined),
};

function sessionPlace(key: string) {
  const [application = "", serviceId = "", height = "0"] = key.split(":");
  return { application, serviceId, height: BigInt(height) };
}

/** Go's sets of ids that are kept warm → the kind they are of. */
const KNOWN: readonly (readonly [KnownSet, string])[] = [
  ["applications", "application"],
  ["services", "service"],
];

/** Every value that a live replica shows in its memory or that Go's sets name, with its age per tier. */
export async function readCache(
  redis: RedisClient,
  keys: Keys,
  replicas: readonly Replica[],
): Promise<CacheListing> {
  const live = replicas.filter(({ alive }) => alive);
  const [generation, ...known] = await Promise.all([
    redis.send("GET", keys.generation),
    ...KNOWN.map(([set]) => redis.send("SMEMBERS", keys.cacheKnown(set))),
  ]);
  const names = new Set<string>();
  for (const { caches } of live)
    for (const [entity, { ages }] of caches) for (const key of ages.keys()) names.add(`${entity} ${key}`);
  known.forEach((members, index) => {
    for (const key of textsOf(members)) names.add(`${KNOWN[index]?.[1]} ${key}`);
  });
  const rows = [...names].sort(byText).slice(0, MAX_ROWS);
  const entries = await Promise.all(
    rows.map(async (name): Promise<CacheView> => {
      const space = name.indexOf(" ");
      const [entity, key] = [name.slice(0, space), name.slice(space + 1)];
      const memory = Object.fromEntries(live.map((replica) => [replica.id, inMemory(replica, entity, key)]));
      return { entity, key, memory, shared: await sharedCopy(redis, keys, entity, key) };
    }),
  );
  const sizes = live.flatMap(({ caches }) => [...caches.values()].map(({ size }) => size));
  return {
    entries,
    held: sizes.reduce((sum, size) => sum + size, 0),
    generation: textOrNone(generation),
  };
}

const byText = (left: string, right: string): number => (left < right ? -1 : 1);

/** A heartbeat shows a part of a large cache: what is not shown may be held all the same. */
function inMemory({ caches }: Replica, entity: string, key: string): number | "absent" | "unknown" {
  const cache = caches.get(entity);
  if (cache === undefined) return "absent";
  return cache.ages.get(key) ?? (cache.size > cache.ages.size ? "unknown" : "absent");
}

async function sharedCopy(redis: RedisClient, keys: Keys, entity: string, key: string): Promise<SharedCopy> {
  const kind = entity as CacheKind;
  const name = placeOf(keys, kind, key);
  if (name === undefined) return { state: "none" };
  const left = numberOf(await redis.send("PTTL", name));
  if (left === -2) return { state: "absent" };
  return { state: "held", ageMs: ageOfEntry(kind, left), ttlMs: left === -1 ? undefined : left };
}

function placeOf(keys: Keys, kind: CacheKind, key: string): string | undefined {
  try {
    return SHARED[kind]?.(keys, key);
  } catch {
    return undefined;
  }
}
