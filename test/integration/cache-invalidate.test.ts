import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { inspect } from "../../src/runtime/cache/inspect.ts";
import { type Invalidate, invalidate } from "../../src/runtime/cache/invalidate.ts";
import { countCacheEntries } from "../../src/runtime/redis/cache-keys.ts";
import type { RedisConnections } from "../../src/runtime/redis/connect.ts";
import { cacheInvalidations, type Invalidation } from "../../src/runtime/redis/invalidations.ts";
import { listOf, textsOf } from "../../src/runtime/redis/reply.ts";
import { readReplicas } from "../../src/runtime/redis/view-replicas.ts";
import { cacheReplica, type TestChain, type TestReplica, testChain } from "../kit/cache-replica.ts";
import { type TestRedis, testRedis } from "../kit/redis-fleet.ts";
import { ranFor } from "../kit/running-time.ts";

const APP = "pokt1mrqt5f7qh8uxs27cjm9t7v9e74a9vvdnq5jva4";
const OTHER = "pokt184zvylazwu4queyzpl0gyz9yf5yxm2kdhh9hpm";

let own: TestRedis;
let operator: RedisConnections;
let chain: TestChain;
let open: TestReplica[] = [];
beforeAll(async () => {
  own = await testRedis();
  operator = await own.another();
});
afterAll(() => own.close());
beforeEach(async () => {
  await own.redis.commands.send("FLUSHALL");
  chain = testChain();
});
afterEach(async () => {
  for (const replica of open) await replica.close();
  open = [];
});

async function replica(...options: Parameters<typeof cacheReplica>[2][]): Promise<TestReplica[]> {
  const started = await Promise.all(options.map((option) => cacheReplica(own, chain, option)));
  open.push(...started);
  return started;
}

const ask = (what: Pick<Invalidate, "entity" | "id"> & Partial<Invalidate>) =>
  invalidate({
    redis: operator,
    keys: own.keys,
    clock: systemClock,
    logger: own.logger,
    timeoutMs: 10_000,
    by: "test",
    ...what,
  });

/** Waits to the end, and longer while Redis or this process stands still: who answers does it in time. */
const patient: Clock = {
  ...systemClock,
  sleep: async (ms) => {
    await own.redis.commands.send("PING");
    await ranFor(ms);
  },
};

const stakeOf = async ({ data }: TestReplica) => (await data.application(APP)).stake?.amount;
const exists = (key: string) => own.redis.commands.send("EXISTS", key);

test("every replica acknowledges and reads the chain anew, through a shared tier that held the old value", async () => {
  const [first, second] = (await replica({ id: "r-1" }, { id: "m-a", role: "miner" })) as [
    TestReplica,
    TestReplica,
  ];
  expect([await stakeOf(first), await stakeOf(second)]).toEqual(["100", "100"]);
  chain.stake = "250";
  expect([await stakeOf(first), await stakeOf(second)]).toEqual(["100", "100"]);
  expect(chain.asked).toBe(1);

  const report = await ask({ entity: "application", id: APP });

  expect(report).toMatchObject({ entity: "application", key: APP, expected: 2, acked: 2, missing: [] });
  expect(report.replicas.map(({ id, role }) => `${role} ${id}`).sort()).toEqual(["miner m-a", "relayer r-1"]);
  for (const { ms } of report.replicas) expect(ms).toBeLessThan(10_000);
  expect(report.deleted).toEqual([{ key: `ha:cache:application:${APP}`, ageMs: expect.any(Number) }]);
  expect(first.data.caches.application.size + second.data.caches.application.size).toBe(0);
  expect([await stakeOf(first), await stakeOf(second)]).toEqual(["250", "250"]);
});

