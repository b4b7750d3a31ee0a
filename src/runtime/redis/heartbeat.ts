import type { RedisClient } from "./client.ts";
import type { Keys } from "./keys.ts";
import { decodeJsonObject, type JsonObject } from "./own-json.ts";
import { bytesOrNone, listOf, textsOf } from "./reply.ts";

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

export type Heartbeats = {
  /** Call every few seconds. */
  beat(heartbeat: Heartbeat): Promise<void>;
  /** A process that ends on purpose says so. */
  stop(id: string): Promise<void>;
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

function decodeHeartbeat(bytes: Uint8Array | undefined): Heartbeat | undefined {
  const json = bytes && decodeJsonObject(bytes);
  if (!json) return undefined;
  const { id, role, version, host, pid, startedAt, beatAt, details } = json;
  const texts = [id, role, version, host].every((value) => typeof value === "string");
  const numbers = [pid, startedAt, beatAt].every((value) => typeof value === "number");
  if (!texts || !numbers || typeof details !== "object" || details === null) return undefined;
  return json as unknown as Heartbeat;
}
