import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { MinedRelayMessage } from "../../src/chain/proto/mined-relay.ts";
import { openRelayReader, type RelayReader } from "../../src/runtime/redis/relay-reader.ts";
import { encodeEntry, relayPublisher } from "../../src/runtime/redis/relay-stream.ts";
import { fieldsOf, listOf } from "../../src/runtime/redis/reply.ts";
import { manualClock } from "../kit/manual-clock.ts";
import { type TestRedis, testRedis } from "../kit/redis-fleet.ts";
import { runningTime } from "../kit/running-time.ts";

let own: TestRedis;
let reader: RelayReader;

beforeAll(async () => {
  own = await testRedis();
});
afterAll(() => own.close());
beforeEach(async () => {
  await own.redis.commands.send("FLUSHALL");
  reader = await readerOf("m1");
  await reader.prepare("s1");
  await reader.prepare("s2");
});

const readerOf = (consumer: string) =>
  openRelayReader({ redis: own.redis, keys: own.keys, consumer, logger: own.logger });

const relay = (supplier: string, number: number) =>
  MinedRelayMessage.create({
    relayBytes: new Uint8Array([number]),
    sessionId: "5e55",
    sessionEndHeight: 20n,
    supplierOperatorAddress: supplier,
  });

async function publish(supplier: string, ...numbers: number[]): Promise<void> {
  const publisher = relayPublisher(own.redis.commands, own.keys, systemClock);
  for (const number of numbers) await publisher.publish(encodeEntry(relay(supplier, number), systemClock));
}

const LIMITS = { count: 100, blockMs: 50 };
type Entries = readonly { readonly message?: MinedRelayMessage | undefined }[];
const numbersOf = (entries: Entries) => entries.map(({ message }) => message?.relayBytes[0]);

test("one read serves many streams, and waits no longer than asked when there is nothing", async () => {
  await publish("s1", 1, 2);
  await publish("s2", 3);
  const { batches, broken } = await reader.read(["s1", "s2"], LIMITS);
  expect(broken).toEqual([]);
  expect(batches.map(({ supplier, entries }) => [supplier, numbersOf(entries)])).toEqual([
    ["s1", [1, 2]],
    ["s2", [3]],
  ]);
  const start = runningTime();
  expect(await reader.read(["s1", "s2"], LIMITS)).toEqual({ batches: [], broken: [] });
  expect(runningTime() - start).toBeLessThan(1000);
});

test("a waiting read does not hold up commands", async () => {
  const waiting = reader.read(["s1"], { count: 1, blockMs: 2000 });
  const first = await Promise.race([
    waiting.then(() => "read"),
    own.redis.commands.send("PING").then(() => "command"),
  ]);
  expect(first).toBe("command");
  await publish("s1", 9);
  expect(numbersOf((await waiting).batches[0]?.entries ?? [])).toEqual([9]);
});

test("entries published before the group was made are read, and no stream expires", async () => {
  const stream = own.keys.stream("s3");
  await publish("s3", 1);
  await own.redis.commands.send("EXPIRE", stream, 7200);
  await reader.prepare("s3");
  expect(await own.redis.commands.send("TTL", stream)).toBe(-1);
  await own.redis.commands.send("EXPIRE", stream, 7200);
  await publish("s3", 2);
  await expect.poll(() => own.redis.commands.send("TTL", stream)).toBe(-1);
  expect(numbersOf((await reader.read(["s3"], LIMITS)).batches[0]?.entries ?? [])).toEqual([1, 2]);
});

test("a Go relayer that starts later sets a time to live: it is gone within a minute of relays", async () => {
  const stream = own.keys.stream("s4");
  const clock = manualClock();
  const publisher = relayPublisher(own.redis.commands, own.keys, clock);
  const entry = encodeEntry(relay("s4", 1), systemClock);
  const ttl = () => own.redis.commands.send("TTL", stream);
  await publisher.publish(entry);
  await own.redis.commands.send("EXPIRE", stream, 7200);
  await publisher.publish(entry);
  expect(await ttl()).toBeGreaterThan(7_000);
  clock.advance(60_000);
  await publisher.publish(entry);
  await expect.poll(ttl).toBe(-1);
});

test("what a restarted consumer had not finished comes back to it first", async () => {
  await publish("s1", 1, 2, 3);
  await reader.read(["s1"], LIMITS);
  const again = await readerOf("m1");
  const first = await again.pending("s1", "0", 2);
  expect(numbersOf(first)).toEqual([1, 2]);
  expect(numbersOf(await again.pending("s1", first[1]?.id ?? "", 10))).toEqual([3]);
  expect(await (await readerOf("m2")).pending("s1", "0", 10)).toEqual([]);
});

