import { equalBytes, fromHex, fromUtf8, toHex, utf8 } from "../../src/base/bytes.ts";
import { blockEventJson } from "../../src/runtime/redis/block-events.ts";
import {
  accountEntity,
  applicationEntity,
  type CacheEntity,
  proofParamsEntity,
  serviceEntity,
  sessionEntity,
  sharedParamsAtEntity,
  sharedParamsEntity,
  supplierParamsEntity,
} from "../../src/runtime/redis/cache-entries.ts";
import { decodeJson, encodeJson, type JsonCodec } from "../../src/runtime/redis/go-json.ts";
import {
  CACHE_TYPES,
  decodeInvalidation,
  encodeInvalidation,
} from "../../src/runtime/redis/invalidations.ts";
import type { Keys } from "../../src/runtime/redis/keys.ts";
import { meterMetaJson } from "../../src/runtime/redis/meter.ts";
import { ENTRY_FIELD } from "../../src/runtime/redis/relay-stream.ts";
import { serviceFactorJson } from "../../src/runtime/redis/service-factors.ts";
import { decodeSession, encodeSession, SESSION_STATES } from "../../src/runtime/redis/session-record.ts";
import { rebroadcastJson, submissionJson } from "../../src/runtime/redis/submission-record.ts";
import { registryEntryJson, supplierRecordJson } from "../../src/runtime/redis/supplier-records.ts";
import { rootOf } from "../../src/runtime/redis/trie-store.ts";

/**
 * Go's keys as our code makes and reads them, for golden tests: `key` rebuilds a key from its ids through keys.ts, the other
 * members write again what was read.
 */
export type KnownKey = {
  readonly type: "string" | "hash" | "set" | "stream";
  readonly key: string;
  readonly rewrite?: (value: Uint8Array) => Uint8Array;
  readonly rewriteHash?: (fields: ReadonlyMap<string, Uint8Array>) => ReadonlyMap<string, Uint8Array>;
  readonly isMember?: (member: Uint8Array) => boolean;
};

type Rule = readonly [RegExp, (keys: Keys, ...ids: string[]) => KnownKey];

const json = <T>(key: string, codec: JsonCodec<T>): KnownKey => ({
  type: "string",
  key,
  rewrite: (value) => encodeJson(codec, decodeJson(codec, value)),
});
const entity = <Id, Value>(keys: Keys, of: CacheEntity<Id, Value>, id: Id): KnownKey => ({
  type: "string",
  key: of.key(keys, id),
  rewrite: (value) => of.encode(of.decode(value)),
});
const text = (key: string, form: RegExp): KnownKey => ({
  type: "string",
  key,
  rewrite: (value) => utf8(form.exec(fromUtf8(value))?.[0] ?? "not of that form"),
});
const set = (key: string, isMember: (member: Uint8Array) => boolean): KnownKey => ({
  type: "set",
  key,
  isMember,
});
const root = (key: string): KnownKey => ({
  type: "string",
  key,
  rewrite: (value) => rootOf(value) ?? utf8("not a root"),
});

const matches = (form: RegExp) => (member: Uint8Array) => form.test(fromUtf8(member));
const isAddress = matches(/^pokt1[a-z0-9]{38}$/);
const isSessionId = matches(/^[0-9a-f]{64}$/);
const DECIMAL = /^\d+$/;

const nodes = (key: string): KnownKey => ({
  type: "hash",
  key,
  rewriteHash: (fields) =>
    new Map(
      [...fields].map(([digest, node]) => [toHex(rootOf(fromHex(digest)) ?? utf8("not a digest")), node]),
    ),
});
const sessionHash = (key: string): KnownKey => ({
  type: "hash",
  key,
  rewriteHash: (fields) => encodeSession(decodeSession(fields)),
});
const rebroadcastHash = (key: string): KnownKey => ({
  type: "hash",
  key,
  rewriteHash: (fields) =>
    new Map(
      [...fields].map(([session, value]) => [
        session,
        encodeJson(rebroadcastJson, decodeJson(rebroadcastJson, value)),
      ]),
    ),
});

