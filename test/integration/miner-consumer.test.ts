import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { rootTotals } from "../../src/chain/protocol/claim.ts";
import { Consumer } from "../../src/runtime/miner/consume.ts";
import type { SupplierWorker } from "../../src/runtime/miner/worker.ts";
import type { SessionIdentity } from "../../src/runtime/redis/session-record.ts";
import {
  announce,
  type MinerWorld,
  mined,
  minerWorld,
  numbers,
  SUPPLIER,
  sessionOf,
} from "../kit/miner-world.ts";
import { type TestRedis, testRedis } from "../kit/redis-fleet.ts";
import { runningTime } from "../kit/running-time.ts";
import { ScriptedChain } from "../kit/scripted-chain.ts";

let own: TestRedis;
let chain: ScriptedChain;
let world: MinerWorld;
let session: SessionIdentity;
let workers: Map<string, SupplierWorker>;
const running: Consumer[] = [];

beforeAll(async () => {
  own = await testRedis();
});
afterAll(() => own.close());
beforeEach(async () => {
  await own.redis.commands.send("FLUSHALL");
  own.logger.lines.length = 0;
  chain = new ScriptedChain();
  world = await minerWorld({ own, chain, id: "alive" });
  session = announce(chain, sessionOf("a"));
  workers = new Map();
});
afterEach(async () => {
  for (const consumer of running.splice(0)) await consumer.close();
});

function consume(count = 1000, of = world): Consumer {
  const { reader, metrics } = of;
  const consumer = new Consumer({
    reader,
    workers,
    clock: systemClock,
    logger: own.logger,
    count,
    minIdleMs: 200,
    metrics,
  });
  consumer.start();
  running.push(consumer);
  return consumer;
}

async function takeLease(supplier = SUPPLIER): Promise<SupplierWorker> {
  const worker = await world.begin(supplier);
  workers.set(supplier, worker);
  return worker;
}

const leaves = async (of = session): Promise<bigint> => {
  const { liveRoot } = await world.store(of).state();
  return liveRoot ? rootTotals(liveRoot).count : 0n;
};
const pending = async (supplier = SUPPLIER) => (await world.reader.lag(supplier)).pending;
const soon = { timeout: 15_000, interval: 10 };
const later = { timeout: 20_000, interval: 20 };

/** A process that has read entries and is gone. */
async function dead(count: number): Promise<void> {
  const other = await minerWorld({ own, chain, id: "dead" });
  await other.reader.prepare(SUPPLIER);
  await other.reader.read([SUPPLIER], { count, blockMs: 1 });
}

test("relays of several suppliers flow, and one that comes later is taken up", async () => {
  await takeLease();
  const other = announce(chain, sessionOf("b", { supplier: "pokt1other" }));
  consume();
  await world.publish(session, 1, 2);
  await expect.poll(leaves, soon).toBe(2n);
  await world.publish(other, 1, 2, 3);
  await takeLease("pokt1other");
  await expect.poll(() => leaves(other), soon).toBe(3n);
  await world.publish(session, 3);
  await expect.poll(leaves, soon).toBe(3n);
});

test("relays that come one by one are applied together", async () => {
  await takeLease();
  consume();
  const start = performance.now();
  for (const number of numbers(60)) {
    await world.publish(session, number);
    await systemClock.sleep(5);
  }
  await expect.poll(leaves, soon).toBe(60n);
  const tookMs = performance.now() - start;
  const { values } = await world.metrics.applySeconds.get();
  const batches = values.find(({ metricName }) => metricName?.endsWith("_count"))?.value;
  expect(batches).toBeGreaterThan(1);
  // One in a tenth of a second.
  expect(batches).toBeLessThan(5 + tookMs / 80);
});

test("a dead consumer's pending entries are taken over with the lease, at once", async () => {
  await world.reader.prepare(SUPPLIER);
  await world.publish(session, ...numbers(2_500));
  await dead(2_500);
  expect(await pending()).toBe(2_500);
  await takeLease();
  const start = runningTime();
  consume();
  await expect.poll(leaves, soon).toBe(2_500n);
  expect(runningTime() - start).toBeLessThan(1_500);
  expect(await pending()).toBe(0);
});