test("a replica that does not answer is missing, with the age of its heartbeat; the others count", async () => {
  await replica({ id: "r-1" }, { id: "r-2", manner: "silent" });
  const start = Date.now();
  const report = await ask({ entity: "application", id: APP, timeoutMs: 300, clock: patient });
  expect(Date.now() - start).toBeGreaterThanOrEqual(290);
  expect(report).toMatchObject({ expected: 2, acked: 1, missing: ["r-2"] });
  expect(report.replicas.map(({ id }) => id)).toEqual(["r-1"]);
  expect(report.unacknowledged).toEqual([
    { id: "r-2", role: "relayer", beatAgeMs: expect.any(Number), error: undefined },
  ]);
});

test("a replica that answers that it failed has not acknowledged", async () => {
  await replica({ id: "r-1", manner: "failing" });
  const report = await ask({ entity: "application", id: APP });
  expect(report).toMatchObject({ expected: 1, acked: 0, replicas: [], missing: ["r-1"] });
  expect(report.unacknowledged[0]?.error).toBe("the cache is locked");
});

test("a process that has stopped beating but still listens is waited for; one that is gone is not", async () => {
  await replica({ id: "r-1" });
  const { commands } = own.redis;
  await commands.send("SADD", own.keys.heartbeats, "r-gone");
  expect(await ask({ entity: "service", id: "svc" })).toMatchObject({ expected: 1, missing: [] });
  expect(textsOf(await commands.send("SMEMBERS", own.keys.heartbeats))).toEqual(["r-1"]);

  // A frozen process: its heartbeat has run out, its connection to Redis is open.
  const frozen = await own.another();
  const end = await frozen.subscriptions.subscribe(own.keys.commandsChannel, { onMessage: () => undefined });
  await commands.send("SADD", own.keys.heartbeats, "r-frozen");
  const report = await ask({ entity: "service", id: "svc", timeoutMs: 200, clock: patient });
  expect(report).toMatchObject({ expected: 2, acked: 1, missing: ["r-frozen"] });
  expect(report.unacknowledged[0]?.beatAgeMs).toBeUndefined();
  end();
});

test("without any replica there is nobody to wait for", async () => {
  const start = Date.now();
  expect(await ask({ entity: "all", id: undefined })).toMatchObject({ expected: 0, acked: 0, missing: [] });
  expect(Date.now() - start).toBeLessThan(10_000);
});

const PLANTED = {
  "ha:cache:application:a": "application",
  "ha:cache:account:a": "application",
  "ha:cache:service:s": "service",
  "ha:cache:session:a:s:10": "session",
  "ha:cache:session:validation:a:s:10": "session",
  "ha:cache:session:rewardable:5e55": "session",
  "ha:cache:shared_params": "params",
  "ha:cache:session_params": "params",
  "ha:cache:proof_params": "params",
  "ha:cache:params:shared:10": "params",
  "ha:cache:params:supplier": "params",
  "ha:cache:known:applications": "other",
} as const;
const UNTOUCHED = ["ha:cache:lock:params:shared:10", "ha:supplier:a", "ha:relays:a", "ha:smst:a:5e55:nodes"];

async function plant(): Promise<void> {
  for (const key of [...Object.keys(PLANTED), ...UNTOUCHED]) await own.redis.commands.send("SET", key, "x");
}

async function left(): Promise<string[]> {
  const all = [...Object.keys(PLANTED), ...UNTOUCHED];
  const found = await Promise.all(all.map(exists));
  return all.filter((_, index) => found[index] === 1);
}

test.each([
  ["application", "a", ["ha:cache:application:a", "ha:cache:account:a"]],
  ["supplier", "a", ["ha:cache:account:a"]],
  ["service", "s", ["ha:cache:service:s"]],
  ["session", "5e55", Object.keys(PLANTED).filter((key) => key.includes(":session:"))],
  ["params", undefined, Object.keys(PLANTED).filter((key) => key.includes("params"))],
  ["all", undefined, Object.keys(PLANTED)],
] as const)("%s deletes its keys in Redis and no others", async (entity, id, expected) => {
  await plant();
  const dry = await ask({ entity, id, dryRun: true });
  expect(new Set(dry.deleted.map(({ key }) => key))).toEqual(new Set<string>(expected));
  expect(await left()).toHaveLength(Object.keys(PLANTED).length + UNTOUCHED.length);

  const report = await ask({ entity, id });
  expect(report.deleted).toHaveLength(expected.length);
  expect(new Set(report.deleted.map(({ key }) => key))).toEqual(new Set<string>(expected));
  const kept = [...Object.keys(PLANTED), ...UNTOUCHED].filter(
    (key) => !(expected as readonly string[]).includes(key),
  );
  expect(await left()).toEqual(kept);
});

