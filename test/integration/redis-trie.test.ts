import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { bigToBytes, concatBytes, toHex, utf8 } from "../../src/base/bytes.ts";
import { systemClock } from "../../src/base/clock.ts";
import { type Lease, openLeases } from "../../src/runtime/redis/leases.ts";
import { fieldsOf, numberOf, textOf, textsOf } from "../../src/runtime/redis/reply.ts";
import { openSessions, type Sessions } from "../../src/runtime/redis/sessions.ts";
import { type TrieStore, trieStore } from "../../src/runtime/redis/trie-store.ts";
import { type Batch, type TrieWrites, trieWrites } from "../../src/runtime/redis/trie-writes.ts";
import { type TestRedis, testRedis } from "../kit/redis-fleet.ts";

const SUPPLIER = "pokt1supplier";
const SESSION = {
  sessionId: "5e55",
  supplier: SUPPLIER,
  serviceId: "svc",
  application: "pokt1app",
  startHeight: 11n,
  endHeight: 20n,
};

/** Any 48 bytes with a count and a sum serve as a root here: the scripts never look inside. */
const rootWith = (count: number, fill = count) =>
  concatBytes(
    new Uint8Array(32).fill(fill),
    bigToBytes(BigInt(count) * 1000n, 8),
    bigToBytes(BigInt(count), 8),
  );
const node = (fill: number) => ({ digest: new Uint8Array(48).fill(fill), node: utf8(`node ${fill}`) });

let own: TestRedis;
let writes: TrieWrites;
let store: TrieStore;
let sessions: Sessions;
let lease: Lease;

beforeAll(async () => {
  own = await testRedis("--enable-debug-command", "local");
});
afterAll(() => own.close());

const leasesOf = (instance: string) =>
  openLeases({ redis: own.redis.commands, keys: own.keys, clock: systemClock, instance });

async function acquire(instance: string): Promise<Lease> {
  const { lease: got } = await leasesOf(instance).acquire(SUPPLIER, 60_000);
  if (!got) throw new Error("not acquired");
  return got;
}

beforeEach(async () => {
  const { commands } = own.redis;
  await commands.send("FLUSHALL");
  writes = trieWrites(commands, own.keys, systemClock);
  store = trieStore(commands, own.keys, SUPPLIER, SESSION.sessionId);
  sessions = openSessions({ redis: commands, keys: own.keys, clock: systemClock, keepTerminalMs: 60_000 });
  lease = await acquire("m1");
});

/** Appends entries to the stream and delivers them, as a reader would. */
async function delivered(count: number): Promise<string[]> {
  const { commands } = own.redis;
  const stream = own.keys.stream(SUPPLIER);
  await commands.send("XGROUP", "CREATE", stream, "ha-miners", "0", "MKSTREAM").catch(() => undefined);
  const ids: string[] = [];
  for (let index = 0; index < count; index++)
    ids.push(textOf(await commands.send("XADD", stream, "*", "data", "x")));
  await commands.send("XREADGROUP", "GROUP", "ha-miners", "c", "COUNT", count, "STREAMS", stream, ">");
  return ids;
}

const batch = (parts: Partial<Batch> = {}): Batch => ({
  lease,
  session: SESSION,
  expectedRoot: undefined,
  newRoot: rootWith(2),
  writes: [node(1), node(2)],
  deletes: [],
  entryIds: [],
  ...parts,
});

/** Everything in Redis, to prove that a refused script changed nothing. */
const everything = async (): Promise<string> => textOf(await own.redis.commands.send("DEBUG", "DIGEST"));

