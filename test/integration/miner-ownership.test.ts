import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { Leader } from "../../src/runtime/miner/leader.ts";
import { minerMetrics } from "../../src/runtime/miner/metrics.ts";
import { Ownership } from "../../src/runtime/miner/ownership.ts";
import { type BlockEvents, blockEvents } from "../../src/runtime/redis/block-events.ts";
import { LEADER, type Lease, openLeases } from "../../src/runtime/redis/leases.ts";
import { serviceFactors } from "../../src/runtime/redis/service-factors.ts";
import { type TestRedis, testRedis } from "../kit/redis-fleet.ts";
import { runningTime } from "../kit/running-time.ts";

const TTL = 3_000;
const RENEW = 300;
const SUPPLIERS = ["s1", "s2", "s3", "s4", "s5"];

let own: TestRedis;
beforeAll(async () => {
  own = await testRedis();
});
afterAll(() => own.close());
beforeEach(async () => {
  await own.redis.commands.send("FLUSHALL");
});
afterEach(async () => {
  own.server.resume();
  for (const close of closing.splice(0)) await close();
});
const closing: (() => Promise<void>)[] = [];

/** A clock whose process can be stopped dead: it renews nothing and gives nothing back. */
function mortal(): Clock & { kill(): void } {
  let dead = false;
  return {
    ...systemClock,
    sleep: (ms, signal) =>
      systemClock.sleep(ms, signal).then(() => (dead ? new Promise<void>(() => undefined) : undefined)),
    kill: () => {
      dead = true;
    },
  };
}

type Miner = {
  readonly ownership: Ownership;
  readonly working: Set<string>;
  readonly leases: Map<string, Lease>;
  readonly lostAt: Map<string, number>;
  kill(): void;
};

type Given = {
  readonly suppliers?: readonly string[];
  readonly onLost?: (supplier: string) => Promise<void>;
  readonly renewMs?: number;
  readonly ttlMs?: number;
};

async function miner(instance: string, given: Given = {}): Promise<Miner> {
  const { suppliers = SUPPLIERS, onLost = async () => undefined, renewMs = RENEW, ttlMs = TTL } = given;
  const redis = await own.another();
  const clock = mortal();
  const working = new Set<string>();
  const held = new Map<string, Lease>();
  const lostAt = new Map<string, number>();
  let alive = true;
  const ownership = new Ownership({
    leases: openLeases({ redis: redis.commands, keys: own.keys, clock, instance }),
    instance,
    suppliers: () => suppliers,
    ttlMs,
    renewMs,
    clock,
    logger: own.logger,
    metrics: minerMetrics(),
    onAcquired: (lease) => {
      working.add(lease.of);
      held.set(lease.of, lease);
    },
    onLost: async (supplier) => {
      working.delete(supplier);
      lostAt.set(supplier, runningTime());
      await onLost(supplier);
    },
  });
  await ownership.start();
  closing.push(async () => {
    if (alive) await ownership.close();
  });
  return {
    ownership,
    working,
    leases: held,
    lostAt,
    kill: () => {
      alive = false;
      clock.kill();
    },
  };
}

const soon = { timeout: 15_000, interval: 10 };
const together = (...miners: readonly Miner[]) => miners.flatMap(({ working }) => [...working]);
const owner = (supplier: string) =>
  openLeases({ redis: own.redis.commands, keys: own.keys, clock: systemClock, instance: "x" }).owner(
    supplier,
  );