test("what an old owner's last read took is found again", async () => {
  await takeLease();
  consume();
  await systemClock.sleep(50);
  // The old owner was still waiting in its read when the relay came.
  const other = await minerWorld({ own, chain, id: "old" });
  for (let number = 0; number < 12; number++) {
    const reading = other.reader.read([SUPPLIER], { count: 1, blockMs: 20 });
    await world.publish(session, number);
    await reading;
  }
  await expect.poll(leaves, later).toBe(12n);
  await expect.poll(() => pending(), later).toBe(0);
});

test("what cannot be applied while the chain is unknown stays, and is applied when it is back", async () => {
  await takeLease();
  chain.away = true;
  consume();
  await world.publish(session, ...numbers(30));
  await expect.poll(() => pending(), soon).toBe(30);
  await systemClock.sleep(300);
  expect(await leaves()).toBe(0n);
  expect(await pending()).toBe(30);
  chain.away = false;
  await expect.poll(leaves, later).toBe(30n);
  expect(await pending()).toBe(0);
});

test("poison blocks neither its own stream nor another's", async () => {
  await takeLease();
  const other = announce(chain, sessionOf("b", { supplier: "pokt1other" }));
  await takeLease("pokt1other");
  const stream = own.keys.stream(SUPPLIER);
  await own.redis.commands.send("XADD", stream, "*", "data", "garbage");
  await own.redis.commands.send("XADD", stream, "*", "nothing", "x");
  await world.publishMessage(mined(session, 5, { computeUnitsPerRelay: 3n }));
  await world.publish(session, 1, 2);
  await world.publish(other, 1);
  consume();
  await expect.poll(leaves, soon).toBe(2n);
  await expect.poll(() => leaves(other), soon).toBe(1n);
  expect(await world.reader.lag(SUPPLIER)).toMatchObject({ length: 0, pending: 0 });
  expect(await own.redis.commands.send("XLEN", own.keys.deadLetters(SUPPLIER))).toBe(3);
});

test("a foreign value under one stream's key does not stop the other suppliers", async () => {
  await takeLease();
  workers.set("pokt1broken", world.workerWith({ of: "pokt1broken", instance: "alive", epoch: "1" }));
  await own.redis.commands.send("SET", own.keys.stream("pokt1broken"), "text");
  consume();
  await world.publish(session, 1, 2, 3);
  await expect.poll(leaves, soon).toBe(3n);
});

test("a crowd that cannot be applied does not hide the entries behind it, own or another's", async () => {
  const stuck = announce(chain, sessionOf("stuck"));
  await own.redis.commands.send("SET", own.keys.trieNodes(SUPPLIER, stuck.sessionId), "text");
  await world.reader.prepare(SUPPLIER);
  await world.publish(stuck, ...numbers(25));
  await world.publish(session, ...numbers(25));
  await dead(50);
  await systemClock.sleep(210);
  await takeLease();
  consume(10);
  await expect.poll(leaves, later).toBe(25n);
  expect(await pending()).toBe(25);
});

test("the same for entries that this very consumer has read before", async () => {
  const stuck = announce(chain, sessionOf("stuck"));
  await own.redis.commands.send("SET", own.keys.trieNodes(SUPPLIER, stuck.sessionId), "text");
  chain.away = true;
  await takeLease();
  consume(10);
  await world.publish(stuck, ...numbers(25));
  await world.publish(session, ...numbers(25));
  await expect.poll(() => pending(), soon).toBe(50);
  chain.away = false;
  await expect.poll(leaves, later).toBe(25n);
});

test("Redis that crashes and comes back: nothing is lost, nothing is double", async () => {
  await takeLease();
  consume(50);
  await world.publish(session, ...numbers(200));
  await expect.poll(leaves, soon).toBeGreaterThan(0n);
  await own.server.crash();
  await systemClock.sleep(150);
  await own.server.restart();
  const alive = () =>
    own.redis.commands.send("PING").then(
      () => true,
      () => false,
    );
  await expect.poll(alive, later).toBe(true);
  await world.publish(session, ...numbers(100, 200));
  await expect.poll(leaves, later).toBe(300n);
  await expect.poll(() => pending(), later).toBe(0);
});

test("closing ends within a read, and what was not applied stays pending", async () => {
  await takeLease();
  const consumer = consume();
  await systemClock.sleep(50);
  chain.away = true;
  await world.publish(session, 1);
  await expect.poll(() => pending(), soon).toBe(1);
  const start = runningTime();
  await consumer.close();
  expect(runningTime() - start).toBeLessThan(700);
  expect(await pending()).toBe(1);
});
