import { afterAll, beforeAll, expect, test } from "vitest";
import { fromHex, toHex, utf8 } from "../../src/base/bytes.ts";
import { systemClock } from "../../src/base/clock.ts";
import { cacheEntries, sessionEntity, supplierParamsEntity } from "../../src/runtime/redis/cache-entries.ts";
import { openLeases } from "../../src/runtime/redis/leases.ts";
import { numberOf, textsOf } from "../../src/runtime/redis/reply.ts";
import { openSessions } from "../../src/runtime/redis/sessions.ts";
import { storeIdentity } from "../../src/runtime/redis/store-identity.ts";
import { openSubmissions } from "../../src/runtime/redis/submissions.ts";
import { trieStore } from "../../src/runtime/redis/trie-store.ts";
import { trieWrites } from "../../src/runtime/redis/trie-writes.ts";
import { type TestRedis, testRedis } from "../kit/redis-fleet.ts";
import { Vectors } from "../kit/vectors.ts";

/** What a Go miner left in Redis at some moment, and a TypeScript miner goes on with. */

let own: TestRedis;
beforeAll(async () => {
  own = await testRedis();
});
afterAll(() => own.close());

type Shown = { text?: string; hex?: string };
type Held = {
  key: string;
  type: string;
  ttl_s: number;
  value?: Shown;
  members?: Shown[];
  fields?: { field: string; value: Shown }[];
};
const bytesOf = ({ text, hex }: Shown) => (hex === undefined ? utf8(text ?? "") : fromHex(hex));

const { file } = new Vectors("redis");
const lifecycle = file.cases.find((vector) => vector.kind === "lifecycle");
const SESSION = String(lifecycle?.["session_id"]);
const SUPPLIER = "pokt1zfc6y3dxz9cqe56ykd300f9yze67lauuup5uy9";

async function loadStage(prefix: string): Promise<void> {
  const { commands } = own.redis;
  await commands.send("FLUSHALL");
  const stage = lifecycle?.["stages"].find((candidate: { stage: string }) =>
    candidate.stage.startsWith(prefix),
  );
  for (const held of stage.keys as Held[]) {
    if (held.value) await commands.send("SET", held.key, bytesOf(held.value));
    if (held.members) await commands.send("SADD", held.key, ...held.members.map(bytesOf));
    for (const { field, value } of held.fields ?? [])
      await commands.send("HSET", held.key, field, bytesOf(value));
    await commands.send("EXPIRE", held.key, held.ttl_s);
  }
}

const parts = async () => {
  const { commands } = own.redis;
  const leases = openLeases({ redis: commands, keys: own.keys, clock: systemClock, instance: "ts-1" });
  const { lease } = await leases.acquire(SUPPLIER, 60_000);
  if (!lease) throw new Error("no lease");
  return {
    lease,
    store: trieStore(commands, own.keys, SUPPLIER, SESSION),
    sessions: openSessions({
      redis: commands,
      keys: own.keys,
      clock: systemClock,
      keepTerminalMs: 86_400_000,
    }),
    writes: trieWrites(commands, own.keys, systemClock),
  };
};

test("a half-built session is found, its trie resolves, and it stops expiring", async () => {
  await loadStage("after the relays");
  const { store, sessions, writes, lease } = await parts();
  // Two ids of the index belong to records of other stages and count as expired.
  const { sessions: found, unreadable } = await sessions.list(SUPPLIER);
  expect(unreadable).toEqual([]);
  expect(found).toHaveLength(1);
  const record = found[0];
  if (!record) throw new Error("no record");
  expect(record).toMatchObject({
    sessionId: SESSION,
    state: "active",
    relayCount: 8n,
    startHeight: 411n,
    endHeight: 420n,
  });

  const { liveRoot, sealedRoot } = await store.state();
  expect(sealedRoot).toBeUndefined();
  expect(liveRoot).toHaveLength(48);
  if (!liveRoot) throw new Error("no root");
  const [rootNode] = await store.getMany([liveRoot]);
  expect(rootNode?.length).toBeGreaterThan(48);

  await store.protect();
  await sessions.protect(SUPPLIER, SESSION);
  const dedup = own.keys.dedup(SESSION);
  const mine = textsOf(await own.redis.commands.send("KEYS", "ha:*")).filter(
    (key) => /smst|sessions/.test(key) && key !== dedup,
  );
  expect(mine.length).toBeGreaterThan(4);
  for (const key of mine)
    expect([key, numberOf(await own.redis.commands.send("TTL", key))]).toEqual([key, -1]);

  const newRoot = Uint8Array.from(liveRoot).fill(7, 0, 32);
  const batch = {
    lease,
    session: record,
    expectedRoot: liveRoot,
    newRoot,
    writes: [],
    deletes: [],
    entryIds: [],
  };
  expect(await writes.applyBatch(batch)).toEqual({ outcome: "applied" });
  expect((await sessions.load(SUPPLIER, SESSION))?.createdAt).toBe(record.createdAt);
});