const A = "(pokt1[a-z0-9]+)";
const S = "([0-9a-f]{64})";

const RULES: readonly Rule[] = [
  [/^ha:cache:account:(.+)$/, (keys, id = "") => entity(keys, accountEntity, id)],
  [/^ha:cache:application:(.+)$/, (keys, id = "") => entity(keys, applicationEntity, id)],
  [/^ha:cache:service:(.+)$/, (keys, id = "") => entity(keys, serviceEntity, id)],
  [/^ha:cache:known:(.+)$/, (keys, id = "") => set(keys.cacheKnown(id), matches(/^[a-zA-Z0-9_-]+$/))],
  [/^ha:cache:params:supplier$/, (keys) => entity(keys, supplierParamsEntity, undefined)],
  [/^ha:cache:proof_params$/, (keys) => entity(keys, proofParamsEntity, undefined)],
  [/^ha:cache:shared_params$/, (keys) => entity(keys, sharedParamsEntity, undefined)],
  [
    /^ha:cache:params:shared:(\d+)$/,
    (keys, height = "") => entity(keys, sharedParamsAtEntity, BigInt(height)),
  ],
  [
    /^ha:cache:lock:params:shared:(\d+)$/,
    (keys, id = "") => text(keys.cacheLock("params", "shared", id), /^1$/),
  ],
  [
    /^ha:cache:session:(.+):(.+):(\d+)$/,
    (keys, application = "", serviceId = "", height = "") =>
      entity(keys, sessionEntity, { application, serviceId, height: BigInt(height) }),
  ],
  [/^ha:miner:active$/, (keys) => set(keys.instances, matches(/^\S+$/))],
  [/^ha:miner:global_leader$/, (keys) => text(keys.leader, /^\S+$/)],
  [/^ha:miner:instance:(.+)$/, (keys, id = "") => text(keys.instance(id), /^\d{19}$/)],
  [new RegExp(`^ha:miner:claim:${A}$`), (keys, a = "") => text(keys.supplierLease(a), /^\S+$/)],
  [
    new RegExp(`^ha:miner:dedup:session:${S}$`),
    (keys, s = "") => set(keys.dedup(s), (hash) => hash.length === 32),
  ],
  [new RegExp(`^ha:miner:sessions:${A}:${S}$`), (keys, a = "", s = "") => sessionHash(keys.session(a, s))],
  [new RegExp(`^ha:miner:sessions:${A}:index$`), (keys, a = "") => set(keys.sessionIndex(a), isSessionId)],
  [
    new RegExp(`^ha:miner:sessions:${A}:state:(.+)$`),
    (keys, a = "", name = "") =>
      set(keys.sessionState(a, SESSION_STATES.find((state) => state === name) ?? "unknown"), isSessionId),
  ],
  [
    /^ha:miner:rebroadcast:\{(.+)\}:index$/,
    (keys, phase = "") => set(keys.rebroadcastIndex(phase), matches(/^pokt1[a-z0-9]{38}:\d+$/)),
  ],
  [
    new RegExp(`^ha:miner:rebroadcast:\\{(.+)\\}:${A}:(\\d+)$`),
    (keys, phase = "", a = "", end = "") => rebroadcastHash(keys.rebroadcasts(phase, a, BigInt(end))),
  ],
  [new RegExp(`^ha:relays:${A}$`), (keys, a = "") => ({ type: "stream", key: keys.stream(a) })],
  [/^ha:service_factor:default$/, (keys) => json(keys.serviceFactorDefault, serviceFactorJson)],
  [/^ha:service_factor:service:(.+)$/, (keys, id = "") => json(keys.serviceFactor(id), serviceFactorJson)],
  [new RegExp(`^ha:supplier:${A}$`), (keys, a = "") => json(keys.supplier(a), supplierRecordJson)],
  [/^ha:suppliers:index$/, (keys) => set(keys.registryIndex, isAddress)],
  [new RegExp(`^ha:suppliers:${A}$`), (keys, a = "") => json(keys.registered(a), registryEntryJson)],
  [
    new RegExp(`^ha:tx:track:${A}:\\*$`),
    (keys, a = "") => ({ type: "string", key: keys.submissionPatternOf(a) }),
  ],
  [
    new RegExp(`^ha:tx:track:${A}:(\\d+):${S}$`),
    (keys, a = "", end = "", s = "") => json(keys.submission(a, BigInt(end), s), submissionJson),
  ],
  [
    /^ha:meter:active_sessions$/,
    (keys) => set(keys.meterActive, matches(/^[0-9a-f]{64}\|pokt1[a-z0-9]{38}$/)),
  ],
  [
    new RegExp(`^ha:meter:${S}:${A}:consumed$`),
    (keys, s = "", a = "") => text(keys.meterConsumed(s, a), DECIMAL),
  ],
  [
    new RegExp(`^ha:meter:${S}:${A}:meta$`),
    (keys, s = "", a = "") => json(keys.meterMeta(s, a), meterMetaJson),
  ],
  [new RegExp(`^ha:smst:${A}:${S}:nodes$`), (keys, a = "", s = "") => nodes(keys.trieNodes(a, s))],
  [new RegExp(`^ha:smst:${A}:${S}:root$`), (keys, a = "", s = "") => root(keys.trieRoot(a, s))],
  [new RegExp(`^ha:smst:${A}:${S}:live_root$`), (keys, a = "", s = "") => root(keys.trieLiveRoot(a, s))],
  [
    new RegExp(`^ha:smst:${A}:${S}:stats$`),
    (keys, a = "", s = "") => text(keys.trieStats(a, s), /^\d+:\d+$/),
  ],
];