test("thousands of entries are found in small steps", async () => {
  const pairs = Array.from({ length: 3_000 }, (_, index) => [`ha:cache:session:a:s:${index}`, "x"]).flat();
  await own.redis.commands.send("MSET", ...pairs);
  expect((await countCacheEntries(own.redis.commands, own.keys)).counts.get("session")).toBe(3_000);
  expect((await ask({ entity: "session", id: undefined })).deleted).toHaveLength(3_000);
  expect((await countCacheEntries(own.redis.commands, own.keys)).counts.size).toBe(0);
});

test("a dry run asks nobody and changes nothing", async () => {
  const [first] = (await replica({ id: "r-1" })) as [TestReplica];
  await stakeOf(first);
  const report = await ask({ entity: "application", id: APP, dryRun: true });
  expect(report).toMatchObject({ dryRun: true, expected: 1, acked: 0, missing: [] });
  expect(report.replicas).toEqual([{ id: "r-1", role: "relayer", ms: 0 }]);
  expect(first.data.caches.application.size).toBe(1);
  expect(await exists(`ha:cache:application:${APP}`)).toBe(1);
  expect(await own.redis.commands.send("XLEN", own.keys.audit)).toBe(0);
});

test("Go's channels are told, and who asked is written down", async () => {
  await own.redis.commands.send("SET", "ha:cache:params:shared:40", "{}");
  const heard: Invalidation[] = [];
  const end = await cacheInvalidations(await own.another(), own.keys, own.logger).subscribe(
    (invalidation) => heard.push(invalidation),
    () => undefined,
  );
  await ask({ entity: "application", id: APP });
  await ask({ entity: "params", id: undefined });
  await expect
    .poll(() => heard)
    .toEqual([
      { type: "application", id: APP },
      { type: "account", id: APP },
      { type: "shared_params" },
      { type: "session_params" },
      { type: "proof_params" },
      { type: "supplier_params" },
      { type: "params_at_height", id: "40" },
    ]);
  expect(listOf(await own.redis.commands.send("XRANGE", own.keys.audit, "-", "+"))).toHaveLength(2);
  end();
});

test("an inspection tells the age in every tier and where Redis differs from the chain", async () => {
  const [first] = (await replica({ id: "r-1" }, { id: "r-2" })) as [TestReplica, TestReplica];
  await stakeOf(first);
  chain.stake = "90";
  const { commands } = own.redis;
  const look = async () => {
    const replicas = await readReplicas(commands, own.keys, []);
    const options = { redis: commands, keys: own.keys, replicas, client: chain.client };
    return inspect({ ...options, entity: "application", id: APP });
  };
  await expect
    .poll(async () => (await look())[0]?.memory)
    .toEqual([
      { id: "r-1", role: "relayer", ageMs: expect.any(Number) },
      { id: "r-2", role: "relayer", ageMs: "absent" },
    ]);
  const [application] = await look();
  expect(application?.shared).toMatchObject({
    state: "held",
    ageMs: expect.any(Number),
    ttlMs: expect.any(Number),
  });
  expect(application?.differences).toEqual([{ field: "stake", shared: "100upokt", chain: "90upokt" }]);

  await ask({ entity: "application", id: APP });
  await first.data.application(APP);
  expect((await look())[0]?.differences).toEqual([]);
  const other = await inspect({
    redis: commands,
    keys: own.keys,
    replicas: [],
    client: undefined,
    entity: "application",
    id: OTHER,
  });
  expect(other[0]).toMatchObject({ shared: { state: "absent" }, chain: undefined, differences: [] });
});
