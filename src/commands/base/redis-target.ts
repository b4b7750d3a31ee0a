import { Flags } from "@oclif/core";
import { defaultRedisSection, loadRedisSection } from "../../runtime/config/redis.ts";
import type { Namespace } from "../../runtime/redis/keys.ts";
import { readLocalnet } from "./localnet-dir.ts";

/** Where a fleet's Redis is, and under which names it keeps its keys. */
export type RedisTarget = { readonly url: string; readonly namespace: Namespace };

const helpGroup = "CONNECTION";

/** The flags of every command that works on a fleet through its Redis. */
export const redisFlags = {
  redis: Flags.string({
    summary: "Redis of the fleet; wins over the one of --config and --localnet",
    env: "RELAYMINER_REDIS",
    helpValue: "<url>",
    helpGroup,
  }),
  config: Flags.string({
    summary: "YAML of a relayer or a miner: its redis.url and redis.namespace are used",
    helpValue: "<file>",
    exclusive: ["localnet"],
    helpGroup,
  }),
  localnet: Flags.string({
    summary: "Directory of a running `relayminer localnet --keep`",
    helpValue: "<dir>",
    helpGroup,
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
  const running = localnet === undefined ? undefined : readLocalnet(localnet);
  const yaml = config ?? running?.config_files.relayer;
  const { url, namespace } = yaml === undefined ? defaultRedisSection() : loadRedisSection(yaml);
  return { url: redis ?? running?.redis_url ?? url, namespace };
}
