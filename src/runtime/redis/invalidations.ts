import type { Logger } from "../../base/logger.ts";
import type { RedisConnections } from "./connect.ts";
import { jsonText, parseJson } from "./go-json.ts";
import type { Keys } from "./keys.ts";
import { textOrNone } from "./reply.ts";
import type { Unsubscribe } from "./subscriptions.ts";

/** Kind of cached thing → the name of its id in the message; undefined: there is only one of it (relay-path 9.6). */
const ID_NAMES = {
  application: "address",
  account: "address",
  service: "service_id",
  supplier: "operator_address",
  service_factor: "service_id",
  shared_params: undefined,
  session_params: undefined,
  proof_params: undefined,
  session: undefined,
  supplier_params: undefined,
  params_at_height: "height",
} as const;

export type CacheType = keyof typeof ID_NAMES;
export const CACHE_TYPES = Object.keys(ID_NAMES) as readonly CacheType[];

/** "Forget this": one of a kind, or all of it when there is no id. */
export type Invalidation = { readonly type: CacheType; readonly id?: string };

export type InvalidationMessage = { readonly channel: string; readonly payload: string };

const ALL = "{}";
const SUPPLIER_PARAMS = "refresh";

/** Go's channel and payload. Two kinds have forms of their own: a bare word, and a bare height. */
export function encodeInvalidation(keys: Keys, { type, id }: Invalidation): InvalidationMessage {
  if (type === "supplier_params") return { channel: keys.supplierParamsChannel, payload: SUPPLIER_PARAMS };
  if (type === "params_at_height") return { channel: keys.paramsHeightChannel, payload: id ?? ALL };
  const name = ID_NAMES[type];
  const payload = name === undefined || id === undefined ? ALL : `{"${name}": ${jsonText.write(id)}}`;
  return { channel: keys.cacheChannel(type, "invalidate"), payload };
}

/** Never throws: what cannot be read means "all of this kind", which is always safe. */
export function decodeInvalidation(type: CacheType, payload: string): Invalidation {
  const name = ID_NAMES[type];
  if (name === undefined || payload === ALL) return { type };
  if (type === "params_at_height") return /^\d+$/.test(payload) ? { type, id: payload } : { type };
  try {
    const id = jsonText.read((parseJson(payload) as Record<string, unknown>)[name]);
    return id === "" ? { type } : { type, id };
  } catch {
    return { type };
  }
}

export type Invalidations = {
  /** Tells every replica; remove the L2 entry first. */
  publish(invalidation: Invalidation): Promise<void>;
  /** `onGap`: the connection was away; drop everything. */
  subscribe(handler: (invalidation: Invalidation) => void, onGap: () => void): Promise<Unsubscribe>;
  /** Grows with every invalidation that `publish` makes: a replica that sees it move without a message drops everything. */
  generation(): Promise<string>;
};

export function cacheInvalidations(redis: RedisConnections, keys: Keys, logger: Logger): Invalidations {
  const { commands, subscriptions } = redis;
  return {
    publish: async (invalidation) => {
      const { channel, payload } = encodeInvalidation(keys, invalidation);
      await commands.send("INCR", keys.generation);
      await commands.send("PUBLISH", channel, payload);
    },
    subscribe: async (handler, onGap) => {
      const ends = await Promise.all(
        CACHE_TYPES.map((type) =>
          subscriptions.subscribe(encodeInvalidation(keys, { type }).channel, {
            onMessage: (payload) => {
              logger.debug({ type, payload }, "cache invalidation");
              handler(decodeInvalidation(type, payload));
            },
            // One of the channels speaks for all: they share a connection.
            ...(type === "application" && { onGap }),
          }),
        ),
      );
      return () => {
        for (const end of ends) end();
      };
    },
    generation: async () => textOrNone(await commands.send("GET", keys.generation)) ?? "0",
  };
}
