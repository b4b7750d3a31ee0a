import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { blockEvents } from "../../src/runtime/redis/block-events.ts";
import { answerCommands, type Command, openRequester } from "../../src/runtime/redis/commands.ts";
import { HEARTBEAT_TTL_MS, heartbeats } from "../../src/runtime/redis/heartbeat.ts";
import { cacheInvalidations, type Invalidation } from "../../src/runtime/redis/invalidations.ts";
import { type Meter, openMeter } from "../../src/runtime/redis/meter.ts";
import { fieldsOf, listOf, numberOf } from "../../src/runtime/redis/reply.ts";
import { serviceFactors } from "../../src/runtime/redis/service-factors.ts";
import { NOTHING_SENT } from "../../src/runtime/redis/submission-record.ts";
import { openSubmissions } from "../../src/runtime/redis/submissions.ts";
import { supplierRecords } from "../../src/runtime/redis/supplier-records.ts";
import { type TestRedis, testRedis } from "../kit/redis-fleet.ts";
import { runningTime } from "../kit/running-time.ts";

let own: TestRedis;
beforeAll(async () => {
  own = await testRedis();
});
afterAll(() => own.close());
beforeEach(async () => {
  await own.redis.commands.send("FLUSHALL");
});

const RELAY = {
  sessionId: "5e55",
  supplier: "pokt1supplier",
  application: "pokt1app",
  serviceId: "svc",
  sessionEndHeight: 20n,
  limit: 100n,
  factor: 0.5,
  applicationStake: 200n,
};

const meterOf = (): Meter =>
  openMeter({ redis: own.redis, keys: own.keys, clock: systemClock, ttlSeconds: 7200 });

test("the meter never lets more through than the limit, however many ask at once", async () => {
  const meter = meterOf();
  const answers = await Promise.all(Array.from({ length: 40 }, () => meter.consume(RELAY, 7n)));
  expect(answers.filter(({ allowed }) => allowed)).toHaveLength(14);
  expect((await meter.read(RELAY)).consumed).toBe(98n);
  expect((await meter.read(RELAY)).meta).toMatchObject(RELAY);
  expect(await meter.active()).toEqual([{ sessionId: "5e55", supplier: "pokt1supplier" }]);
  const consumed = own.keys.meterConsumed(RELAY.sessionId, RELAY.supplier);
  expect(numberOf(await own.redis.commands.send("TTL", consumed))).toBeGreaterThan(7000);
});

test("a refund gives back what was taken and no more", async () => {
  const meter = meterOf();
  await meter.refund(RELAY, 7n);
  expect(
    await own.redis.commands.send("EXISTS", own.keys.meterConsumed(RELAY.sessionId, RELAY.supplier)),
  ).toBe(0);
  await meter.consume(RELAY, 7n);
  await meter.consume(RELAY, 7n);
  await meter.refund(RELAY, 7n);
  expect((await meter.read(RELAY)).consumed).toBe(7n);
  await meter.refund(RELAY, 50n);
  expect((await meter.read(RELAY)).consumed).toBe(0n);
});

test("a counter that a Go relayer left without time to live gets one; a new limit keeps it", async () => {
  const meter = meterOf();
  const consumed = own.keys.meterConsumed(RELAY.sessionId, RELAY.supplier);
  await own.redis.commands.send("INCRBY", consumed, 90);
  expect(await meter.consume(RELAY, 10n)).toMatchObject({ allowed: true, consumed: 100n });
  expect(await meter.consume(RELAY, 1n)).toMatchObject({ allowed: false, consumed: 100n });
  expect(numberOf(await own.redis.commands.send("TTL", consumed))).toBeGreaterThan(7000);
  await meter.forget(RELAY);
  await meter.consume(RELAY, 10n);
  await meter.revise({ ...RELAY, limit: 500n });
  expect((await meter.read(RELAY)).meta?.limit).toBe(500n);
  expect(
    numberOf(await own.redis.commands.send("TTL", own.keys.meterMeta(RELAY.sessionId, RELAY.supplier))),
  ).toBeGreaterThan(7000);
});

