import { createHash } from "node:crypto";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { MinedRelayMessage } from "../../src/chain/proto/mined-relay.ts";
import { Session } from "../../src/chain/proto/session.ts";
import { addressOf } from "../../src/chain/protocol/address.ts";
import { publicKeyOf, signDigest } from "../../src/chain/protocol/ecdsa.ts";
import { relayHash } from "../../src/chain/protocol/relay-hash.ts";
import { DEFAULT_TIMEOUT_RULES } from "../../src/chain/protocol/tx/timeout.ts";
import { claim } from "../../src/runtime/miner/claim.ts";
import { type LifecycleDependencies, lookAt } from "../../src/runtime/miner/lifecycle.ts";
import { minerMetrics } from "../../src/runtime/miner/metrics.ts";
import type { OnTheWay } from "../../src/runtime/miner/on-the-way.ts";
import { prove } from "../../src/runtime/miner/prove.ts";
import { Records } from "../../src/runtime/miner/records.ts";
import { Settlements } from "../../src/runtime/miner/settle.ts";
import { Submitter } from "../../src/runtime/miner/submit.ts";
import { TrieMemory } from "../../src/runtime/miner/trie-memory.ts";
import { Turns } from "../../src/runtime/miner/turns.ts";
import { Unsettled } from "../../src/runtime/miner/unsettled.ts";
import { SupplierWorker } from "../../src/runtime/miner/worker.ts";
import { type Lease, openLeases } from "../../src/runtime/redis/leases.ts";
import { openMeter } from "../../src/runtime/redis/meter.ts";
import { openRelayReader, type RelayReader } from "../../src/runtime/redis/relay-reader.ts";
import { encodeEntry, relayPublisher } from "../../src/runtime/redis/relay-stream.ts";
import type { SessionIdentity, SessionRecord } from "../../src/runtime/redis/session-record.ts";
import { openSessions, type Sessions } from "../../src/runtime/redis/sessions.ts";
import { openSubmissions, type Submissions } from "../../src/runtime/redis/submissions.ts";
import { type TrieStore, trieStore } from "../../src/runtime/redis/trie-store.ts";
import { trieWrites } from "../../src/runtime/redis/trie-writes.ts";
import type { TestRedis } from "./redis-fleet.ts";
import { type ScriptedChain, UNITS } from "./scripted-chain.ts";

const PRIVATE_KEY = new Uint8Array(32).fill(9);
export const SUPPLIER = addressOf(publicKeyOf(PRIVATE_KEY));

export const sessionOf = (name: string, parts: Partial<SessionIdentity> = {}): SessionIdentity => ({
  sessionId: createHash("sha256").update(name).digest("hex"),
  supplier: SUPPLIER,
  serviceId: "svc",
  application: `pokt1${name}`,
  startHeight: 11n,
  endHeight: 20n,
  ...parts,
});

/** The chain knows this session. */
export function announce(chain: ScriptedChain, session: SessionIdentity): SessionIdentity {
  const { application, serviceId, sessionId, startHeight, endHeight } = session;
  chain.sessions.set(
    `${application}:${serviceId}:${startHeight}`,
    Session.create({
      sessionId,
      header: {
        applicationAddress: application,
        serviceId,
        sessionId,
        sessionStartBlockHeight: startHeight,
        sessionEndBlockHeight: endHeight,
      },
    }),
  );
  return session;
}

/** The same number is the same relay. */
export function mined(
  session: SessionIdentity,
  number: number,
  parts: Partial<MinedRelayMessage> = {},
): MinedRelayMessage {
  const relayBytes = new TextEncoder().encode(`relay ${number} of ${session.sessionId}`);
  return MinedRelayMessage.create({
    relayHash: relayHash(relayBytes),
    relayBytes,
    computeUnitsPerRelay: UNITS,
    sessionId: session.sessionId,
    sessionEndHeight: session.endHeight,
    supplierOperatorAddress: session.supplier,
    serviceId: session.serviceId,
    applicationAddress: session.application,
    sessionStartHeight: session.startHeight,
    ...parts,
  });
}

export const numbers = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, i) => from + i);

/** One miner process, as far as it works on suppliers, on a real Redis and a scripted chain. */
export type MinerWorld = {
  readonly id: string;
  readonly chain: ScriptedChain;
  readonly reader: RelayReader;
  readonly sessions: Sessions;
  readonly submissions: Submissions;
  readonly metrics: ReturnType<typeof minerMetrics>;
  readonly dependencies: LifecycleDependencies;
  readonly fenced: Lease[];
  /** Takes the lease and begins. */
  begin(supplier?: string): Promise<SupplierWorker>;
  workerWith(lease: Lease): SupplierWorker;
  publish(session: SessionIdentity, ...numbers: readonly number[]): Promise<void>;
  publishMessage(message: MinedRelayMessage): Promise<string>;
  /** Reads what is new and applies it. */
  consume(worker: SupplierWorker): Promise<void>;
  /** The chain goes to this height and the miner looks. */
  look(worker: SupplierWorker, height: bigint): Promise<void>;
  record(session: SessionIdentity): Promise<SessionRecord>;
  store(session: SessionIdentity): TrieStore;
  state(session: SessionIdentity): Promise<string>;
};

