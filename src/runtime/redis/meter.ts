import { LRUCache } from "lru-cache";
import { byObject } from "../../base/by-object.ts";
import type { Clock } from "../../base/clock.ts";
import type { RedisConnections } from "./connect.ts";
import { decodeJson, encodeJson, field, jsonInteger, jsonNumber, jsonText, struct } from "./go-json.ts";
import type { Keys } from "./keys.ts";
import { bytesOrNone, listOf, numberOf, textOf, textsOf } from "./reply.ts";
import { loadScript } from "./script.ts";
import type { Unsubscribe } from "./subscriptions.ts";

const script = loadScript("meter");
/** The script's answer when it was not given what it needs to make a counter. */
const NO_COUNTER = 2;
/** Its answer to a relay that was counted before. */
const COUNTED_BEFORE = 3;
/** Counters that this process knows to be there. */
const MAX_COUNTED = 10_000;

/** One application's session with one supplier. */
export type MeteredSession = { readonly sessionId: string; readonly supplier: string };

/** The value of `ha:meter:{session}:{supplier}:meta` (relay-path 9.5). Amounts are upokt. */
export type MeterMeta = MeteredSession & {
  readonly application: string;
  readonly serviceId: string;
  readonly sessionEndHeight: bigint;
  readonly limit: bigint;
  /** Unix seconds. */
  readonly createdAt: bigint;
  /** The service factor the limit was made with; 0 for none. */
  readonly factor: number;
  readonly applicationStake: bigint;
};

export const meterMetaJson = struct<MeterMeta>(
  field("session_id", "sessionId", jsonText),
  field("app_address", "application", jsonText),
  field("service_id", "serviceId", jsonText),
  field("supplier_address", "supplier", jsonText),
  field("session_end_height", "sessionEndHeight", jsonInteger),
  field("max_stake_upokt", "limit", jsonInteger),
  field("created_at", "createdAt", jsonInteger),
  field("created_with_factor", "factor", jsonNumber),
  field("created_with_app_stake", "applicationStake", jsonInteger),
);

export type Consumption = {
  readonly allowed: boolean;
  readonly consumed: bigint;
  /** The relay was counted before, by whichever relayer of the fleet; it was not counted again. */
  readonly replayed: boolean;
};

export type Meter = {
  /**
   * Counts `cost` upokt unless that would exceed the limit. Shared with every relayer of the fleet, Go's included. With an id the relay
   * is counted once, and remembered until it is refunded or the counter ends; Go's relayers know nothing of ids.
   */
  consume(relay: Omit<MeterMeta, "createdAt">, cost: bigint, id?: Uint8Array): Promise<Consumption>;
  /** Gives back what a relay that earned nothing was charged, and forgets its id. */
  refund(session: MeteredSession, cost: bigint, id?: Uint8Array): Promise<void>;
  /** Tells other replicas of a limit that has changed; what was consumed and its time to live stay. */
  revise(relay: Omit<MeterMeta, "createdAt">): Promise<void>;
  read(session: MeteredSession): Promise<{ meta: MeterMeta | undefined; consumed: bigint }>;
  active(): Promise<readonly MeteredSession[]>;
  /** Removes a session's counters here and now. */
  forget(session: MeteredSession): Promise<void>;
  /** Miner: the session takes no more relays. */
  announceEnd(session: MeteredSession): Promise<void>;
  /** Relayer: called for each session whose end was announced. */
  onEnd(handler: (session: MeteredSession) => void): Promise<Unsubscribe>;
};

export type OpenMeter = {
  readonly redis: RedisConnections;
  readonly keys: Keys;
  readonly clock: Clock;
  /** Longer than any session lives; Go's is cache_ttl, 2 h. */
  readonly ttlSeconds: number;
};

type Argument = string | bigint | number | Uint8Array;

/** Where a session's counter is, and what announcements call it. */
type Place = { readonly name: string; readonly touched: readonly string[]; readonly seen: string };

