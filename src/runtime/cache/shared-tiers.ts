import {
  accountEntity,
  applicationEntity,
  type CacheEntity,
  type CacheEntries,
  proofParamsEntity,
  serviceEntity,
  sessionEntity,
  sharedParamsAtEntity,
  sharedParamsEntity,
} from "../redis/cache-entries.ts";
import type { SharedTiers } from "./chain-data.ts";
import type { SharedTier } from "./tiered-cache.ts";

/** The Redis tier of the cache, in the Go peer's keys and encodings (relay-path 9.6). */
export function sharedTiers(entries: CacheEntries): SharedTiers {
  const tier = <Id, Value>(entity: CacheEntity<Id, Value>, idOf: (key: string) => Id): SharedTier<Value> => ({
    get: (key) => entries.get(entity, idOf(key)),
    set: (key, value) => entries.set(entity, idOf(key), value),
    delete: (key) => entries.delete(entity, idOf(key)),
  });
  const same = (key: string) => key;
  const none = () => undefined;
  return {
    application: tier(applicationEntity, same),
    service: tier(serviceEntity, same),
    account: tier(accountEntity, same),
    session: tier(sessionEntity, sessionPlace),
    sharedParams: tier(sharedParamsEntity, none),
    sharedParamsAt: tier(sharedParamsAtEntity, (key) => BigInt(key)),
    proofParams: tier(proofParamsEntity, none),
  };
}

function sessionPlace(key: string) {
  const [application = "", serviceId = "", height = "0"] = key.split(":");
  return { application, serviceId, height: BigInt(height) };
}
