import type { Clock } from "../../base/clock.ts";
import { AppError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { ageOfEntry, cacheKindOf, heightOfParamsKey, scanKeys } from "../redis/cache-keys.ts";
import { type Ack, openRequester } from "../redis/commands.ts";
import type { RedisConnections } from "../redis/connect.ts";
import { HEARTBEAT_TTL_MS } from "../redis/heartbeat.ts";
import { cacheInvalidations, type Invalidation } from "../redis/invalidations.ts";
import type { Keys } from "../redis/keys.ts";
import { numberOf } from "../redis/reply.ts";
import type { Replica } from "../redis/view-replicas.ts";
import { askableReplicas } from "./askable-replicas.ts";
import { INVALIDATE_COMMAND, type Invalidatable } from "./invalidation.ts";

export type Invalidate = {
  readonly redis: RedisConnections;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly entity: Invalidatable;
  /** Address, service id or session id; undefined: all of its kind. */
  readonly id: string | undefined;
  /** How long to wait for the replicas' answers. */
  readonly timeoutMs: number;
  /** Who asks, for the audit entry. */
  readonly by: string;
  /** Tells what would be deleted and who would be asked; changes nothing. */
  readonly dryRun?: boolean;
};

/** A key of Redis that is gone; `ageMs` where the entry told it. */
export type Deleted = { readonly key: string; readonly ageMs?: number };

/** A replica that was asked and has not done it. */
export type Unacknowledged = {
  readonly id: string;
  readonly role: string;
  /** Since its last heartbeat; undefined: longer than a heartbeat lives. */
  readonly beatAgeMs: number | undefined;
  /** What it answered, when it answered that it cannot. */
  readonly error: string | undefined;
};

export type InvalidationReport = {
  readonly entity: Invalidatable;
  readonly key: string;
  readonly dryRun: boolean;
  readonly deleted: readonly Deleted[];
  /** How many replicas are to acknowledge, how many did. */
  readonly expected: number;
  readonly acked: number;
  /** Who did, and how long after the question. A dry run lists who would be asked, with `ms` 0. */
  readonly replicas: readonly { readonly id: string; readonly role: string; readonly ms: number }[];
  readonly missing: readonly string[];
  readonly unacknowledged: readonly Unacknowledged[];
};

/**
 * Makes the whole fleet read an entity from the chain anew: deletes its copies in Redis, tells Go's channels, and has every replica
 * forget it and say so (architecture 5). Throws the AppErrors of Redis, BAD_KEY_PART, CACHE_SCAN_UNFINISHED.
 * `ha:supplier:{address}` stays: it is the miners' record of a supplier, no cache.
 */
export async function invalidate(given: Invalidate): Promise<InvalidationReport> {
  const { redis, keys, clock, logger, entity, id, timeoutMs, by, dryRun = false } = given;
  const asked = await askableReplicas(redis.commands, keys, { tidy: !dryRun });
  const deleted = await deleteShared(given, dryRun);
  const about = { entity, key: id ?? "*", dryRun, deleted };
  if (dryRun) {
    const replicas = asked.map(({ id: replica, role }) => ({ id: replica, role, ms: 0 }));
    return { ...about, expected: asked.length, acked: 0, replicas, missing: [], unacknowledged: [] };
  }
  const invalidations = cacheInvalidations(redis, keys, logger);
  for (const announcement of announcements(entity, id, deleted)) await invalidations.publish(announcement);
  const { acks } = await openRequester({ redis, keys, clock }).requestAcks({
    command: { name: INVALIDATE_COMMAND, args: { entity, ...(id !== undefined && { id }) } },
    expected: asked.map((replica) => replica.id),
    timeoutMs,
    by,
  });
  const unacknowledged = await withBeatAges(redis, keys, notDone(asked, acks));
  const replicas = acks
    .filter(({ error }) => error === undefined)
    .map(({ id: replica, role, ms }) => ({ id: replica, role, ms: Math.round(ms * 10) / 10 }));
  return {
    ...about,
    expected: replicas.length + unacknowledged.length,
    acked: replicas.length,
    replicas,
    missing: unacknowledged.map((replica) => replica.id),
    unacknowledged,
  };
}

/** Where the copies of an entity lie in Redis: single keys, and patterns where its id does not tell the key. */
function sharedPlaces(keys: Keys, entity: Invalidatable, id: string | undefined) {
  const of = (...kinds: readonly string[]) =>
    id === undefined
      ? { keys: [], patterns: kinds.map((kind) => `${keys.cachePrefix}:${kind}:*`) }
      : { keys: kinds.map((kind) => keys.cache(kind, id)), patterns: [] };
  switch (entity) {
    case "application":
      return of("application", "account");
    case "service":
      return of("service");
    case "supplier":
      return of("supplier", "account");
    case "session":
      return { keys: [], patterns: [`${keys.cachePrefix}:session:*`] };
    case "params":
      return {
        keys: [keys.sharedParams, keys.sessionParams, keys.proofParams],
        patterns: [`${keys.cachePrefix}:params:*`],
      };
    case "all":
      return { keys: [], patterns: [`${keys.cachePrefix}:*`] };
  }
}

async function deleteShared({ redis, keys, entity, id }: Invalidate, dryRun: boolean): Promise<Deleted[]> {
  const { commands } = redis;
  const places = sharedPlaces(keys, entity, id);
  const deleted = new Map<string, Deleted>();
  const deleteOne = async (key: string) => {
    const kind = cacheKindOf(keys, key);
    // A lock is a loader at work: taking it away would start a second one.
    if (kind === "lock") return;
    const left = numberOf(await commands.send("PTTL", key));
    const existed = dryRun ? left !== -2 : numberOf(await commands.send("UNLINK", key)) > 0;
    const ageMs = ageOfEntry(kind, left);
    if (existed) deleted.set(key, { key, ...(ageMs !== undefined && { ageMs }) });
  };
  const deleteAll = async (found: readonly string[]) => void (await Promise.all(found.map(deleteOne)));
  await deleteAll(places.keys);
  for (const pattern of places.patterns)
    if (!(await scanKeys(commands, pattern, deleteAll)))
      throw new AppError("CACHE_SCAN_UNFINISHED", "Redis holds too many keys to find all cached entries", {
        pattern,
        deleted: deleted.size,
      });
  return [...deleted.values()];
}

/** What the Go peer's channels are told; its replicas do not know our command (relay-path 9.6). */
function announcements(
  entity: Invalidatable,
  id: string | undefined,
  deleted: readonly Deleted[],
): readonly Invalidation[] {
  const one = (type: Invalidation["type"]): Invalidation => (id === undefined ? { type } : { type, id });
  const params = (): Invalidation[] => [
    { type: "shared_params" },
    { type: "session_params" },
    { type: "proof_params" },
    { type: "supplier_params" },
    ...deleted
      .filter(({ key }) => /:params:shared:\d+$/.test(key))
      .map(({ key }): Invalidation => ({ type: "params_at_height", id: heightOfParamsKey(key) })),
  ];
  switch (entity) {
    case "application":
    case "supplier":
      return [one(entity), one("account")];
    case "service":
      return [one(entity)];
    case "session":
      return [{ type: "session" }];
    case "params":
      return params();
    case "all":
      return [
        { type: "application" },
        { type: "service" },
        { type: "supplier" },
        { type: "account" },
        { type: "session" },
        ...params(),
      ];
  }
}

type NotDone = Omit<Unacknowledged, "beatAgeMs">;

/** Who of those asked was silent, and whoever answered that it failed. */
function notDone(asked: readonly Replica[], acks: readonly Ack[]): NotDone[] {
  const answered = new Set(acks.map(({ id }) => id));
  const silent = asked
    .filter(({ id }) => !answered.has(id))
    .map(({ id, role }) => ({ id, role, error: undefined }));
  const failed = acks
    .filter(({ error }) => error !== undefined)
    .map(({ id, role, error }) => ({ id, role, error }));
  return [...silent, ...failed];
}

const withBeatAges = (redis: RedisConnections, keys: Keys, replicas: readonly NotDone[]) =>
  Promise.all(
    replicas.map(async (replica): Promise<Unacknowledged> => {
      const left = numberOf(await redis.commands.send("PTTL", keys.heartbeat(replica.id)));
      return { ...replica, beatAgeMs: left < 0 ? undefined : Math.max(0, HEARTBEAT_TTL_MS - left) };
    }),
  );
