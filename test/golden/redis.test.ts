import { expect } from "vitest";
import { fromHex, fromUtf8, toHex, utf8 } from "../../src/base/bytes.ts";
import { MinedRelayMessage } from "../../src/chain/proto/mined-relay.ts";
import { type Keys, redisKeys } from "../../src/runtime/redis/keys.ts";
import { decodeEntry, encodeEntry } from "../../src/runtime/redis/relay-stream.ts";
import {
  type KnownKey,
  knownKey,
  rewriteMessage,
  STREAM_FIELD,
  sameHash,
  unescapeArgument,
} from "../kit/go-keys.ts";
import { DEFAULT_NAMESPACE } from "../kit/redis-fleet.ts";
import { type VectorCase, Vectors } from "../kit/vectors.ts";

const vectors = new Vectors("redis");
const keys = redisKeys(DEFAULT_NAMESPACE);

type Shown = { text: string } | { hex: string };
const bytesOf = (shown: Shown): Uint8Array => ("text" in shown ? utf8(shown.text) : fromHex(shown.hex));

vectors.kind("stream_entry", ({ stream, id, fields, decoded }) => {
  const supplier = decoded.supplier_operator_address;
  expect(keys.stream(supplier)).toBe(stream);
  expect(Object.keys(fields)).toEqual([STREAM_FIELD]);
  const data = fromHex(fields.data);
  const entry = decodeEntry(supplier, id, new Map([[STREAM_FIELD, data]]));
  expect(entry.problem).toBeUndefined();
  const message = entry.message ?? MinedRelayMessage.create();
  expect({
    application_address: message.applicationAddress,
    arrival_block_height: message.arrivalBlockHeight.toString(),
    compute_units_per_relay: message.computeUnitsPerRelay.toString(),
    published_at_unix_nano: message.publishedAtUnixNano.toString(),
    relay_bytes: toHex(message.relayBytes),
    relay_hash: toHex(message.relayHash),
    service_id: message.serviceId,
    session_end_height: message.sessionEndHeight.toString(),
    session_id: message.sessionId,
    session_start_height: message.sessionStartHeight.toString(),
    supplier_operator_address: message.supplierOperatorAddress,
  }).toEqual(decoded);
  expect(toHex(MinedRelayMessage.encode(message))).toBe(fields.data);

  // What we publish differs in nothing but the time of publication.
  const now = 1_795_466_300_123;
  const clock = {
    now: () => now,
    monotonic: () => 0,
    sleep: () => Promise.resolve(),
    after: () => () => undefined,
  };
  const published = encodeEntry(message, clock);
  expect(published.supplier).toBe(supplier);
  expect(MinedRelayMessage.decode(published.data)).toEqual({
    ...message,
    publishedAtUnixNano: BigInt(now) * 1_000_000n,
  });
});

vectors.kind("value", (vector) => checkKey(vector));

vectors.kind("lifecycle", ({ stages, session_id, session_end_height }) => {
  for (const { keys: kept } of stages)
    for (const held of kept ?? []) {
      checkKey(held);
      expect(held.key).toMatch(new RegExp(`${session_id}|:index$|:state:|:${session_end_height}$`));
    }
});

vectors.kind("published", ({ channel, payload }) => {
  expect(rewriteMessage(keys, channel, payload.text)).toBe(payload.text);
});

type Check = (args: readonly Uint8Array[], known: KnownKey | undefined) => void;

const isSameHash = (fields: ReadonlyMap<string, Uint8Array>, known: KnownKey | undefined) =>
  expect(sameHash(known?.rewriteHash?.(fields) ?? new Map(), fields)).toBe(true);
const hasOurGroup = (group: Uint8Array | undefined) => expect(textOf(group)).toBe(keys.consumerGroup);

