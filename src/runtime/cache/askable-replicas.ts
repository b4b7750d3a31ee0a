import { isRefused, type RedisClient } from "../redis/client.ts";
import type { Keys } from "../redis/keys.ts";
import { listOf, numberOf } from "../redis/reply.ts";
import { type Replica, readReplicas } from "../redis/view-replicas.ts";

/**
 * Replicas whose answer a command must wait for: those that beat, and those that have stopped beating while a process is still
 * connected for commands. A frozen process is such a one: it holds old values and will go on with them.
 * `tidy` forgets the names of processes that ended without a goodbye.
 */
export async function askableReplicas(
  redis: RedisClient,
  keys: Keys,
  { tidy }: { readonly tidy: boolean },
): Promise<readonly Replica[]> {
  const known = await readReplicas(redis, keys, []);
  const live = known.filter(({ alive }) => alive);
  const silent = known.filter(({ alive }) => !alive);
  if (silent.length === 0) return live;
  if ((await listeners(redis, keys)) > live.length) return known;
  if (tidy) await redis.send("SREM", keys.heartbeats, ...silent.map(({ id }) => id));
  return live;
}

/** How many processes listen for commands; 0 when the Redis user may not ask. */
async function listeners(redis: RedisClient, keys: Keys): Promise<number> {
  try {
    return numberOf(listOf(await redis.send("PUBSUB", "NUMSUB", keys.commandsChannel))[1]);
  } catch (thrown) {
    if (isRefused(thrown, "NOPERM")) return 0;
    throw thrown;
  }
}