test("a first batch makes nodes, root, stats, session and sets, and ends its entries", async () => {
  const entryIds = await delivered(3);
  expect(await writes.applyBatch(batch({ entryIds }))).toEqual({ outcome: "applied" });

  expect(await store.getMany([node(2).digest, node(9).digest])).toEqual([Buffer.from("node 2"), undefined]);
  expect(await store.state()).toEqual({
    sealedRoot: undefined,
    liveRoot: Buffer.from(rootWith(2)),
    stats: "2:2000",
  });
  expect(await sessions.load(SUPPLIER, SESSION.sessionId)).toMatchObject({
    ...SESSION,
    state: "active",
    relayCount: 2n,
    computeUnits: 2000n,
  });
  const fields = fieldsOf(
    await own.redis.commands.send("HGETALL", own.keys.session(SUPPLIER, SESSION.sessionId)),
  );
  expect([...fields.keys()]).toHaveLength(11);
  expect((await sessions.listByState(SUPPLIER, "active")).sessions).toHaveLength(1);
  expect((await sessions.list(SUPPLIER)).sessions).toHaveLength(1);
  expect(await own.redis.commands.send("XLEN", own.keys.stream(SUPPLIER))).toBe(0);
  expect(await own.redis.commands.send("XPENDING", own.keys.stream(SUPPLIER), "ha-miners")).toEqual([
    0,
    null,
    null,
    null,
  ]);
  for (const key of textsOf(await own.redis.commands.send("KEYS", "*")).filter(
    (name) => name !== own.keys.supplierLease(SUPPLIER),
  ))
    expect([key, await own.redis.commands.send("TTL", key)]).toEqual([key, -1]);
});

test("a second batch replaces nodes and counts what the trie holds", async () => {
  await writes.applyBatch(batch());
  const second = batch({
    expectedRoot: rootWith(2),
    newRoot: rootWith(5),
    writes: [node(3)],
    deletes: [node(1).digest],
  });
  expect(await writes.applyBatch(second)).toEqual({ outcome: "applied" });
  expect(await store.nodeCount()).toBe(2);
  expect(await sessions.load(SUPPLIER, SESSION.sessionId)).toMatchObject({
    relayCount: 5n,
    computeUnits: 5000n,
  });
});

test("a batch whose answer was lost can be sent again: only its entries go", async () => {
  await writes.applyBatch(batch());
  const before = await store.state();
  const entryIds = await delivered(2);
  expect(await writes.applyBatch(batch({ entryIds }))).toEqual({ outcome: "repeated" });
  expect(await store.state()).toEqual(before);
  expect(await own.redis.commands.send("XLEN", own.keys.stream(SUPPLIER))).toBe(0);
});

test("a batch made on another root, by a stale owner, or for a sealed or ended session changes nothing", async () => {
  await writes.applyBatch(batch());
  const onTop = batch({ expectedRoot: rootWith(2), newRoot: rootWith(3), entryIds: await delivered(1) });
  const refused = async (given: Batch, outcome: unknown) => {
    const before = await everything();
    expect(await writes.applyBatch(given)).toEqual(outcome);
    expect(await everything()).toBe(before);
  };
  await refused(batch({ ...onTop, expectedRoot: rootWith(7) }), {
    outcome: "conflict",
    liveRoot: Buffer.from(rootWith(2)),
  });
  await refused({ ...onTop, lease: { ...lease, epoch: "0" } }, { outcome: "fenced", owner: "m1" });
  await refused({ ...onTop, lease: { ...lease, instance: "m2" } }, { outcome: "fenced", owner: "m1" });

  await writes.seal(lease, SESSION, rootWith(2));
  await refused(onTop, { outcome: "sealed", root: Buffer.from(rootWith(2)) });

  await store.remove();
  await sessions.move({
    lease,
    supplier: SUPPLIER,
    sessionId: SESSION.sessionId,
    from: ["active"],
    to: "claim_skipped",
  });
  await refused(batch({ newRoot: rootWith(1) }), { outcome: "closed", state: "claim_skipped" });
});

test("a foreign value under one of our keys is named and left alone", async () => {
  await own.redis.commands.send("SET", own.keys.session(SUPPLIER, SESSION.sessionId), "{}");
  const before = await everything();
  await expect(writes.applyBatch(batch())).rejects.toMatchObject({
    code: "REDIS_FOREIGN_VALUE",
    fields: { key: own.keys.session(SUPPLIER, SESSION.sessionId) },
  });
  expect(await everything()).toBe(before);
  expect((await sessions.list(SUPPLIER)).sessions).toEqual([]);
});

