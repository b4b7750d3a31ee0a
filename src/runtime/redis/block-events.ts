import type { Logger } from "../../base/logger.ts";
import type { RedisConnections } from "./connect.ts";
import { field, jsonBytes, jsonInteger, jsonText, optional, struct } from "./go-json.ts";
import { goTime, parseGoTime } from "./go-time.ts";
import { jsonListener } from "./json-listener.ts";
import type { Keys } from "./keys.ts";
import type { Unsubscribe } from "./subscriptions.ts";

/** A block as the leader tells the fleet (relay-path 9.3). `hash` is empty when the sender had none: then ask the node. */
export type BlockEvent = {
  readonly height: bigint;
  readonly hash: Uint8Array;
  /** The header's time, nanoseconds since the Unix epoch. */
  readonly timeNs: bigint;
};

export const blockEventJson = struct<BlockEvent>(
  field("height", "height", jsonInteger),
  optional("hash", "hash", {
    write: (hash) => (hash.length === 0 ? "null" : jsonBytes.write(hash)),
    read: jsonBytes.read,
  }),
  field("timestamp", "timeNs", {
    write: (ns) => jsonText.write(goTime(ns)),
    read: (json) => parseGoTime(jsonText.read(json)),
  }),
);

export type BlockEvents = {
  publish(block: BlockEvent): Promise<void>;
  /** `onGap`: the connection was away; blocks may be missing. */
  subscribe(handler: (block: BlockEvent) => void, onGap?: () => void): Promise<Unsubscribe>;
};

export const blockEvents = (redis: RedisConnections, keys: Keys, logger: Logger): BlockEvents => ({
  publish: async (block) => {
    await redis.commands.send("PUBLISH", keys.blocksChannel, blockEventJson.write(block));
  },
  subscribe: (handler, onGap) =>
    redis.subscriptions.subscribe(
      keys.blocksChannel,
      jsonListener((json) => handler(blockEventJson.read(json)), onGap, logger),
    ),
});