test("a dead consumer's entries are taken over when they are idle long enough", async () => {
  await publish("s1", ...Array.from({ length: 60 }, (_, index) => index));
  await reader.read(["s1"], LIMITS);
  const heir = await readerOf("m2");
  expect(await heir.reclaim("s1", { minIdleMs: 60_000, count: 100 })).toEqual([]);
  await systemClock.sleep(30);
  const some = await heir.reclaim("s1", { minIdleMs: 20, count: 25 });
  expect(some).toHaveLength(25);
  expect(numbersOf(await heir.pending("s1", "0", 100))).toHaveLength(25);
  await systemClock.sleep(30);
  expect(await heir.reclaim("s1", { minIdleMs: 20, count: 100 })).toHaveLength(60);
});

test("entries that vanished while pending are acknowledged, not waited for", async () => {
  await publish("s1", 1, 2);
  const { batches } = await reader.read(["s1"], LIMITS);
  await own.redis.commands.send("XDEL", own.keys.stream("s1"), batches[0]?.entries[0]?.id ?? "");
  expect(numbersOf(await reader.pending("s1", "0", 10))).toEqual([2]);
  expect((await reader.lag("s1")).pending).toBe(1);
});

test("a poisoned entry goes to the dead letters with its reason; the rest flows", async () => {
  const stream = own.keys.stream("s1");
  await own.redis.commands.send("XADD", stream, "*", "data", "garbage");
  await own.redis.commands.send("XADD", stream, "*", "other", "x");
  await publish("s1", 7);
  await publish("s2", 1);
  // A relay of another supplier, and one whose session id would reach into another key.
  await own.redis.commands.send("XADD", stream, "*", "data", encodeEntry(relay("s2", 1), systemClock).data);
  const sly = MinedRelayMessage.create({ ...relay("s1", 1), sessionId: "5e55:nodes" });
  await own.redis.commands.send("XADD", stream, "*", "data", encodeEntry(sly, systemClock).data);
  const { batches } = await reader.read(["s1"], LIMITS);
  const entries = batches[0]?.entries ?? [];
  expect(entries.map(({ problem }) => problem === undefined)).toEqual([false, false, true, false, false]);
  for (const { id, problem } of entries)
    if (problem !== undefined) expect(await reader.deadLetter("s1", id, problem)).toBe(true);
  expect(await reader.deadLetter("s1", entries[0]?.id ?? "", "again")).toBe(false);
  const dead = listOf(await own.redis.commands.send("XRANGE", own.keys.deadLetters("s1"), "-", "+"));
  const fields = fieldsOf(listOf(dead[0])[1]);
  expect(Buffer.from(fields.get("data") ?? []).toString()).toBe("garbage");
  expect(fields.has("reason")).toBe(true);
  expect(dead).toHaveLength(4);
  expect(await reader.lag("s1")).toMatchObject({ length: 1, pending: 1 });
});

test("discarded entries are gone for good", async () => {
  await publish("s1", 1, 2);
  const { batches } = await reader.read(["s1"], LIMITS);
  await reader.discard("s1", batches[0]?.entries.map(({ id }) => id) ?? []);
  expect(await reader.lag("s1")).toEqual({ length: 0, pending: 0, oldestMs: undefined });
});

test("a lost group is made again from the first entry on", async () => {
  await publish("s1", 1, 2);
  await own.redis.commands.send("XGROUP", "DESTROY", own.keys.stream("s1"), own.keys.consumerGroup);
  expect((await reader.lag("s1")).pending).toBe(0);
  expect(numbersOf((await reader.read(["s1", "s2"], LIMITS)).batches[0]?.entries ?? [])).toEqual([1, 2]);
});

test("a foreign value under one stream's key breaks that supplier only", async () => {
  await own.redis.commands.send("SET", own.keys.stream("s9"), "text");
  await publish("s1", 1);
  const { batches, broken } = await reader.read(["s1", "s9"], LIMITS);
  expect(numbersOf(batches[0]?.entries ?? [])).toEqual([1]);
  expect(broken).toEqual([{ supplier: "s9", reason: expect.stringContaining("WRONGTYPE") }]);
});

test("a relay without session or supplier is never published", () => {
  for (const bad of [{ sessionId: "" }, { sessionEndHeight: 0n }, { supplierOperatorAddress: "" }])
    expect(() => encodeEntry(MinedRelayMessage.create({ ...relay("s1", 1), ...bad }), systemClock)).toThrow(
      expect.objectContaining({ code: "RELAY_UNPUBLISHABLE" }),
    );
});

test("after a crash of Redis the reader goes on where it was", async () => {
  await publish("s1", 1);
  await reader.read(["s1"], LIMITS);
  await own.server.crash();
  await expect(reader.read(["s1"], LIMITS)).rejects.toMatchObject({ code: "REDIS_UNREACHABLE" });
  await own.server.restart();
  await expect
    .poll(
      () =>
        own.redis.commands.send("PING").then(
          () => true,
          () => false,
        ),
      { timeout: 10_000 },
    )
    .toBe(true);
  await publish("s1", 2);
  await expect
    .poll(async () => numbersOf((await reader.read(["s1"], LIMITS)).batches[0]?.entries ?? []), {
      timeout: 10_000,
    })
    .toEqual([2]);
  expect(numbersOf(await reader.pending("s1", "0", 10))).toEqual([1, 2]);
});
