import { hostname, userInfo } from "node:os";
import { systemClock } from "../../base/clock.ts";
import { openRedis, type RedisConnections } from "../../runtime/redis/connect.ts";
import { type Keys, redisKeys } from "../../runtime/redis/keys.ts";
import { quietLogger } from "./quiet-logger.ts";
import { redisTarget } from "./redis-target.ts";

export type Fleet = { readonly redis: RedisConnections; readonly keys: Keys };

/** Connects to the Redis that the flags mean, does the work, and disconnects whatever came of it. Errors: redisTarget's, openRedis'. */
export async function withFleet<Result>(
  flags: Parameters<typeof redisTarget>[0],
  work: (fleet: Fleet) => Promise<Result>,
): Promise<Result> {
  const { url, namespace } = redisTarget(flags);
  const redis = await openRedis({ url, logger: quietLogger("cache"), role: "cli", clock: systemClock });
  try {
    return await work({ redis, keys: redisKeys(namespace) });
  } finally {
    await redis.close();
  }
}

/** Who runs this command, for the audit entry. */
export function operator(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A container may run as a user id that has no name.
    return `uid ${process.getuid?.() ?? "unknown"}@${hostname()}`;
  }
}