/** What is checked of a command beyond its key. */
const COMMANDS: Readonly<Record<string, Check>> = {
  xreadgroup: (args) => hasOurGroup(args[2]),
  xack: (args) => hasOurGroup(args[2]),
  xadd: (args) => expect(args.slice(2, -1).map(textOf)).toEqual(["*", STREAM_FIELD]),
  set: (args, known) =>
    expect(toHex(known?.rewrite?.(args[2] ?? utf8("")) ?? utf8("unread"))).toBe(toHex(args[2] ?? utf8(""))),
  sadd: (args, known) => expect(known?.isMember?.(args[2] ?? utf8(""))).toBe(true),
  hset: (args, known) => void isSameHash(hashOf(args.slice(2)), known),
  evalsha: (args, known) => {
    if (known?.key.includes(":sessions:")) expect([...hashOf(args.slice(5)).keys()]).toEqual(CREATED);
  },
};

/** Where a command has its first key. */
const KEY_AT: Readonly<Record<string, number>> = { evalsha: 3, scan: 3 };
const KEYLESS: ReadonlySet<string> = new Set(["multi", "exec", "info"]);

vectors.kind("command", ({ example_arguments_escaped: shown, shape }) => {
  const args = (shown as string[]).map(unescapeArgument);
  const [name = ""] = shape.split(" ");
  if (KEYLESS.has(name)) return expect(args.length).toBeLessThan(3);
  if (name === "publish")
    return expect(rewriteMessage(keys, textOf(args[1]), textOf(args[2]))).toBe(textOf(args[2]));
  const at =
    name === "xreadgroup" ? args.findIndex((arg) => textOf(arg) === "streams") + 1 : (KEY_AT[name] ?? 1);
  const known = knownKey(keys, textOf(args[at]));
  expect(known?.key).toBe(textOf(args[at]));
  // A long value is cut off in the vectors; the same kinds are whole among the `value` cases.
  const isCut = shown.some((arg: string) => arg.endsWith(" ..."));
  if (!isCut || name === "xadd") COMMANDS[name]?.(args, known);
});

const textOf = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("latin1");

/** The fields a new record has, in the order in which Go's own script gets them (compared as a set of names). */
const CREATED = [
  "session_id",
  "supplier_operator_address",
  "service_id",
  "application_address",
  "session_start_height",
  "session_end_height",
  "state",
  "created_at",
  "last_updated_at",
  "relay_count",
  "total_compute_units",
];

function hashOf(args: readonly Uint8Array[]): Map<string, Uint8Array> {
  const fields = new Map<string, Uint8Array>();
  for (let index = 0; index + 1 < args.length; index += 2)
    fields.set(fromUtf8(args[index] ?? utf8("")), args[index + 1] ?? utf8(""));
  return fields;
}

/** Our code makes this key, reads what Go keeps under it, and would write the same. */
function checkKey(held: VectorCase | Record<string, never>): void {
  const known = knownKey(keys, held["key"]);
  expect(known).toMatchObject({ key: held["key"], type: held["type"] });
  if (held["value"] !== undefined) {
    const value = bytesOf(held["value"]);
    expect(toHex(known?.rewrite?.(value) ?? utf8("unread"))).toBe(toHex(value));
  }
  for (const member of held["members"] ?? []) expect(known?.isMember?.(bytesOf(member))).toBe(true);
  if (held["fields"] !== undefined) {
    const fields = new Map<string, Uint8Array>(
      held["fields"].map(({ field, value }: { field: string; value: Shown }) => [field, bytesOf(value)]),
    );
    const again = known?.rewriteHash?.(fields) ?? new Map();
    expect(new Set(again.keys())).toEqual(new Set(fields.keys()));
    expect(sameHash(again, fields)).toBe(true);
  }
  for (const group of held["groups"] ?? []) expect(group.Name).toBe(keys.consumerGroup);
}

