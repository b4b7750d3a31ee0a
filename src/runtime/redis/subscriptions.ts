import type { Redis } from "ioredis";
import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { redisError } from "./client.ts";

export type Listener = {
  /** One message. What it throws is logged; other listeners still run. */
  readonly onMessage: (payload: string) => void;
  /** The connection was away and is back: any number of messages may be missed. */
  readonly onGap?: () => void;
};

export type Unsubscribe = () => void;

/** Channels over one connection of their own. Messages are at most once: see `Listener.onGap`. */
export type Subscriptions = {
  /**
   * Resolves when Redis has confirmed, so that nothing published later is missed. While Redis is away it resolves at once;
   * the subscription is then made on reconnection and `onGap` is called.
   */
  subscribe(channel: string, listener: Listener): Promise<Unsubscribe>;
};

export function subscriptionsOf(connection: Redis, logger: Logger): Subscriptions {
  const channels = new Map<string, Set<Listener>>();

  const guarded = (channel: string, act: () => void) => {
    try {
      act();
    } catch (thrown) {
      logger.error({ channel, error: toError(thrown).message }, "a listener of a Redis channel failed");
    }
  };

  connection.on("message", (channel: string, payload: string) => {
    for (const listener of channels.get(channel) ?? []) guarded(channel, () => listener.onMessage(payload));
  });

  const resubscribe = async () => {
    if (channels.size === 0) return;
    await connection.subscribe(...channels.keys());
    for (const [channel, listeners] of channels)
      for (const listener of listeners) guarded(channel, () => listener.onGap?.());
  };
  // A failure here means the connection broke again: the next "ready" tries again.
  connection.on("ready", () => {
    resubscribe().catch((thrown) =>
      logger.warn({ error: toError(thrown).message }, "could not subscribe again"),
    );
  });

  return {
    subscribe: async (channel, listener) => {
      const listeners = channels.get(channel) ?? new Set();
      const isNew = listeners.size === 0;
      channels.set(channel, listeners.add(listener));
      try {
        if (isNew && connection.status === "ready") await connection.subscribe(channel);
      } catch (thrown) {
        if (connection.status === "ready") throw redisError(thrown, "SUBSCRIBE");
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0 || channels.get(channel) !== listeners) return;
        channels.delete(channel);
        if (connection.status === "ready") connection.unsubscribe(channel).catch(() => undefined);
      };
    },
  };
}
