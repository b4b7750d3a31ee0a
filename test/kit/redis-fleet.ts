import type { LogFields, Logger } from "../../src/base/logger.ts";
import { openRedis, type RedisConnections } from "../../src/runtime/redis/connect.ts";
import { type Keys, redisKeys } from "../../src/runtime/redis/keys.ts";
import { type RedisServer, startRedis } from "./redis.ts";

export const DEFAULT_NAMESPACE = {
  base_prefix: "ha",
  cache_prefix: "cache",
  events_prefix: "events",
  streams_prefix: "relays",
  miner_prefix: "miner",
  supplier_prefix: "supplier",
  meter_prefix: "meter",
  params_prefix: "params",
  consumer_group_prefix: "miners",
} as const;

export type Recorder = Logger & { readonly lines: { level: string; fields: LogFields; message: string }[] };

/** A logger that keeps what it was told. */
export function recorder(): Recorder {
  const lines: Recorder["lines"] = [];
  const at = (level: string) => (fields: LogFields, message: string) =>
    void lines.push({ level, fields, message });
  return { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

export type TestRedis = {
  readonly server: RedisServer;
  readonly redis: RedisConnections;
  readonly keys: Keys;
  readonly logger: Recorder;
  /** Connections of one more process. */
  another(): Promise<RedisConnections>;
  close(): Promise<void>;
};

/** A fresh server with one process connected to it. */
export async function testRedis(...options: readonly string[]): Promise<TestRedis> {
  const server = await startRedis(...options);
  const logger = recorder();
  const opened: RedisConnections[] = [];
  const another = async () => {
    const redis = await openRedis({ url: server.url, logger, role: "test" });
    opened.push(redis);
    return redis;
  };
  const close = async () => {
    for (const redis of opened) await redis.close();
    await server.close();
  };
  return { server, redis: await another(), keys: redisKeys(DEFAULT_NAMESPACE), logger, another, close };
}