const nameOf = ({ sessionId, supplier }: MeteredSession): string => `${sessionId}|${supplier}`;

function parseName(name: string): MeteredSession | undefined {
  const [sessionId, supplier, rest] = name.split("|");
  return sessionId && supplier && rest === undefined ? { sessionId, supplier } : undefined;
}

/** The metering counters that all relayers of a fleet share (relay-path 7, 9.5). */
export function openMeter({ redis, keys, clock, ttlSeconds }: OpenMeter): Meter {
  const { commands, subscriptions } = redis;
  const metaKey = ({ sessionId, supplier }: MeteredSession) => keys.meterMeta(sessionId, supplier);
  const consumedKey = ({ sessionId, supplier }: MeteredSession) => keys.meterConsumed(sessionId, supplier);
  const encode = (relay: Omit<MeterMeta, "createdAt">) =>
    encodeJson(meterMetaJson, { ...relay, createdAt: BigInt(Math.floor(clock.now() / 1000)) });
  // Asked for with each relay, whose session is the same object for many.
  const placeOf = byObject(
    (session: MeteredSession): Place => ({
      name: nameOf(session),
      touched: [metaKey(session), consumedKey(session), keys.meterActive],
      seen: seenKey(session),
    }),
  );
  const run = async ({ touched, seen }: Place, args: readonly Argument[], id?: Uint8Array) => {
    const [done, consumed] = listOf(
      await (id
        ? commands.run(script, [...touched, seen], [...args, id])
        : commands.run(script, touched, args)),
    );
    return { done: numberOf(done), consumed: BigInt(textOf(consumed)) };
  };
  const seenKey = ({ sessionId, supplier }: MeteredSession) => keys.seenRelays(sessionId, supplier);
  const counted = new LRUCache<string, true>({ max: MAX_COUNTED });
  /** What the counter is made with goes along only where there may be none: making it costs more than counting. */
  const consume: Meter["consume"] = async (relay, cost, id) => {
    const place = placeOf(relay);
    const { name } = place;
    const isCounted = counted.get(name) === true;
    const attempt = (meta: string | Uint8Array) =>
      run(place, ["consume", cost, relay.limit, ttlSeconds, meta, name], id);
    let { done, consumed } = await attempt(isCounted ? "" : encode(relay));
    if (done === NO_COUNTER) ({ done, consumed } = await attempt(encode(relay)));
    if (!isCounted) counted.set(name, true);
    return { allowed: done === 1, consumed, replayed: done === COUNTED_BEFORE };
  };
  return {
    consume,
    refund: async (session, cost, id) => {
      await run(placeOf(session), ["refund", cost, "", "", "", ""], id);
    },
    revise: async (relay) => {
      await commands.send("SET", metaKey(relay), encode(relay), "XX", "KEEPTTL");
    },
    read: async (session) => {
      const [meta, consumed] = listOf(await commands.send("MGET", metaKey(session), consumedKey(session)));
      const bytes = bytesOrNone(meta);
      return {
        meta: bytes && decodeJson(meterMetaJson, bytes),
        consumed: consumed === null ? 0n : BigInt(textOf(consumed)),
      };
    },
    active: async () =>
      textsOf(await commands.send("SMEMBERS", keys.meterActive))
        .map(parseName)
        .filter((session) => session !== undefined),
    forget: async (session) => {
      await commands.send("DEL", metaKey(session), consumedKey(session), seenKey(session));
      await commands.send("SREM", keys.meterActive, nameOf(session));
    },
    announceEnd: async (session) => {
      await commands.send("PUBLISH", keys.meterCleanupChannel, nameOf(session));
    },
    onEnd: (handler) =>
      subscriptions.subscribe(keys.meterCleanupChannel, {
        onMessage: (payload) => {
          const session = parseName(payload);
          if (session) handler(session);
        },
      }),
  };
}