/** What our code makes of one of Go's keys; undefined for a key that it does not know. */
export function knownKey(keys: Keys, name: string): KnownKey | undefined {
  for (const [form, make] of RULES) {
    const found = form.exec(name);
    if (found) return make(keys, ...found.slice(1));
  }
  return undefined;
}

/** Reads a published message and writes it again; undefined for a channel that our code does not know. */
export function rewriteMessage(keys: Keys, channel: string, payload: string): string | undefined {
  if (channel === keys.blocksChannel)
    return fromUtf8(encodeJson(blockEventJson, decodeJson(blockEventJson, utf8(payload))));
  if (channel === keys.meterCleanupChannel) return /^[0-9a-f]{64}\|pokt1[a-z0-9]{38}$/.exec(payload)?.[0];
  const type = CACHE_TYPES.find(
    (candidate) => encodeInvalidation(keys, { type: candidate }).channel === channel,
  );
  return type && encodeInvalidation(keys, decodeInvalidation(type, payload)).payload;
}

/** The bytes behind an argument as Redis' MONITOR prints it. */
export function unescapeArgument(shown: string): Uint8Array {
  const named: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, a: 7, b: 8, "\\": 92, '"': 34 };
  const bytes: number[] = [];
  for (let index = 0; index < shown.length; index++) {
    const char = shown[index] ?? "";
    if (char !== "\\") bytes.push(...utf8(char));
    else if (shown[index + 1] === "x") {
      bytes.push(Number.parseInt(shown.slice(index + 2, index + 4), 16));
      index += 3;
    } else {
      index += 1;
      bytes.push(named[shown[index] ?? ""] ?? Number.NaN);
    }
  }
  return Uint8Array.from(bytes);
}

export const sameHash = (
  left: ReadonlyMap<string, Uint8Array>,
  right: ReadonlyMap<string, Uint8Array>,
): boolean =>
  left.size === right.size &&
  [...left].every(([name, value]) => equalBytes(value, right.get(name) ?? utf8("absent")));

export const STREAM_FIELD = ENTRY_FIELD;