test("a batch refused for lack of memory changes nothing, and goes in later", async () => {
  const { commands } = own.redis;
  const entryIds = await delivered(1);
  await commands.send("CONFIG", "SET", "maxmemory", "1");
  const before = await everything();
  await expect(writes.applyBatch(batch({ entryIds }))).rejects.toMatchObject({ fields: { kind: "OOM" } });
  expect(await everything()).toBe(before);
  await commands.send("CONFIG", "SET", "maxmemory", "0");
  expect(await writes.applyBatch(batch({ entryIds }))).toEqual({ outcome: "applied" });
});

test("a batch of thousands of nodes and entries is applied whole", async () => {
  const many = Array.from({ length: 3500 }, (_, index) => ({
    digest: concatBytes(bigToBytes(BigInt(index), 4), new Uint8Array(44)),
    node: utf8(`node ${index}`),
  }));
  const entryIds = await delivered(2500);
  expect(await writes.applyBatch(batch({ writes: many, entryIds }))).toEqual({ outcome: "applied" });
  expect(await store.nodeCount()).toBe(3500);
  expect(
    (await store.getMany(many.map(({ digest }) => digest))).map(
      (found) => found && Buffer.from(found).toString(),
    ),
  ).toEqual(many.map((_, index) => `node ${index}`));
  const next = batch({
    expectedRoot: rootWith(2),
    newRoot: rootWith(9),
    writes: [],
    deletes: many.slice(1).map(({ digest }) => digest),
  });
  expect(await writes.applyBatch(next)).toEqual({ outcome: "applied" });
  expect(await store.nodeCount()).toBe(1);
  expect(await own.redis.commands.send("XLEN", own.keys.stream(SUPPLIER))).toBe(0);
});

test("a trie half built by a Go miner is taken over and loses its time to live", async () => {
  const { commands } = own.redis;
  await commands.send(
    "HSET",
    own.keys.trieNodes(SUPPLIER, SESSION.sessionId),
    toHex(node(1).digest),
    node(1).node,
  );
  await commands.send("SET", own.keys.trieLiveRoot(SUPPLIER, SESSION.sessionId), rootWith(1));
  for (const key of textsOf(await commands.send("KEYS", "ha:smst:*")))
    await commands.send("EXPIRE", key, 7200);
  await store.protect();
  for (const key of textsOf(await commands.send("KEYS", "ha:smst:*")))
    expect(await commands.send("TTL", key)).toBe(-1);
  expect(await writes.applyBatch(batch({ expectedRoot: rootWith(1) }))).toEqual({ outcome: "applied" });
});

test("a root is sealed once; whoever seals gets that one", async () => {
  await writes.applyBatch(batch());
  expect(await writes.seal(lease, SESSION, rootWith(8))).toEqual({
    outcome: "conflict",
    liveRoot: Buffer.from(rootWith(2)),
  });
  expect(await writes.seal({ ...lease, epoch: "0" }, SESSION, rootWith(2))).toEqual({
    outcome: "fenced",
    owner: "m1",
  });
  const sealed = { outcome: "sealed", root: Buffer.from(rootWith(2)) };
  expect(await writes.seal(lease, SESSION, rootWith(2))).toEqual(sealed);
  expect(await writes.seal(lease, SESSION, rootWith(8))).toEqual(sealed);
  expect(await store.state()).toMatchObject({ sealedRoot: Buffer.from(rootWith(2)), stats: "2:2000" });
});