describe("suppliers", () => {
  test("a miner alone takes all; a second one gets its share; no supplier has two", async () => {
    const first = await miner("m1");
    expect(first.working.size).toBe(5);
    const second = await miner("m2");
    await expect.poll(() => second.working.size, soon).toBe(2);
    expect(first.working.size).toBe(3);
    expect(new Set(together(first, second)).size).toBe(5);
    for (let look = 0; look < 20; look++) {
      await systemClock.sleep(RENEW / 5);
      expect(together(first, second)).toHaveLength(5);
    }
  });

  test("a miner that falls silent is replaced within its time to live and a renewal", async () => {
    const first = await miner("m1");
    const second = await miner("m2");
    await expect.poll(() => second.working.size, soon).toBe(2);
    first.kill();
    const start = runningTime();
    await expect.poll(() => second.working.size, soon).toBe(5);
    expect(runningTime() - start).toBeLessThan(TTL + 2 * RENEW + 100);
    for (const supplier of first.leases.keys())
      expect(Number(second.leases.get(supplier)?.epoch)).toBeGreaterThan(0);
  });

  test("a miner that closes gives its leases back at once", async () => {
    const first = await miner("m1");
    await first.ownership.close();
    for (const supplier of SUPPLIERS) expect(await owner(supplier)).toBeUndefined();
    const start = runningTime();
    const second = await miner("m2");
    expect(second.working.size).toBe(5);
    expect(runningTime() - start).toBeLessThan(TTL / 2);
  });

  test("a lease is released only when the work on it has ended", async () => {
    const events: string[] = [];
    const first = await miner("m1", {
      suppliers: ["s1"],
      onLost: async () => {
        await systemClock.sleep(60);
        events.push(`ended, owner ${await owner("s1")}`);
      },
    });
    await first.ownership.close();
    expect(events).toEqual(["ended, owner m1"]);
    expect(await owner("s1")).toBeUndefined();
  });

  test("work that does not end holds up neither the renewals of other leases nor the rest", async () => {
    let end: () => void = () => undefined;
    const endless = new Promise<void>((resolve) => {
      end = resolve;
    });
    const first = await miner("m1", {
      onLost: (supplier) => (supplier === "s1" ? endless : Promise.resolve()),
    });
    await own.redis.commands.send("SET", own.keys.supplierLease("s1"), "thief", "PX", 60_000);
    await expect.poll(() => first.working.has("s1"), soon).toBe(false);
    await systemClock.sleep(TTL + RENEW);
    expect(first.working.size).toBe(4);
    for (const supplier of SUPPLIERS.slice(1)) expect(await owner(supplier)).toBe("m1");
    end();
  });

  test("a stolen lease is noticed at the next renewal, and it is not taken back while the thief has it", async () => {
    const first = await miner("m1");
    await own.redis.commands.send("SET", own.keys.supplierLease("s2"), "thief", "PX", 60_000);
    await expect.poll(() => first.working.has("s2"), soon).toBe(false);
    expect(await owner("s2")).toBe("thief");
    expect(first.working.size).toBe(4);
    await own.redis.commands.send("DEL", own.keys.supplierLease("s2"));
    await expect.poll(() => first.working.has("s2"), soon).toBe(true);
  });

  test("a refused write of an earlier lease does not end the present one", async () => {
    const first = await miner("m1");
    const old = first.leases.get("s1");
    if (!old) throw new Error("not held");
    expect(first.ownership.holds(old)).toBe(true);
    first.ownership.fenced(old);
    expect(first.working.has("s1")).toBe(false);
    expect(first.ownership.holds(old)).toBe(false);
    await expect.poll(() => first.working.has("s1"), soon).toBe(true);
    const present = first.leases.get("s1");
    first.ownership.fenced(old);
    await systemClock.sleep(2 * RENEW);
    expect(first.working.has("s1")).toBe(true);
    expect(first.leases.get("s1")).toBe(present);
  });

  test("Redis falls silent: work stops before another could have the lease, and begins again afterwards", async () => {
    const first = await miner("m1");
    const stopped = runningTime();
    own.server.pause();
    await expect.poll(() => first.working.size, soon).toBe(0);
    for (const at of first.lostAt.values()) expect(at - stopped).toBeLessThan(TTL);
    for (const lease of first.leases.values()) expect(first.ownership.holds(lease)).toBe(false);
    own.server.resume();
    await expect.poll(() => first.working.size, { timeout: 15_000, interval: 20 }).toBe(5);
  });

  test("renewals close to the time to live are renewals, not losses", async () => {
    const first = await miner("m1", { renewMs: 4_500, ttlMs: 6_000 });
    await systemClock.sleep(9_500);
    expect(first.lostAt.size).toBe(0);
    expect(first.working.size).toBe(5);
  });

  test("what only one miner has a key for is not left without an owner", async () => {
    const first = await miner("m1", { suppliers: ["a1", "a2", "a3", "a4"] });
    const second = await miner("m2", { suppliers: ["b1", "b2", "b3", "b4"] });
    await expect.poll(() => together(first, second).length, soon).toBe(8);
    await systemClock.sleep(2 * TTL);
    expect(together(first, second)).toHaveLength(8);
  });
});

describe("the leader", () => {
  async function leader(instance: string, events: BlockEvents) {
    const redis = await own.another();
    const clock = mortal();
    const made = new Leader({
      leases: openLeases({ redis: redis.commands, keys: own.keys, clock, instance }),
      instance,
      ttlMs: TTL,
      renewMs: RENEW,
      blockEvents: events,
      factors: serviceFactors(redis.commands, own.keys, clock),
      defaultFactor: 0.5,
      serviceFactors: { svc: 2, plain: 0 },
      clock,
      logger: own.logger,
      metrics: minerMetrics(),
    });
    let alive = true;
    await made.start();
    closing.push(async () => {
      if (alive) await made.close();
    });
    return {
      made,
      kill: () => {
        alive = false;
        clock.kill();
      },
    };
  }
  const block = { height: 7n, hash: new Uint8Array(32), timeMs: 1_700_000_000_000 };

  test("there is one; it tells of blocks and publishes the factors; when it falls silent another does", async () => {
    const events = blockEvents(own.redis, own.keys, own.logger);
    const told: bigint[] = [];
    const unsubscribe = await events.subscribe(({ height }) => void told.push(height));
    const first = await leader("m1", events);
    const second = await leader("m2", events);
    expect([first.made.isLeader, second.made.isLeader]).toEqual([true, false]);
    const factors = serviceFactors(own.redis.commands, own.keys, systemClock);
    expect([await factors.get("svc"), await factors.get("plain")]).toEqual([2, 0.5]);
    first.made.tell(block);
    second.made.tell(block);
    await expect.poll(() => told, soon).toEqual([7n]);
    first.kill();
    await expect.poll(() => second.made.isLeader, soon).toBe(true);
    second.made.tell({ ...block, height: 8n });
    await expect.poll(() => told, soon).toEqual([7n, 8n]);
    unsubscribe();
  });

  test("one that closes is replaced within a renewal; one whose lease is stolen stands down", async () => {
    const events = blockEvents(own.redis, own.keys, own.logger);
    const first = await leader("m1", events);
    const second = await leader("m2", events);
    const start = runningTime();
    await first.made.close();
    expect(first.made.isLeader).toBe(false);
    await expect.poll(() => second.made.isLeader, soon).toBe(true);
    expect(runningTime() - start).toBeLessThan(2 * RENEW + 200);
    await own.redis.commands.send("SET", own.keys.leader, "thief", "PX", 60_000);
    await expect.poll(() => second.made.isLeader, soon).toBe(false);
    expect(LEADER).toBe("leader");
  });

  test("one that cannot renew tells nothing", async () => {
    const events = blockEvents(own.redis, own.keys, own.logger);
    const first = await leader("m1", events);
    await own.server.crash();
    await expect.poll(() => first.made.isLeader, soon).toBe(false);
    await own.server.restart();
    await expect.poll(() => first.made.isLeader, { timeout: 15_000, interval: 20 }).toBe(true);
  });
});