type Options = {
  readonly own: TestRedis;
  readonly chain: ScriptedChain;
  readonly id?: string;
  readonly clock?: Clock;
  readonly maxSends?: number;
  readonly together?: boolean;
  readonly holds?: (lease: Lease) => boolean;
  readonly trieBytes?: number;
  /** What relayers may still bring; nothing, if not given. */
  readonly onTheWay?: OnTheWay;
};

export async function minerWorld({
  own,
  chain,
  id = "m1",
  clock = systemClock,
  maxSends = 2,
  together = true,
  holds = () => true,
  trieBytes = 1_000_000,
  onTheWay = async () => undefined,
}: Options): Promise<MinerWorld> {
  const { redis, keys, logger } = own;
  const { commands } = redis;
  const metrics = minerMetrics();
  const fenced: Lease[] = [];
  const onFenced = (lease: Lease) => void fenced.push(lease);
  const reader = await openRelayReader({ redis, keys, consumer: id, logger });
  const sessions = openSessions({ redis: commands, keys, clock, keepTerminalMs: 60_000 });
  const submissions = openSubmissions({
    redis: commands,
    keys,
    trackingTtlMs: 60_000,
    rebroadcastTtlMs: 60_000,
  });
  const height = () => chain.height;
  const records = new Records({ sessions, submissions, height, clock, logger, metrics, onFenced });
  const submitter = new Submitter({
    turns: new Turns({ atOnce: 8, isTooMuch: () => false, onWaiting: () => undefined }),
    client: chain.client,
    keys: { publicKey: () => publicKeyOf(PRIVATE_KEY), sign: (_, digest) => signDigest(PRIVATE_KEY, digest) },
    chainId: "scripted",
    gas: { limit: 0n, price: "0.001upokt", adjustment: 1.5 },
    timeout: DEFAULT_TIMEOUT_RULES,
    blockTimeMs: () => 30_000,
    latestBlock: () => ({ height: chain.height, hash: new Uint8Array(32), timeMs: 1_700_000_000_000 }),
    logger,
  });
  const meter = openMeter({ redis, keys, clock, ttlSeconds: 60 });
  const shared = { records, submitter, height, together, logger, metrics, chain: chain.data };
  const redisNow = async () => Date.now();
  const writes = trieWrites(commands, keys, clock);
  const store = ({ supplier, sessionId }: SessionIdentity) => trieStore(commands, keys, supplier, sessionId);
  const dependencies: LifecycleDependencies = {
    ...shared,
    client: chain.client,
    sessions,
    unsettled: new Unsettled({ sessions, trieStoreOf: store }),
    reads: new Turns({ atOnce: 8, isTooMuch: () => false, onWaiting: () => undefined }),
    settlements: new Settlements(chain.client, logger),
    trieStoreOf: store,
    claim: (worker, due) =>
      claim(worker, due, { ...shared, reader, onTheWay, blockTimeMs: () => 300, meter, redisNow, clock }),
    prove: (worker, due) => prove(worker, due, { ...shared, client: chain.client }),
    maxSends,
  };
  const publisher = relayPublisher(commands, keys, systemClock);
  const publishMessage = (message: MinedRelayMessage) => publisher.publish(encodeEntry(message, clock));
  const workerWith = (lease: Lease) =>
    new SupplierWorker(lease, {
      redis: commands,
      keys,
      reader,
      writes,
      chain: chain.data,
      clock,
      logger,
      metrics,
      applyBatch: 100,
      memory: new TrieMemory(trieBytes),
      holds,
      onFenced,
    });
  const record = async ({ supplier, sessionId }: SessionIdentity) => {
    const found = await sessions.load(supplier, sessionId);
    if (!found) throw new Error("no such session record");
    return found;
  };
  return {
    id,
    chain,
    reader,
    sessions,
    submissions,
    metrics,
    dependencies,
    fenced,
    begin: async (supplier = SUPPLIER) => {
      const { lease } = await openLeases({ redis: commands, keys, clock, instance: id }).acquire(
        supplier,
        60_000,
      );
      if (!lease) throw new Error("the lease is another's");
      await reader.prepare(supplier);
      return workerWith(lease);
    },
    workerWith,
    publish: async (session, ...given) => {
      for (const number of given) await publishMessage(mined(session, number));
    },
    publishMessage,
    consume: async (worker) => {
      const { batches } = await reader.read([worker.supplier], { count: 1000, blockMs: 1 });
      for (const { entries } of batches) await worker.apply(entries);
    },
    look: async (worker, at) => {
      chain.height = at;
      await lookAt(worker, at, dependencies);
    },
    record,
    store,
    state: async (session) => (await record(session)).state,
  };
}

/** A counter's value over all labels. */
export async function total(counter: { get(): Promise<{ values: { value: number }[] }> }): Promise<number> {
  const { values } = await counter.get();
  return values.reduce((sum, { value }) => sum + value, 0);
}