const NAMES: Readonly<Record<string, (built: Keys, ...args: string[]) => string>> = {
  all_keys_pattern: (built) => built.allPattern,
  app_stake_key: (built, a = "") => built.legacyApplicationStake(a),
  block_event_channel: (built) => built.blocksChannel,
  cache_key: (built, a = "", b = "") => built.cache(a, b),
  cache_known_key: (built, a = "") => built.cacheKnown(a),
  cache_lock_key: (built, a = "", b = "") => built.cacheLock(a, b),
  cache_prefix: (built) => built.cachePrefix,
  consumer_group: (built) => built.consumerGroup,
  event_channel: (built, a = "", b = "") => built.cacheChannel(a, b),
  events_cache_prefix: (built) => built.eventsCachePrefix,
  global_leader_key: (built) => built.leader,
  legacy_params_key: (built, a = "") => built.legacyParams(a),
  legacy_params_pattern: (built) => built.legacyParamsPattern,
  meter_active_sessions_key: (built) => built.meterActive,
  meter_cleanup_channel: (built) => built.meterCleanupChannel,
  meter_session_key: (built, a = "") => built.meterSession(a),
  miner_active_set_key: (built) => built.instances,
  miner_claim_key: (built, a = "") => built.supplierLease(a),
  miner_dedup_prefix: (built) => built.dedupPrefix,
  miner_dedup_session_key: (built, a = "") => built.dedup(a),
  miner_instance_key: (built, a = "") => built.instance(a),
  miner_leader_prefix: (built) => built.legacyLeaderPrefix,
  miner_session_key: (built, a = "", b = "") => built.session(a, b),
  miner_session_state_index_key: (built, a = "", b = "") => built.sessionState(a, b),
  miner_sessions_index_key: (built, a = "") => built.sessionIndex(a),
  miner_sessions_prefix: (built) => built.sessionPrefix,
  params_proof_key: (built) => built.proofParams,
  params_proof_lock_key: (built) => built.cacheLock("proof_params"),
  params_session_key: (built) => built.sessionParams,
  params_shared_cache_key: (built) => built.sharedParams,
  params_shared_lock_key: (built) => built.cacheLock("shared_params"),
  rebroadcast_index_key: (built, a = "") => built.rebroadcastIndex(a),
  rebroadcast_key: (built, a = "", b = "", c = "") => built.rebroadcasts(a, b, BigInt(c)),
  smstlive_root_key: (built, a = "", b = "") => built.trieLiveRoot(a, b),
  smstnodes_key: (built, a = "", b = "") => built.trieNodes(a, b),
  smstnodes_pattern: (built) => built.trieNodesPattern,
  smstnodes_prefix: (built) => built.triePrefix,
  smstroot_key: (built, a = "", b = "") => built.trieRoot(a, b),
  smstsession_all_pattern: (built, a = "", b = "") => built.triePattern(a, b),
  smstsession_nodes_pattern: (built, a = "") => built.trieNodesOfSessionPattern(a),
  smststats_key: (built, a = "", b = "") => built.trieStats(a, b),
  service_compute_units_key: (built, a = "") => built.legacyComputeUnits(a),
  service_factor_default_key: (built) => built.serviceFactorDefault,
  service_factor_service_key: (built, a = "") => built.serviceFactor(a),
  session_rewardable_channel: (built) => built.rewardableChannel,
  shared_params_height_invalidate_channel: (built) => built.paramsHeightChannel,
  simulation_replay_key: (built, a = "") => built.simulationReplay(a),
  stream_prefix: (built) => built.streamPrefix,
  supplier_key_prefix: (built) => built.supplierPrefix,
  supplier_params_invalidate_channel: (built) => built.supplierParamsChannel,
  supplier_state_key: (built, a = "") => built.supplier(a),
  supplier_state_pattern: (built) => built.supplierPattern,
  supplier_update_channel: (built) => built.supplierUpdateChannel,
  suppliers_registry_index_key: (built) => built.registryIndex,
  suppliers_registry_prefix: (built) => built.registryPrefix,
  tx_track_all_pattern: (built) => built.submissionPattern,
  tx_track_key: (built, a = "", b = "", c = "") => built.submission(a, BigInt(b), c),
  tx_track_pattern: (built, a = "") => built.submissionPatternOf(a),
};

vectors.kind("key_name", ({ what, arguments: args, key, prefixes }) => {
  const namespace = Object.fromEntries(
    Object.entries(prefixes ?? {}).map(([name, value]) => [`${name}_prefix`, value]),
  );
  const built = redisKeys({ ...DEFAULT_NAMESPACE, ...namespace });
  expect(NAMES[what]?.(built, ...(args ?? []))).toBe(key);
});

vectors.done();
