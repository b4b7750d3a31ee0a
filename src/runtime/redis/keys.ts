import { AppError } from "../../base/errors.ts";

/** The `redis.namespace` section of the YAML (relay-path 9). */
export type Namespace = {
  readonly base_prefix: string;
  readonly cache_prefix: string;
  readonly events_prefix: string;
  readonly streams_prefix: string;
  readonly miner_prefix: string;
  readonly supplier_prefix: string;
  readonly meter_prefix: string;
  readonly params_prefix: string;
  readonly consumer_group_prefix: string;
};

/** What the Go peer calls the two phases in its rebroadcast keys. */
export type Phase = "claim" | "proof";

export type Keys = ReturnType<typeof redisKeys>;

const SEGMENT = /^[A-Za-z0-9_.@-]{1,256}$/;
const INSTANCE = /^[A-Za-z0-9_.@:-]{1,256}$/;

/**
 * An id that becomes part of a key. Ids reach us from relays and stream entries, so anything that could reach into another
 * key or act as a pattern (`:`, `*`, `?`, `[`, `{`, white space) is refused with AppError BAD_KEY_PART.
 */
function part(id: string, allowed = SEGMENT): string {
  if (!allowed.test(id))
    throw new AppError("BAD_KEY_PART", "an id that cannot be part of a Redis key", { id });
  return id;
}

const height = (value: bigint | number): string => part(value.toString());

/**
 * Every key and channel of a fleet; nothing else in the code builds one. Names are the Go peer's, byte for byte, so that both can
 * share a Redis (relay-path 9, mining-path B). `rm` as second segment marks what is ours alone.
 * Functions throw AppError BAD_KEY_PART for an id that has no place in a key.
 */
export function redisKeys(namespace: Namespace) {
  const base = namespace.base_prefix;
  const under = (prefix: string) => `${base}:${prefix}`;
  return {
    base,
    allPattern: `${base}:*`,
    consumerGroup: `${base}-${namespace.consumer_group_prefix}`,
    ...relayKeys(under(namespace.streams_prefix), base),
    ...trieKeys(`${base}:smst`),
    ...minerKeys(under(namespace.miner_prefix)),
    ...submissionKeys(under(namespace.miner_prefix), `${base}:tx:track`),
    ...supplierKeys(under(namespace.supplier_prefix), `${base}:suppliers`),
    ...meterKeys(under(namespace.meter_prefix), base),
    ...cacheKeys(under(namespace.cache_prefix)),
    ...channels(under(namespace.events_prefix), namespace.cache_prefix),
    ...ownKeys(`${base}:rm`),
    ...legacyKeys(base, under(namespace.params_prefix)),
  };
}

const relayKeys = (prefix: string, base: string) => ({
  streamPrefix: prefix,
  stream: (supplier: string) => `${prefix}:${part(supplier)}`,
  simulationReplay: (hash: string) => `${base}:sim:replay:${part(hash)}`,
});

const trieKeys = (prefix: string) => {
  const of = (supplier: string, session: string) => `${prefix}:${part(supplier)}:${part(session)}`;
  return {
    triePrefix: `${prefix}:`,
    trieNodes: (supplier: string, session: string) => `${of(supplier, session)}:nodes`,
    trieRoot: (supplier: string, session: string) => `${of(supplier, session)}:root`,
    trieLiveRoot: (supplier: string, session: string) => `${of(supplier, session)}:live_root`,
    trieStats: (supplier: string, session: string) => `${of(supplier, session)}:stats`,
    trieNodesPattern: `${prefix}:*:*:nodes`,
    triePattern: (supplier: string, session: string) => `${of(supplier, session)}:*`,
    trieNodesOfSessionPattern: (session: string) => `${prefix}:*:${part(session)}:nodes`,
  };
};

const minerKeys = (prefix: string) => {
  const sessions = (supplier: string) => `${prefix}:sessions:${part(supplier)}`;
  return {
    sessionPrefix: `${prefix}:sessions`,
    session: (supplier: string, session: string) => `${sessions(supplier)}:${part(session)}`,
    sessionIndex: (supplier: string) => `${sessions(supplier)}:index`,
    sessionState: (supplier: string, state: string) => `${sessions(supplier)}:state:${part(state)}`,
    dedupPrefix: `${prefix}:dedup`,
    dedup: (session: string) => `${prefix}:dedup:session:${part(session)}`,
    leader: `${prefix}:global_leader`,
    legacyLeaderPrefix: `${prefix}:leader`,
    supplierLease: (supplier: string) => `${prefix}:claim:${part(supplier)}`,
    instances: `${prefix}:active`,
    instance: (id: string) => `${prefix}:instance:${part(id, INSTANCE)}`,
  };
};