test("states move only from where they are expected, and sets follow", async () => {
  await writes.applyBatch(batch());
  const base = { lease, supplier: SUPPLIER, sessionId: SESSION.sessionId };
  expect(await sessions.move({ ...base, from: ["active"], to: "claiming" })).toEqual({
    result: "moved",
    was: "active",
  });
  expect(await sessions.move({ ...base, from: ["active"], to: "claiming" })).toEqual({
    result: "unexpected",
    state: "claiming",
  });
  const outcome = { claimedRoot: rootWith(2), claimTxHash: "ABCD" };
  expect(await sessions.move({ ...base, from: ["active", "claiming"], to: "claimed", outcome })).toEqual({
    result: "moved",
    was: "claiming",
  });
  expect(await sessions.load(SUPPLIER, SESSION.sessionId)).toMatchObject({
    state: "claimed",
    claimTxHash: "ABCD",
  });
  expect(
    await sessions.move({ ...base, lease: { ...lease, epoch: "9" }, from: ["claimed"], to: "proving" }),
  ).toEqual({ result: "fenced", owner: "m1" });
  expect(await sessions.move({ ...base, sessionId: "none", from: ["active"], to: "claiming" })).toEqual({
    result: "missing",
  });
  await sessions.move({ ...base, from: ["claimed"], to: "proved" });
  for (const state of ["active", "claiming", "claimed"] as const)
    expect((await sessions.listByState(SUPPLIER, state)).sessions).toEqual([]);
  const ttl = numberOf(await own.redis.commands.send("PTTL", own.keys.session(SUPPLIER, SESSION.sessionId)));
  expect(ttl).toBeGreaterThan(50_000);

  const settlement = {
    settlementOutcome: "settled",
    settlementHeight: 40n,
    settlementClaimed: 200n,
    settlementPaid: 180n,
  };
  expect(await sessions.settle(SUPPLIER, SESSION.sessionId, settlement)).toBe(true);
  expect(await sessions.load(SUPPLIER, SESSION.sessionId)).toMatchObject({ state: "proved", ...settlement });
  await own.redis.commands.send("DEL", own.keys.session(SUPPLIER, SESSION.sessionId));
  expect((await sessions.list(SUPPLIER)).sessions).toEqual([]);
  expect(await own.redis.commands.send("EXISTS", own.keys.sessionIndex(SUPPLIER))).toBe(0);
});

test("a lease has one owner, and every acquisition a new epoch", async () => {
  const second = leasesOf("m2");
  expect(await second.acquire(SUPPLIER, 60_000)).toMatchObject({ owner: "m1" });
  expect(textOf(await own.redis.commands.send("GET", own.keys.supplierLease(SUPPLIER)))).toBe("m1");

  const again = await acquire("m1");
  expect(BigInt(again.epoch)).toBe(BigInt(lease.epoch) + 1n);
  expect(await leasesOf("m1").renew(lease, 60_000)).toBe(false);
  expect(await leasesOf("m1").renew(again, 60_000)).toBe(true);
  expect(await leasesOf("m1").release(lease)).toBe(false);
  expect(await leasesOf("m1").release(again)).toBe(true);

  const taken = await second.acquire(SUPPLIER, 30);
  expect(taken.lease?.epoch).toBe((BigInt(again.epoch) + 1n).toString());
  await systemClock.sleep(60);
  expect(await second.owner(SUPPLIER)).toBeUndefined();
  // A Go miner takes it without an epoch: the old owner is out all the same.
  await own.redis.commands.send("SET", own.keys.supplierLease(SUPPLIER), "go-1", "NX", "EX", 90);
  const stale = taken.lease ?? lease;
  expect(await second.renew(stale, 1000)).toBe(false);
  expect(await writes.applyBatch(batch({ lease: stale }))).toEqual({ outcome: "fenced", owner: "go-1" });
});

test("instances that announce themselves are alive until they go silent or withdraw", async () => {
  await leasesOf("m1").announce(60_000);
  await leasesOf("m2").announce(20);
  await leasesOf("m3").announce(60_000);
  await leasesOf("m3").withdraw();
  await systemClock.sleep(40);
  expect(await leasesOf("m1").liveInstances()).toEqual(["m1"]);
});