test("the end of a session reaches every relayer", async () => {
  const meter = meterOf();
  const ended: unknown[] = [];
  await meter.onEnd((session) => ended.push(session));
  await own.redis.commands.send("PUBLISH", own.keys.meterCleanupChannel, "nonsense");
  await meter.announceEnd(RELAY);
  await expect.poll(() => ended).toEqual([{ sessionId: "5e55", supplier: "pokt1supplier" }]);
});

test("a service's factor stands before the default one, and neither expires", async () => {
  const factors = serviceFactors(own.redis.commands, own.keys, systemClock);
  expect(await factors.get("svc")).toBeUndefined();
  await factors.set(undefined, 0.5);
  await factors.set("svc", 2);
  expect([await factors.get("svc"), await factors.get("other")]).toEqual([2, 0.5]);
  expect(await own.redis.commands.send("TTL", own.keys.serviceFactorDefault)).toBe(-1);
  await factors.set("svc", undefined);
  expect(await factors.get("svc")).toBe(0.5);
});

test("blocks arrive with height, hash and nanoseconds", async () => {
  const events = blockEvents(own.redis, own.keys, own.logger);
  const seen: unknown[] = [];
  await events.subscribe((block) => seen.push(block));
  const block = { height: 7n, hash: new Uint8Array(32).fill(1), timeNs: 1_795_466_231_382_255_181n };
  await own.redis.commands.send("PUBLISH", own.keys.blocksChannel, "{");
  await events.publish(block);
  await expect.poll(() => seen).toEqual([block]);
});

test("supplier records come back as written; one without services is neither written nor believed", async () => {
  const records = supplierRecords({ redis: own.redis, keys: own.keys, logger: own.logger });
  const record = {
    status: "active",
    staked: true,
    services: ["svc"],
    stakedEndpoints: [{ serviceId: "svc", rpcType: "jsonrpc" }],
    unstakeSessionEndHeight: 0n,
    operatorAddress: "pokt1supplier",
    ownerAddress: "pokt1owner",
    lastUpdated: 1n,
    lastRefreshSessionStart: 0n,
    updatedBy: "m1",
  };
  await records.write(record);
  expect(await records.read("pokt1supplier")).toEqual(record);
  await expect(records.write({ ...record, services: [] })).rejects.toMatchObject({
    code: "SUPPLIER_RECORD_EMPTY",
  });
  await own.redis.commands.send(
    "SET",
    own.keys.supplier("pokt1other"),
    '{"status":"active","staked":true,"services":[]}',
  );
  expect(await records.read("pokt1other")).toBeUndefined();

  const updates: unknown[] = [];
  await records.onUpdate((update) => updates.push(update));
  const update = { action: "add", operatorAddress: "pokt1supplier", services: ["svc"], reason: "" };
  await records.announce(update);
  await expect.poll(() => updates).toEqual([update]);
  const entry = { operatorAddress: "pokt1supplier", services: ["svc"], status: "active", updatedAt: 5n };
  await records.register(entry);
  expect(await records.registered()).toEqual([entry]);
  await records.unregister("pokt1supplier");
  expect(await records.registered()).toEqual([]);
});

test("an invalidation reaches another process and moves the generation", async () => {
  const other = cacheInvalidations(await own.another(), own.keys, own.logger);
  const mine = cacheInvalidations(own.redis, own.keys, own.logger);
  const seen: Invalidation[] = [];
  const before = await mine.generation();
  const end = await other.subscribe(
    (invalidation) => seen.push(invalidation),
    () => undefined,
  );
  await mine.publish({ type: "application", id: "pokt1app" });
  await mine.publish({ type: "shared_params" });
  await expect.poll(() => seen).toEqual([{ type: "application", id: "pokt1app" }, { type: "shared_params" }]);
  expect(Number(await mine.generation())).toBe(Number(before) + 2);
  end();
});

