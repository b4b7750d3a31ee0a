import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Flags } from "@oclif/core";
import { AppError } from "../../base/errors.ts";
import { defaultRedisSection, loadRedisSection } from "../../runtime/config/redis.ts";
import type { Namespace } from "../../runtime/redis/keys.ts";

/** Where a fleet's Redis is, and under which names it keeps its keys. */
export type RedisTarget = { readonly url: string; readonly namespace: Namespace };

/** The flags of every command that works on a fleet through its Redis. */
export const redisFlags = {
  redis: Flags.string({
    summary: "Redis of the fleet; wins over the one of --config and --localnet",
    env: "RELAYMINER_REDIS",
    helpValue: "<url>",
  }),
  config: Flags.string({
    summary: "YAML of a relayer or a miner: its redis.url and redis.namespace are used",
    helpValue: "<file>",
    exclusive: ["localnet"],
  }),
  localnet: Flags.string({
    summary: "Directory of a running `relayminer localnet --keep`",
    helpValue: "<dir>",
  }),
};

type RedisFlags = {
  readonly redis?: string | undefined;
  readonly config?: string | undefined;
  readonly localnet?: string | undefined;
};

/**
 * Which Redis the flags mean; redis://localhost:6379 and Go's names when they say nothing.
 * Errors: those of loadYaml, LOCALNET_MISSING.
 */
export function redisTarget({ redis, config, localnet }: RedisFlags): RedisTarget {
  const { url, namespace } = config === undefined ? defaultRedisSection() : loadRedisSection(config);
  const found = localnet === undefined ? url : localnetRedis(localnet);
  return { url: redis ?? found, namespace };
}

function localnetRedis(directory: string): string {
  const path = join(directory, "localnet.json");
  try {
    const { redis_url } = JSON.parse(readFileSync(path, "utf8")) as { redis_url: string };
    return redis_url;
  } catch (thrown) {
    throw new AppError("LOCALNET_MISSING", `There is no running localnet in ${directory}`, {}, thrown);
  }
}