test("a claimed session keeps the root that Go sealed", async () => {
  await loadStage("session end + 2");
  const { store, sessions, writes, lease } = await parts();
  const record = await sessions.load(SUPPLIER, SESSION);
  expect(record?.state).toBe("claimed");
  const { sealedRoot } = await store.state();
  expect(toHex(record?.claimedRoot ?? new Uint8Array())).toBe(toHex(sealedRoot ?? new Uint8Array()));
  if (!record) throw new Error("no record");
  const other = new Uint8Array(48).fill(1);
  expect(await writes.seal(lease, record, other)).toEqual({ outcome: "sealed", root: sealedRoot });
  const late = {
    lease,
    session: record,
    expectedRoot: sealedRoot,
    newRoot: other,
    writes: [],
    deletes: [],
    entryIds: [],
  };
  expect(await writes.applyBatch(late)).toEqual({ outcome: "sealed", root: sealedRoot });

  const submissions = openSubmissions({
    redis: own.redis.commands,
    keys: own.keys,
    trackingTtlMs: 1000,
    rebroadcastTtlMs: 1000,
  });
  const tracked = await submissions.read(SUPPLIER, 420n, SESSION);
  expect(tracked).toMatchObject({ claim: { success: true, submitHeight: 422n }, proof: { success: false } });
  const pending = await submissions.rebroadcasts("claim", { supplier: SUPPLIER, sessionEnd: 420n });
  expect(pending.get(SESSION)?.txHash).toBe(record.claimTxHash);
});

test("a proved session is over and can be marked settled", async () => {
  await loadStage("session end + 19");
  const { sessions } = await parts();
  expect((await sessions.listByState(SUPPLIER, "proved")).sessions).toHaveLength(1);
  expect(
    await sessions.settle(SUPPLIER, SESSION, { settlementOutcome: "settled", settlementHeight: 439n }),
  ).toBe(true);
  expect(await sessions.load(SUPPLIER, SESSION)).toMatchObject({ state: "proved", settlementHeight: 439n });
});

test("cache entries, known sets and locks are shared", async () => {
  const entries = cacheEntries(own.redis.commands, own.keys);
  const place = { application: "pokt1app", serviceId: "svc", height: 411n };
  expect(await entries.get(sessionEntity, place)).toBeUndefined();
  const params = { minStake: { denom: "upokt", amount: "1" }, stakingFee: undefined };
  await entries.set(supplierParamsEntity, undefined, params);
  expect(await entries.get(supplierParamsEntity, undefined)).toMatchObject({ minStake: params.minStake });
  expect(numberOf(await own.redis.commands.send("PTTL", own.keys.supplierParams))).toBeGreaterThan(290_000);
  await entries.delete(supplierParamsEntity, undefined);
  expect(await entries.get(supplierParamsEntity, undefined)).toBeUndefined();

  await entries.addKnown("applications", ["a", "b"]);
  await entries.removeKnown("applications", ["a"]);
  expect(await entries.known("applications")).toEqual(["b"]);

  const release = await entries.lock(["params", "shared", "411"]);
  expect(await entries.lock(["params", "shared", "411"])).toBeUndefined();
  await own.redis.commands.send("SET", own.keys.cacheLock("params", "shared", "411"), "1");
  await release?.();
  expect(await entries.lock(["params", "shared", "411"])).toBeUndefined();
});

test("a Redis that came back empty has another name", async () => {
  const before = await storeIdentity(own.redis.commands, own.keys);
  expect(await storeIdentity(own.redis.commands, own.keys)).toBe(before);
  await own.redis.commands.send("FLUSHALL");
  expect(await storeIdentity(own.redis.commands, own.keys)).not.toBe(before);
});