test("heartbeats list who is alive", async () => {
  const beats = heartbeats(own.redis.commands, own.keys);
  const beat = {
    role: "relayer",
    version: "1",
    host: "h",
    pid: 1,
    startedAt: 1,
    beatAt: 2,
    details: { rps: 3 },
  };
  await beats.beat({ ...beat, id: "b" });
  await beats.beat({ ...beat, id: "a" });
  await beats.beat({ ...beat, id: "c" });
  await beats.stop("b");
  await own.redis.commands.send("DEL", own.keys.heartbeat("c"));
  expect(await beats.live()).toEqual([{ ...beat, id: "a" }]);
  expect(numberOf(await own.redis.commands.send("PTTL", own.keys.heartbeat("a")))).toBeLessThanOrEqual(
    HEARTBEAT_TTL_MS,
  );
});

test("a command is answered by every replica; who stays silent is named", async () => {
  const obeyed: Command[] = [];
  const replica = async (id: string, onCommand: (command: Command) => Promise<void>) =>
    answerCommands({
      redis: await own.another(),
      keys: own.keys,
      logger: own.logger,
      id,
      role: "relayer",
      onCommand,
    });
  await replica("r1", async (command) => void obeyed.push(command));
  await replica("r2", () => Promise.reject(new Error("no such cache")));
  const requester = openRequester({ redis: own.redis, keys: own.keys, clock: systemClock });

  const command = { name: "invalidate", args: { type: "application", id: "pokt1app" } };
  const start = runningTime();
  const quick = await requester.requestAcks({ command, expected: ["r1", "r2"], timeoutMs: 5000, by: "test" });
  expect(runningTime() - start).toBeLessThan(2000);
  expect(obeyed).toEqual([command]);
  expect(quick.missing).toEqual([]);
  expect(
    quick.acks.map(({ id, role, error }) => ({ id, role, error })).sort((a, b) => (a.id < b.id ? -1 : 1)),
  ).toEqual([
    { id: "r1", role: "relayer", error: undefined },
    { id: "r2", role: "relayer", error: "no such cache" },
  ]);
  const slow = await requester.requestAcks({ command, expected: ["r1", "r3"], timeoutMs: 3000, by: "test" });
  expect(slow.missing).toEqual(["r3"]);
  const audit = listOf(await own.redis.commands.send("XRANGE", own.keys.audit, "-", "+"));
  expect(audit).toHaveLength(2);
  expect(Buffer.from(fieldsOf(listOf(audit[1])[1]).get("missing") ?? []).toString()).toBe("r3");
});

test("submissions and rebroadcasts are kept until they are dropped", async () => {
  const submissions = openSubmissions({
    redis: own.redis.commands,
    keys: own.keys,
    trackingTtlMs: 86_400_000,
    rebroadcastTtlMs: 3_600_000,
  });
  const submission = {
    supplier: "pokt1supplier",
    serviceId: "svc",
    application: "pokt1app",
    sessionId: "5e55",
    sessionStart: 11n,
    sessionEnd: 20n,
    claim: { ...NOTHING_SENT, hash: "00ff", success: true, submitHeight: 22n },
    proof: NOTHING_SENT,
    relays: 3n,
    computeUnits: 3000n,
    proofRequired: false,
    proofRequirementSeed: "",
  };
  await submissions.write(submission);
  expect(await submissions.read("pokt1supplier", 20n, "5e55")).toEqual(submission);
  expect(await submissions.list("pokt1supplier")).toEqual([submission]);
  expect(await submissions.list()).toEqual([submission]);

  const group = { supplier: "pokt1supplier", sessionEnd: 20n };
  const message = {
    message: new Uint8Array([1, 2]),
    submitHeight: 22n,
    txHash: "",
    originalHash: "",
    serviceId: "svc",
    resends: 1n,
  };
  await submissions.keepForRebroadcast("claim", group, "5e55", message);
  await submissions.keepForRebroadcast("claim", group, "5e56", message);
  expect(await submissions.groups("claim")).toEqual([group]);
  expect([...(await submissions.rebroadcasts("claim", group))]).toEqual([
    ["5e55", message],
    ["5e56", message],
  ]);
  expect(await submissions.dropRebroadcast("claim", group, "5e55")).toBe(1);
  expect(await submissions.dropRebroadcast("claim", group, "5e56")).toBe(0);
  expect(await submissions.groups("claim")).toEqual([]);
});
