import type { Clock } from "../../base/clock.ts";
import type { RedisClient } from "./client.ts";
import { decodeJson, encodeJson, field, jsonInteger, jsonNumber, struct } from "./go-json.ts";
import type { Keys } from "./keys.ts";
import { bytesOrNone } from "./reply.ts";

/** `ha:service_factor:…`: the part of an application's stake that a relayer lets it use (relay-path 9.5). */
export type ServiceFactor = { readonly factor: number /** Unix seconds. */; readonly updatedAt: bigint };

export const serviceFactorJson = struct<ServiceFactor>(
  field("factor", "factor", jsonNumber),
  field("updated_at", "updatedAt", jsonInteger),
);

export type ServiceFactors = {
  /** The service's factor, else the default one, else undefined: the base limit holds. */
  get(serviceId: string): Promise<number | undefined>;
  /** Undefined as service sets the default; undefined as factor removes. Never expires: Go's does after 2 h (go-peers 1.19, 11). */
  set(serviceId: string | undefined, factor: number | undefined): Promise<void>;
};

export function serviceFactors(redis: RedisClient, keys: Keys, clock: Clock): ServiceFactors {
  const read = async (key: string): Promise<number | undefined> => {
    const bytes = bytesOrNone(await redis.send("GET", key));
    return bytes && decodeJson(serviceFactorJson, bytes).factor;
  };
  return {
    get: async (serviceId) => (await read(keys.serviceFactor(serviceId))) ?? read(keys.serviceFactorDefault),
    set: async (serviceId, factor) => {
      const key = serviceId === undefined ? keys.serviceFactorDefault : keys.serviceFactor(serviceId);
      const updatedAt = BigInt(Math.floor(clock.now() / 1000));
      if (factor === undefined) await redis.send("DEL", key);
      else await redis.send("SET", key, encodeJson(serviceFactorJson, { factor, updatedAt }));
    },
  };
}
