import {
  applicationEntity,
  proofParamsEntity,
  serviceEntity,
  sharedParamsAtEntity,
} from "./cache-entries.ts";
import type { RedisClient } from "./client.ts";
import type { Keys } from "./keys.ts";
import { listOf, textOf, textsOf } from "./reply.ts";

/** Kinds of cache entry that a fleet keeps in Redis (relay-path 9.6). `other` is what this version does not know. */
export type CacheKind =
  | "application"
  | "service"
  | "account"
  | "supplier"
  | "session"
  | "shared_params"
  | "shared_params_at"
  | "session_params"
  | "proof_params"
  | "supplier_params"
  | "known"
  | "lock"
  | "other";

const BY_SEGMENT: Readonly<Record<string, CacheKind>> = {
  application: "application",
  service: "service",
  account: "account",
  supplier: "supplier",
  session: "session",
  shared_params: "shared_params",
  session_params: "session_params",
  proof_params: "proof_params",
  known: "known",
  lock: "lock",
};

/** What kind of entry a key of the cache holds. */
export function cacheKindOf(keys: Keys, key: string): CacheKind {
  const [segment = "", next] = key.slice(keys.cachePrefix.length + 1).split(":");
  if (segment !== "params") return BY_SEGMENT[segment] ?? "other";
  return next === "shared" ? "shared_params_at" : next === "supplier" ? "supplier_params" : "other";
}

/** The height of a `params:shared:{height}` key. */
export const heightOfParamsKey = (key: string): string => key.slice(key.lastIndexOf(":") + 1);

/** Kinds whose every writer uses one time to live: only there does the time left tell the age. */
const STEADY: Readonly<Partial<Record<CacheKind, number | undefined>>> = {
  application: applicationEntity.ttlMs,
  service: serviceEntity.ttlMs,
  proof_params: proofParamsEntity.ttlMs,
  shared_params_at: sharedParamsAtEntity.ttlMs,
};

/** Age of an entry by its PTTL answer, in milliseconds; undefined where the entry does not say. */
export function ageOfEntry(kind: CacheKind, msLeft: number): number | undefined {
  const ttlMs = STEADY[kind];
  return ttlMs !== undefined && msLeft >= 0 && msLeft <= ttlMs ? ttlMs - msLeft : undefined;
}

const PER_TURN = 500;
/** A Redis with more keys than this is no relay fleet's: the scan ends rather than run for minutes. */
const MAX_TURNS = 20_000;

/**
 * Every key that fits the pattern, in batches as Redis gives them; a key may come twice. Answers whether all keys were looked at.
 * Never KEYS: other commands run between the turns.
 */
export async function scanKeys(
  redis: RedisClient,
  pattern: string,
  onBatch: (found: readonly string[]) => Promise<void> | void,
): Promise<boolean> {
  let cursor = "0";
  for (let turn = 0; turn < MAX_TURNS; turn++) {
    const [next, found] = listOf(await redis.send("SCAN", cursor, "MATCH", pattern, "COUNT", PER_TURN));
    const batch = textsOf(found);
    if (batch.length > 0) await onBatch(batch);
    cursor = textOf(next);
    if (cursor === "0") return true;
  }
  return false;
}

export type CacheCounts = {
  /** Kind → entries in Redis; kinds without any are left out. */
  readonly counts: ReadonlyMap<CacheKind, number>;
  /** False: the scan ended early and there may be more. */
  readonly complete: boolean;
};

/** How many entries of each kind the shared cache holds. */
export async function countCacheEntries(redis: RedisClient, keys: Keys): Promise<CacheCounts> {
  const seen = new Set<string>();
  const complete = await scanKeys(redis, `${keys.cachePrefix}:*`, (batch) => {
    for (const key of batch) seen.add(key);
  });
  const counts = new Map<CacheKind, number>();
  for (const key of seen) {
    const kind = cacheKindOf(keys, key);
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return { counts, complete };
}
