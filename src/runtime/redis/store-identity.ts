import { randomUUID } from "node:crypto";
import type { RedisClient } from "./client.ts";
import type { Keys } from "./keys.ts";
import { textOf } from "./reply.ts";

/**
 * A name that this Redis keeps as long as it keeps anything. Remember it at start and compare now and then: another name means
 * that Redis came back empty or is another one, and nothing may be claimed on what it holds (reliability B4, B19).
 */
export async function storeIdentity(redis: RedisClient, keys: Keys): Promise<string> {
  await redis.send("SET", keys.nonce, randomUUID(), "NX");
  return textOf(await redis.send("GET", keys.nonce));
}
