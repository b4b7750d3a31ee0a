import type { EndpointView, RelayFigures, ReplicaView } from "../ops/view.ts";
import type { RedisClient } from "./client.ts";
import { HEARTBEAT_TTL_MS, isKeyPart } from "./heartbeat.ts";
import type { Keys } from "./keys.ts";
import { decodeJsonObject, type Json, type JsonObject } from "./own-json.ts";
import { bytesOrNone, numberOf, textsOf } from "./reply.ts";

const MAX_REPLICAS = 500;

/** What a replica's memory holds of one kind: the size, and the entries it shows (runtime/cache/ages.ts). */
export type MemoryCache = { readonly size: number; readonly ages: ReadonlyMap<string, number> };

export type Replica = ReplicaView & { readonly caches: ReadonlyMap<string, MemoryCache> };

/**
 * Every process that beats or has stopped without a goodbye. Ages come from Redis' own clock (the heartbeat's time to live), so that
 * hosts with different clocks compare. `last` is what the previous call answered. Writes nothing.
 */
export async function readReplicas(
  redis: RedisClient,
  keys: Keys,
  last: readonly Replica[],
): Promise<readonly Replica[]> {
  const ids = textsOf(await redis.send("SMEMBERS", keys.heartbeats)).filter((id) => isKeyPart(keys, id));
  ids.sort((left, right) => (left < right ? -1 : 1));
  const found = await Promise.all(ids.slice(0, MAX_REPLICAS).map((id) => readReplica(redis, keys, id, last)));
  const heights = found.flatMap(({ alive, height }) => (alive && height !== undefined ? [height] : []));
  const highest = heights.sort((left, right) => Number(left - right)).at(-1) ?? 0n;
  return found.map((replica) => ({
    ...replica,
    lagBlocks: replica.alive && replica.height !== undefined ? highest - replica.height : undefined,
  }));
}

async function readReplica(
  redis: RedisClient,
  keys: Keys,
  id: string,
  last: readonly Replica[],
): Promise<Replica> {
  const [value, left] = await Promise.all([
    redis.send("GET", keys.heartbeat(id)),
    redis.send("PTTL", keys.heartbeat(id)),
  ]);
  const bytes = bytesOrNone(value);
  const beatAgeMs = Math.max(0, HEARTBEAT_TTL_MS - numberOf(left));
  if (bytes !== undefined) return replicaOf(id, decodeJsonObject(bytes) ?? {}, beatAgeMs);
  const known = last.find((replica) => replica.id === id);
  return { ...(known ?? replicaOf(id, {}, undefined)), alive: false, beatAgeMs: undefined };
}

function replicaOf(id: string, json: JsonObject, beatAgeMs: number | undefined): Replica {
  const details = objectOf(json["details"]);
  const height = numberIn(details["height"]);
  const heightAge = numberIn(details["heightAgeMs"]);
  const isHeightKnown = height !== undefined && Number.isSafeInteger(height) && height > 0;
  return {
    id,
    role: textIn(json["role"]) ?? "unknown",
    version: textIn(json["version"]) ?? "unknown",
    host: textIn(json["host"]) ?? "unknown",
    pid: numberIn(json["pid"]),
    alive: true,
    beatAgeMs,
    startedAt: numberIn(json["startedAt"]),
    height: isHeightKnown ? BigInt(height) : undefined,
    heightAgeMs: isHeightKnown && heightAge !== undefined ? heightAge + (beatAgeMs ?? 0) : undefined,
    lagBlocks: undefined,
    isLeader: typeof details["leader"] === "boolean" ? details["leader"] : undefined,
    relays: relayFigures(details),
    suppliers: textsIn(details["suppliers"]),
    services: listIn(details["services"]).flatMap((service) => textIn(objectOf(service)["id"]) ?? []),
    endpoints: listIn(details["services"]).flatMap((service) => endpointsIn(objectOf(service))),
    rssBytes: numberIn(details["rssBytes"]),
    caches: cachesIn(details["caches"], beatAgeMs ?? 0),
  };
}

function endpointsIn({ id, backends }: JsonObject): EndpointView[] {
  return Object.entries(objectOf(backends)).flatMap(([rpcType, endpoints]) =>
    listIn(endpoints).map((endpoint) => {
      const { name, state } = objectOf(endpoint);
      return {
        service: textIn(id) ?? "unknown",
        rpcType,
        name: textIn(name) ?? "unknown",
        state: textIn(state) ?? "unknown",
      };
    }),
  );
}

function relayFigures(details: JsonObject): RelayFigures | undefined {
  const served = numberIn(details["served"]);
  if (served === undefined) return undefined;
  // A relayer that has served nothing has no latencies, whatever it writes for them.
  const latency = (name: string) => (served > 0 ? numberIn(details[name]) : undefined);
  return {
    perSecond: numberIn(details["relaysPerSecond"]),
    served,
    inFlight: numberIn(details["inFlight"]),
    p50Ms: latency("p50Ms"),
    p99Ms: latency("p99Ms"),
    refused: Object.fromEntries(
      Object.entries(objectOf(details["refused"])).flatMap(([reason, count]) =>
        typeof count === "number" ? [[reason, count]] : [],
      ),
    ),
  };
}

function cachesIn(json: Json | undefined, beatAgeMs: number): ReadonlyMap<string, MemoryCache> {
  return new Map(
    Object.entries(objectOf(json)).map(([name, cache]) => {
      const { size, entries } = objectOf(cache);
      const ages = listIn(entries).flatMap((entry) => {
        const [key, age] = listIn(entry);
        return typeof key === "string" && typeof age === "number" ? [[key, age + beatAgeMs] as const] : [];
      });
      return [name, { size: numberIn(size) ?? ages.length, ages: new Map(ages) }];
    }),
  );
}

const objectOf = (json: Json | undefined): JsonObject =>
  typeof json === "object" && json !== null && !Array.isArray(json) ? (json as JsonObject) : {};
const listIn = (json: Json | undefined): readonly Json[] =>
  Array.isArray(json) ? (json as readonly Json[]) : [];
const textIn = (json: Json | undefined): string | undefined => (typeof json === "string" ? json : undefined);
const numberIn = (json: Json | undefined): number | undefined =>
  typeof json === "number" && Number.isFinite(json) ? json : undefined;
const textsIn = (json: Json | undefined): string[] => listIn(json).flatMap((value) => textIn(value) ?? []);