const submissionKeys = (miner: string, track: string) => ({
  submission: (supplier: string, sessionEnd: bigint | number, session: string) =>
    `${track}:${part(supplier)}:${height(sessionEnd)}:${part(session)}`,
  submissionPattern: `${track}:*`,
  submissionPatternOf: (supplier: string) => `${track}:${part(supplier)}:*`,
  // The braces are bytes of the key: Go uses the phase as cluster hash tag (mining-path 5.6).
  rebroadcasts: (phase: string, supplier: string, sessionEnd: bigint | number) =>
    `${miner}:rebroadcast:{${part(phase)}}:${part(supplier)}:${height(sessionEnd)}`,
  rebroadcastIndex: (phase: string) => `${miner}:rebroadcast:{${part(phase)}}:index`,
});

const supplierKeys = (prefix: string, registry: string) => ({
  supplierPrefix: prefix,
  supplier: (address: string) => `${prefix}:${part(address)}`,
  supplierPattern: `${prefix}:*`,
  registryPrefix: registry,
  registered: (address: string) => `${registry}:${part(address)}`,
  registryIndex: `${registry}:index`,
});

const meterKeys = (prefix: string, base: string) => ({
  meterSession: (session: string) => `${prefix}:${part(session)}`,
  meterMeta: (session: string, supplier: string) => `${prefix}:${part(session)}:${part(supplier)}:meta`,
  meterConsumed: (session: string, supplier: string) =>
    `${prefix}:${part(session)}:${part(supplier)}:consumed`,
  meterActive: `${prefix}:active_sessions`,
  meterCleanupChannel: `${prefix}:cleanup`,
  serviceFactorDefault: `${base}:service_factor:default`,
  serviceFactor: (service: string) => `${base}:service_factor:service:${part(service)}`,
});

const cacheKeys = (prefix: string) => {
  const cache = (...parts: readonly string[]) => [prefix, ...parts.map((text) => part(text))].join(":");
  return {
    cachePrefix: prefix,
    cache,
    cacheLock: (...parts: readonly string[]) => cache("lock", ...parts),
    cacheKnown: (type: string) => cache("known", type),
    sharedParams: cache("shared_params"),
    sessionParams: cache("session_params"),
    proofParams: cache("proof_params"),
    supplierParams: cache("params", "supplier"),
  };
};

const channels = (events: string, cachePrefix: string) => ({
  eventsCachePrefix: `${events}:${cachePrefix}`,
  blocksChannel: `${events}:blocks`,
  supplierUpdateChannel: `${events}:supplier_update`,
  rewardableChannel: `${events}:session:rewardable`,
  paramsHeightChannel: `${events}:invalidate:params`,
  supplierParamsChannel: `${events}:${cachePrefix}:invalidate:supplier_params`,
  // Here `cache` is the literal word, whatever the cache prefix is (mining-path B).
  cacheChannel: (type: string, event: string) => `${events}:cache:${part(type)}:${part(event)}`,
});

const ownKeys = (prefix: string) => ({
  epoch: (lease: string) => `${prefix}:epoch:${part(lease)}`,
  deadLetters: (supplier: string) => `${prefix}:dead:${part(supplier)}`,
  generation: `${prefix}:cache_generation`,
  seenRelays: (session: string, supplier: string) => `${prefix}:seen:${part(session)}:${part(supplier)}`,
  heartbeats: `${prefix}:heartbeats`,
  heartbeat: (id: string) => `${prefix}:heartbeat:${part(id, INSTANCE)}`,
  commandsChannel: `${prefix}:commands`,
  acksChannel: (command: string) => `${prefix}:acks:${part(command)}`,
  audit: `${prefix}:audit`,
  nonce: `${prefix}:nonce`,
});

/** No live writer; kept so that tools can find and name what an old fleet left (relay-path 9.7). */
const legacyKeys = (base: string, params: string) => ({
  legacyApplicationStake: (application: string) => `${base}:app_stake:${part(application)}`,
  legacyComputeUnits: (service: string) => `${base}:service:${part(service)}:compute_units`,
  legacyParams: (type: string) => `${params}:${part(type)}`,
  legacyParamsPattern: `${params}:*`,
});
