import { expect, test } from "vitest";
import { AppError } from "../../base/errors.ts";
import { Ahead } from "./ahead.ts";
import { type CacheEvents, type Entity, TieredCache } from "./tiered-cache.ts";

const notFound = () => new AppError("CHAIN_NOT_FOUND", "application not found");

function setUp(over: Partial<Entity<string>> = {}) {
  const log: string[] = [];
  const time = { now: 1_000_000 };
  const shared = new Map<string, string>();
  const answers: (string | Error)[] = [];
  let loads = 0;
  const events: CacheEvents = {
    hit: (_, tier) => log.push(tier),
    miss: () => log.push("miss"),
    failed: (_, error) => log.push(`failed ${error.message}`),
    late: (_, ms) => log.push(`late ${ms}`),
    skipped: () => log.push("skipped"),
    changed: (_, key) => log.push(`changed ${key}`),
  };
  const entity: Entity<string> = {
    name: "application",
    limit: 3,
    maxAgeMs: 60_000,
    shared: {
      get: async (key) => shared.get(key),
      set: async (key, value) => void shared.set(key, value),
      delete: async (key) => void shared.delete(key),
    },
    load: async () => {
      loads += 1;
      const answer = answers.shift() ?? `load ${loads}`;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    ...over,
  };
  const sleepers: (() => void)[] = [];
  const sleep = () => new Promise<void>((resolve) => sleepers.push(resolve));
  const clock = { now: () => 0, monotonic: () => time.now, sleep, after: () => () => undefined };
  const cache = new TieredCache(entity, clock, events, new Ahead(2));
  return { cache, log, time, shared, answers, sleepers, loads: () => loads };
}

test("memory, then Redis, then chain; many readers of one key cause one load", async () => {
  const { cache, log, shared, loads } = setUp();
  expect(await Promise.all([cache.get("a"), cache.get("a"), cache.get("a")])).toEqual(
    Array(3).fill("load 1"),
  );
  expect(loads()).toBe(1);
  expect(shared.get("a")).toBe("load 1");
  cache.drop("a");
  expect(await cache.get("a")).toBe("load 1");
  expect(await cache.get("a")).toBe("load 1");
  expect(log).toEqual(["miss", "changed a", "l2", "l1"]);
});

test("past its age a value is read from the chain, not from an equally old shared copy", async () => {
  const { cache, time } = setUp();
  await cache.get("a");
  time.now += 60_000;
  expect(await cache.get("a")).toBe("load 2");
});

test("an error that is no NotFound never evicts, however often it comes", async () => {
  const { cache, time, answers, shared } = setUp();
  await cache.get("a");
  for (let round = 0; round < 10; round++) {
    time.now += 60_000;
    answers.push(new AppError("CHAIN_UNREACHABLE", "down"));
    expect(await cache.get("a")).toBe("load 1");
  }
  expect(shared.has("a")).toBe(true);
});

test("three NotFound in a row evict from both tiers; a success between starts the count again", async () => {
  const { cache, time, answers, shared } = setUp();
  await cache.get("a");
  const next = async (answer?: Error) => {
    time.now += 60_000;
    if (answer) answers.push(answer);
    return cache.get("a");
  };
  await next(notFound());
  await next(notFound());
  expect(await next()).toBe("load 4");
  expect(await next(notFound())).toBe("load 4");
  expect(await next(notFound())).toBe("load 4");
  await expect(next(notFound())).rejects.toMatchObject({ code: "CHAIN_NOT_FOUND" });
  expect(shared.has("a")).toBe(false);
  expect(cache.peek("a")).toBeUndefined();
});

test("after a failed reload the chain is not asked again for a while", async () => {
  const { cache, time, answers, loads } = setUp();
  await cache.get("a");
  time.now += 60_000;
  answers.push(new AppError("CHAIN_TIMEOUT", "slow"));
  await cache.get("a");
  await cache.get("a");
  expect(loads()).toBe(2);
});

test("a value that is read is loaded again ahead of its age, and nobody waits for that", async () => {
  const { cache, time, pending, turn } = withHeldLoads();
  const first = cache.get("a");
  await turn();
  pending.shift()?.resolve("old");
  expect(await first).toBe("old");
  time.now += 44_000;
  expect(await cache.get("a")).toBe("old");
  await turn();
  expect(pending).toHaveLength(0);
  time.now += 2_000;
  expect(await cache.get("a")).toBe("old");
  expect(await cache.get("a")).toBe("old");
  await turn();
  expect(pending).toHaveLength(1);
  pending.shift()?.resolve("new");
  await turn();
  // Past the age of the first: a read does not wait, what came ahead is fresh.
  time.now += 20_000;
  expect(await cache.get("a")).toBe("new");
  expect(pending).toHaveLength(0);
});

/** A cache whose loads end when the test says so. */
function withHeldLoads(...settings: Parameters<typeof setUp>) {
  const pending: { resolve: (value: string) => void; reject: (error: Error) => void }[] = [];
  const load = () => new Promise<string>((resolve, reject) => pending.push({ resolve, reject }));
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return { ...setUp({ ...settings[0], load }), pending, turn };
}

test("a chain slower than values age gets no backlog: what finds no place is skipped, and what is served too old is told", async () => {
  const { cache, time, pending, turn, log, sleepers } = withHeldLoads({ limit: 10 });
  const keys = ["a", "b", "c", "d", "e"];
  const first = keys.map((key) => cache.get(key));
  await turn();
  for (const { resolve } of pending.splice(0)) resolve("old");
  expect(await Promise.all(first)).toEqual(keys.map(() => "old"));

  time.now += 50_000;
  log.length = 0;
  for (let round = 0; round < 10; round++)
    expect(await Promise.all(keys.map((key) => cache.get(key)))).toEqual(keys.map(() => "old"));
  await turn();
  expect(pending).toHaveLength(2);
  expect(log.filter((line) => line === "skipped")).toHaveLength(3);

  // Past their age: readers wait a second, then have the old value, and one load a key runs however many ask.
  time.now += 15_000;
  log.length = 0;
  const waiting = Array.from({ length: 4 }, () => keys.map((key) => cache.get(key))).flat();
  await turn();
  expect(pending).toHaveLength(5);
  for (const end of sleepers.splice(0)) end();
  expect(await Promise.all(waiting)).toEqual(waiting.map(() => "old"));
  time.now += 2_000;
  expect(await cache.get("a")).toBe("old");
  expect(log).toContain("late 7000");
  expect(pending).toHaveLength(5);

  for (const { resolve } of pending.splice(0)) resolve("new");
  await turn();
  expect(await Promise.all(keys.map((key) => cache.get(key)))).toEqual(keys.map(() => "new"));
});

test("a load under way when the key is invalidated does not bring the old value back, into no tier", async () => {
  const { cache, shared, log, pending, turn } = withHeldLoads();
  const old = cache.get("a");
  await turn();
  cache.drop("a");
  pending[0]?.resolve("old");
  expect(await old).toBe("old");
  expect(cache.peek("a")).toBeUndefined();
  expect([...shared]).toEqual([]);
  expect(log).toEqual(["miss"]);
});

test("a reload under way when the key is invalidated does not keep the old value when it fails", async () => {
  const { cache, time, pending, turn } = withHeldLoads();
  const first = cache.get("a");
  await turn();
  pending[0]?.resolve("old");
  await first;
  time.now += 60_000;
  const reload = cache.get("a");
  await turn();
  cache.drop(undefined);
  pending[1]?.reject(new Error("the chain is away"));
  await expect(reload).rejects.toThrow("the chain is away");
  expect(cache.peek("a")).toBeUndefined();
});

test("a reload that hangs holds nobody up: after a second the value held is answered, and at once while it still hangs", async () => {
  const { cache, time, pending, sleepers, turn } = withHeldLoads();
  const first = cache.get("a");
  await turn();
  pending[0]?.resolve("old");
  await first;
  time.now += 60_000;
  const waiting = cache.get("a");
  await turn();
  sleepers[0]?.();
  expect(await waiting).toBe("old");
  time.now += 1_000;
  expect(await cache.get("a")).toBe("old");
  expect(pending.length).toBe(2);
  pending[1]?.resolve("new");
  await turn();
  expect(await cache.get("a")).toBe("new");
});

test("a reload that fails when nobody waits for it any more ends no process", async () => {
  const { cache, time, pending, sleepers, turn } = withHeldLoads();
  const first = cache.get("a");
  await turn();
  pending[0]?.resolve("old");
  await first;
  for (let round = 1; round <= 3; round++) {
    time.now += 60_000;
    const waiting = cache.get("a");
    await turn();
    sleepers[round - 1]?.();
    expect(await waiting).toBe("old");
    pending[round]?.reject(notFound());
    await turn();
  }
  expect(cache.peek("a")).toBeUndefined();
});

test("a refresh asks the chain though a read of the shared copy is under way, and the slower one does not replace it", async () => {
  const reads: ((value: string | undefined) => void)[] = [];
  const { cache, answers } = setUp({
    shared: {
      get: () => new Promise((resolve) => reads.push(resolve)),
      set: async () => undefined,
      delete: async () => undefined,
    },
  });
  answers.push("from the chain");
  const read = cache.get("a");
  expect(await cache.refresh("a")).toBe("from the chain");
  reads[0]?.("an old copy");
  await read;
  expect(cache.peek("a")).toBe("from the chain");
});

test("what is read again and has not changed is not announced", async () => {
  const { cache, time, answers, log } = setUp();
  for (const answer of ["same", "same", "other"]) {
    answers.push(answer);
    await cache.get("a");
    time.now += 60_000;
  }
  expect(log).toEqual(["miss", "changed a", "miss", "miss", "changed a"]);
});

test("a value that is invalidated while it is being shared does not stay shared", async () => {
  const shared = new Map<string, string>();
  const { cache, log } = setUp({
    shared: {
      get: async () => undefined,
      set: async (key, value) => {
        cache.drop(key);
        shared.set(key, value);
      },
      delete: async (key) => void shared.delete(key),
    },
  });
  await cache.get("a");
  expect([...shared]).toEqual([]);
  expect(log).toEqual(["miss"]);
});

test("expired values are asked for again, and still serve when nobody answers; pinned ones do not expire", async () => {
  const aging = setUp();
  await aging.cache.get("a");
  aging.cache.expire();
  aging.answers.push(new AppError("CHAIN_UNREACHABLE", "down"));
  expect(await aging.cache.get("a")).toBe("load 1");
  expect(aging.loads()).toBe(2);
  const pinned = setUp({ maxAgeMs: undefined });
  await pinned.cache.get("a");
  pinned.cache.expire();
  await pinned.cache.get("a");
  expect(pinned.loads()).toBe(1);
});

test("memory is bounded", async () => {
  const { cache } = setUp();
  for (const key of ["a", "b", "c", "d"]) await cache.get(key);
  expect(cache.size).toBe(3);
  expect(cache.peek("a")).toBeUndefined();
});
