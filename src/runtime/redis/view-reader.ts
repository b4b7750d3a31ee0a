import { toHex } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import { toError } from "../../base/errors.ts";
import { rootTotals } from "../../chain/protocol/claim.ts";
import type {
  FleetView,
  LeaderView,
  QueueView,
  RedisView,
  ReplicaView,
  Section,
  SentView,
  SessionDetail,
  ViewSource,
} from "../ops/view.ts";
import type { RedisClient } from "./client.ts";
import type { RedisConnections } from "./connect.ts";
import type { Keys } from "./keys.ts";
import { LEADER } from "./leases.ts";
import { openMeter } from "./meter.ts";
import { listOf, textOf, textsOf } from "./reply.ts";
import { inspectServer } from "./server-check.ts";
import type { SubmissionPart } from "./submission-record.ts";
import { openSubmissions } from "./submissions.ts";
import { trieStore } from "./trie-store.ts";
import { readCache } from "./view-cache.ts";
import { chainWatch } from "./view-chain.ts";
import { paramsMemory } from "./view-params.ts";
import { readLease, readQueues, withWaiting } from "./view-queues.ts";
import { type Replica, readReplicas } from "./view-replicas.ts";
import { type SessionRecords, sessionReader, sessionView } from "./view-sessions.ts";

const MAX_SUPPLIERS = 1_000;

type Options = { readonly redis: RedisConnections; readonly keys: Keys; readonly clock: Clock };

/**
 * The view of a whole fleet from its Redis alone; writes nothing, so a user with read rights is enough. One read at a time. A part
 * that cannot be read keeps its last good value and says when that was read, the others go on.
 */
export function openViewReader({ redis: connections, keys, clock }: Options): ViewSource {
  const redis = connections.commands;
  const sections = sectionMemory(clock);
  const params = paramsMemory(redis, keys);
  const sessions = sessionReader(redis, keys);
  const watch = chainWatch(clock);
  const replicasSection = sections<readonly Replica[]>([]);
  const leaderSection = sections<LeaderView>({ owner: undefined, epoch: undefined, leaseMsLeft: undefined });
  const redisSection = sections<RedisView | undefined>(undefined);
  const suppliersSection = sections<readonly string[]>([]);
  const queuesSection = sections<readonly QueueView[]>([]);
  const sessionsSection = sections<SessionRecords>({ records: [], total: 0, unreadable: [] });
  const cacheSection = sections<Awaited<ReturnType<typeof readCache>>>({
    entries: [],
    held: 0,
    generation: undefined,
  });

  const read = async (): Promise<FleetView> => {
    const replicas = await replicasSection((last) => readReplicas(redis, keys, last));
    const registered = await suppliersSection(() => readSuppliers(redis, keys));
    const suppliers = allSuppliers(registered.value, replicas.value);
    const [leader, server, queues, found, cache] = await Promise.all([
      leaderSection(() => readLease(redis, keys.leader, keys.epoch(LEADER))),
      redisSection(() => readServer(redis, clock)),
      queuesSection(async () => readQueues(redis, keys, suppliers, await redisNow(redis))),
      sessionsSection(async () => {
        const read = await sessions.read(suppliers);
        await params.learn(read.records.flatMap(({ startHeight, endHeight }) => [endHeight, startHeight]));
        return read;
      }),
      cacheSection(() => readCache(redis, keys, replicas.value)),
    ]);
    const chain = watch(replicas);
    const owners = new Map(queues.value.map(({ supplier, owner }) => [supplier, owner]));
    const known = {
      height: chain.height,
      params,
      ownerOf: (supplier: string) => owners.get(supplier),
    };
    const shown = found.value.records.map((record) => sessionView(record, known));
    return {
      readAt: clock.now(),
      chain,
      replicas: { ...replicas, value: replicas.value.map(withoutCaches) },
      leader,
      redis: server,
      sessions: { ...found, value: { ...found.value, sessions: shown } },
      queues: { ...queues, value: withWaiting(queues.value, shown, chain.height) },
      cache,
    };
  };
  return {
    read,
    session: (supplier, sessionId) => readSession({ redis: connections, keys, clock }, supplier, sessionId),
  };
}

/** Each section remembers its last good value. */
const sectionMemory =
  (clock: Clock) =>
  <Value>(first: Value) => {
    let last: Section<Value> = { value: first, readAt: undefined, problem: undefined };
    return async (load: (last: Value) => Promise<Value>): Promise<Section<Value>> => {
      try {
        last = { value: await load(last.value), readAt: clock.now(), problem: undefined };
      } catch (thrown) {
        last = { ...last, problem: toError(thrown).message };
      }
      return last;
    };
  };

const withoutCaches = ({ caches: _, ...replica }: Replica): ReplicaView => replica;

const readSuppliers = async (redis: RedisClient, keys: Keys): Promise<readonly string[]> =>
  textsOf(await redis.send("SMEMBERS", keys.registryIndex));

const allSuppliers = (registered: readonly string[], replicas: readonly Replica[]): readonly string[] =>
  [...new Set([...registered, ...replicas.flatMap(({ suppliers }) => suppliers)])]
    .filter((supplier) => /^[A-Za-z0-9_.@-]{1,256}$/.test(supplier))
    .sort((left, right) => (left < right ? -1 : 1))
    .slice(0, MAX_SUPPLIERS);

async function redisNow(redis: RedisClient): Promise<number> {
  const [seconds, micros] = listOf(await redis.send("TIME")).map(textOf);
  return Number(seconds) * 1000 + Number(micros) / 1000;
}

async function readServer(redis: RedisClient, clock: Clock): Promise<RedisView> {
  const start = clock.monotonic();
  const { version, usedBytes, maxBytes, appendOnly, lastWriteOk, warnings } = await inspectServer(redis);
  const answerMs = clock.monotonic() - start;
  return { version, usedBytes, maxBytes, appendOnly, lastWriteOk, answerMs, warnings };
}

async function readSession(
  { redis, keys, clock }: Options,
  supplier: string,
  sessionId: string,
): Promise<SessionDetail> {
  const { commands } = redis;
  const end = await commands.send("HGET", keys.session(supplier, sessionId), "session_end_height");
  const submissions = openSubmissions({ redis: commands, keys, trackingTtlMs: 1, rebroadcastTtlMs: 1 });
  const [submission, metered, trie] = await Promise.all([
    end === null ? undefined : submissions.read(supplier, BigInt(textOf(end)), sessionId),
    openMeter({ redis, keys, clock, ttlSeconds: 1 }).read({ sessionId, supplier }),
    trieStore(commands, keys, supplier, sessionId).state(),
  ]);
  const root = trie.sealedRoot ?? trie.liveRoot;
  return {
    supplier,
    sessionId,
    readAt: clock.now(),
    claim: submission && sentView(submission.claim),
    proof: submission && sentView(submission.proof),
    proofRequired: submission && submission.proof.txHash !== "" ? true : undefined,
    meteredUpokt: metered.meta && metered.consumed,
    meterLimitUpokt: metered.meta?.limit,
    root: root && toHex(root),
    isSealed: trie.sealedRoot !== undefined,
    leaves: root && rootTotals(root).count,
  };
}

const sentView = (part: SubmissionPart): SentView | undefined =>
  part.txHash === "" && part.errorReason === ""
    ? undefined
    : {
        txHash: part.txHash,
        accepted: part.success,
        error: part.errorReason,
        height: part.submitHeight,
        rebroadcasts: part.rebroadcasts,
        onChain: part.onChainOutcome,
        inclusionHeight: part.inclusionHeight,
      };
