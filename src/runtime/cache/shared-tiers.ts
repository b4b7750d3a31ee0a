import type { Session } from "../../chain/proto/session.ts";
import { addressOf } from "../../chain/protocol/address.ts";
import {
  accountEntity,
  applicationEntity,
  type CacheEntity,
  type CacheEntries,
  proofParamsEntity,
  serviceEntity,
  sessionEntity,
  sessionParamsEntity,
  sharedParamsAtEntity,
  sharedParamsEntity,
} from "../redis/cache-entries.ts";
import type { SharedTiers } from "./chain-data.ts";
import type { SharedTier } from "./tiered-cache.ts";

/** The Redis tier of the cache, in the Go peer's keys and encodings (relay-path 9.6). */
export function sharedTiers(entries: CacheEntries): SharedTiers {
  const tier = <Id, Value>(
    entity: CacheEntity<Id, Value>,
    idOf: (key: string) => Id,
    isRight: (value: Value, key: string) => boolean = () => true,
  ): SharedTier<Value> => ({
    get: async (key) => {
      const value = await entries.get(entity, idOf(key));
      return value !== undefined && isRight(value, key) ? value : undefined;
    },
    set: (key, value) => entries.set(entity, idOf(key), value),
    delete: (key) => entries.delete(entity, idOf(key)),
  });
  const same = (key: string) => key;
  const none = () => undefined;
  return {
    application: tier(applicationEntity, same),
    service: tier(serviceEntity, same),
    // A wrong key in a ring would let strangers' relays through, and the chain slashes for those.
    account: tier(accountEntity, same, (publicKey, address) => addressOf(publicKey) === address),
    session: tier(sessionEntity, sessionPlace, isSessionAt),
    sharedParams: tier(sharedParamsEntity, none),
    sessionParams: tier(sessionParamsEntity, none),
    sharedParamsAt: tier(sharedParamsAtEntity, (key) => BigInt(key)),
    proofParams: tier(proofParamsEntity, none),
  };
}

function sessionPlace(key: string) {
  const [application = "", serviceId = "", height = "0"] = key.split(":");
  return { application, serviceId, height: BigInt(height) };
}

/** Every process of the fleet may write here: what is not the session of its key counts as absent. */
function isSessionAt({ header }: Session, key: string): boolean {
  const { application, serviceId, height } = sessionPlace(key);
  return (
    header !== undefined &&
    header.applicationAddress === application &&
    header.serviceId === serviceId &&
    header.sessionStartBlockHeight <= height &&
    height <= header.sessionEndBlockHeight
  );
}
