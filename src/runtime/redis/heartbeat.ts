import type { RedisClient } from "./client.ts";
import type { Keys } from "./keys.ts";
import { decodeJsonObject, type JsonObject } from "./own-json.ts";
import { bytesOrNone, listOf, numberOf, textsOf } from "./reply.ts";

/** How long a replica counts as alive after its last beat. */
export const HEARTBEAT_TTL_MS = 10_000;

/** What every process says of itself; `details` is its own and only shown. */
export type Heartbeat = {
  readonly id: string;
  readonly role: string;
  readonly version: string;
  readonly host: string;
  readonly pid: number;
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly beatAt: number;
  readonly details: JsonObject;
};

export type Known = {
  readonly id: string;
  /** By Redis' own clock: hosts with different clocks compare. */
  readonly ageMs: number;
  /** Its last; undefined when that is too old, or another version's. */
  readonly last: Heartbeat | undefined;
};

export type Heartbeats = {
  /** Call every few seconds. */
  beat(heartbeat: Heartbeat): Promise<void>;
  /** A process that ends on purpose says so. */
  stop(id: string): Promise<void>;
  /** Every process that beats or stopped without a goodbye. Writes nothing. */
  known(): Promise<readonly Known[]>;
  /** Live replicas, by id. A snapshot that cannot be read (another version's) is left out. */
  live(): Promise<readonly Heartbeat[]>;
};

export const heartbeats = (redis: RedisClient, keys: Keys): Heartbeats => ({
  beat: async (heartbeat) => {
    await redis.send("SET", keys.heartbeat(heartbeat.id), JSON.stringify(heartbeat), "PX", HEARTBEAT_TTL_MS);
    await redis.send("SADD", keys.heartbeats, heartbeat.id);
  },
  stop: async (id) => {
    await redis.send("DEL", keys.heartbeat(id));
    await redis.send("SREM", keys.heartbeats, id);
  },
  known: async () => {
    const ids = textsOf(await redis.send("SMEMBERS", keys.heartbeats)).filter((id) => isKeyPart(keys, id));
    if (ids.length === 0) return [];
    const names = ids.map((id) => keys.heartbeat(id));
    // Ages first: one that beats in between is taken for older than what it says, never for younger.
    const [left, values] = await Promise.all([
      Promise.all(names.map((name) => redis.send("PTTL", name))),
      redis.send("MGET", ...names).then(listOf),
    ]);
    return ids.map((id, index) => ({
      id,
      ageMs: HEARTBEAT_TTL_MS - Math.max(0, numberOf(left[index])),
      last: decodeHeartbeat(bytesOrNone(values[index] ?? null)),
    }));
  },
  live: async () => {
    const ids = textsOf(await redis.send("SMEMBERS", keys.heartbeats));
    if (ids.length === 0) return [];
    const values = listOf(await redis.send("MGET", ...ids.map((id) => keys.heartbeat(id))));
    const silent = ids.filter((_, index) => values[index] === null);
    // One that was only late adds itself again with its next beat.
    if (silent.length > 0) await redis.send("SREM", keys.heartbeats, ...silent);
    return values
      .map((value) => decodeHeartbeat(bytesOrNone(value)))
      .filter((heartbeat) => heartbeat !== undefined)
      .sort((left, right) => (left.id < right.id ? -1 : 1));
  },
});

/** Another version may write names that no key of ours can hold. */
export function isKeyPart(keys: Keys, id: string): boolean {
  try {
    return keys.heartbeat(id) !== "";
  } catch {
    return false;
  }
}

function decodeHeartbeat(bytes: Uint8Array | undefined): Heartbeat | undefined {
  const json = bytes && decodeJsonObject(bytes);
  if (!json) return undefined;
  const { id, role, version, host, pid, startedAt, beatAt, details } = json;
  const texts = [id, role, version, host].every((value) => typeof value === "string");
  const numbers = [pid, startedAt, beatAt].every((value) => typeof value === "number");
  if (!texts || !numbers || typeof details !== "object" || details === null) return undefined;
  return json as unknown as Heartbeat;
}
