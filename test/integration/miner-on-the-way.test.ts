import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { CloseStack } from "../../src/base/close-stack.ts";
import { onTheWay } from "../../src/runtime/miner/on-the-way.ts";
import { keepBeating } from "../../src/runtime/redis/beating.ts";
import type { RedisClient } from "../../src/runtime/redis/client.ts";
import { openRedis } from "../../src/runtime/redis/connect.ts";
import { type Heartbeat, heartbeats } from "../../src/runtime/redis/heartbeat.ts";
import { encodeEntry, relayPublisher } from "../../src/runtime/redis/relay-stream.ts";
import { relayerMetrics } from "../../src/runtime/relayer/metrics.ts";
import { RelayStore } from "../../src/runtime/relayer/spool/relay-store.ts";
import { SpoolFiles } from "../../src/runtime/relayer/spool/spool-files.ts";
import { announce, mined, minerWorld, numbers, sessionOf, total } from "../kit/miner-world.ts";
import { type TestRedis, testRedis } from "../kit/redis-fleet.ts";
import { runningTime } from "../kit/running-time.ts";
import { ScriptedChain } from "../kit/scripted-chain.ts";

const clock = systemClock;
const LONG_AGO = { times: 1, ageMs: 60_000, reset: () => undefined };

let own: TestRedis;
let owned: CloseStack;
beforeEach(async () => {
  owned = new CloseStack();
  own = owned.own(await testRedis());
});
afterEach(() => owned.close());

const seen = (level: string) =>
  own.logger.lines.filter((line) => line.level === level).map(({ message }) => message);

/** The relayer's side of Redis as it is in a relayer: its store, its disk and its heartbeat, over a connection of its own. */
async function relayer() {
  const directory = mkdtempSync(join(tmpdir(), "relayminer-on-the-way-"));
  owned.own({ close: () => rmSync(directory, { recursive: true, force: true }) });
  const redis = await own.another();
  const { keys, logger } = own;
  const store = owned.own(
    await RelayStore.open({
      redis,
      publisher: relayPublisher(redis.commands, keys, clock),
      files: owned.own(await SpoolFiles.open({ directory, maxBytes: 1_048_576, clock })),
      isOver: async () => false,
      clock,
      logger,
      metrics: relayerMetrics(),
    }),
  );
  owned.own(
    await keepBeating({
      heartbeats: heartbeats(redis.commands, keys),
      ...{ clock, logger, id: "relayer-1", role: "relayer", version: "1" },
      details: () => {
        const { problem: _, ...spool } = store.figures();
        return { spool };
      },
    }),
  );
  return store;
}

/** A miner process that has just begun, or come back. */
async function miner(chain: ScriptedChain) {
  const redis = await own.another();
  const toCome = onTheWay({ redis, heartbeats: heartbeats(redis.commands, own.keys), clock });
  return minerWorld({ own: { ...own, redis }, chain, onTheWay: toCome });
}

test("a session is not sealed while relayers still have relays of it that Redis was not there to take", async () => {
  const chain = new ScriptedChain();
  const session = announce(chain, sessionOf("killed"));
  const store = await relayer();
  const relays = numbers(40).map((number) => encodeEntry(mined(session, number), clock));
  for (const entry of relays.slice(0, 10)) expect(await store.store(entry)).toBe("redis");
  const before = await miner(chain);
  await before.consume(await before.begin());
  await own.server.crash();
  for (const entry of relays.slice(10)) {
    expect(await store.store(entry)).toBe("spool");
    await clock.sleep(50);
  }
  await own.server.restart();

  const world = await miner(chain);
  const worker = await world.begin();
  const looking = world.look(worker, 22n);
  while (chain.sent.length === 0) {
    await world.consume(worker);
    await clock.sleep(20);
  }
  await looking;
  await world.consume(worker);
  expect((await world.record(session)).relayCount).toBe(40n);
  expect(chain.sent[0]?.claims[0]?.rootHash.at(-1)).toBe(40);
  expect(await total(world.metrics.rejected)).toBe(0);
});

test("a relayer with a new connection is in doubt until what Redis may have lost is published once more", async () => {
  const { keys, logger } = own;
  const { commands } = await own.another();
  const link = { times: 1, ageMs: 0, reset: () => undefined };
  const store = owned.own(
    await RelayStore.open({
      ...{ redis: { commands, link }, publisher: relayPublisher(commands, keys, clock), files: undefined },
      ...{ isOver: async () => false, clock, logger, metrics: relayerMetrics() },
    }),
  );
  expect(store.figures()).toMatchObject({ state: "direct", inDoubt: false });
  link.times = 2;
  expect(store.figures()).toMatchObject({ state: "direct", inDoubt: true });
  await expect.poll(() => store.figures().inDoubt, { timeout: 20_000 }).toBe(false);
});

test("claims wait to the next block for a relayer that holds relays, and not beyond the window", async () => {
  const chain = new ScriptedChain();
  const session = announce(chain, sessionOf("held"));
  let asked = 0;
  const world = await minerWorld({
    own,
    chain,
    onTheWay: async () => {
      asked += 1;
      return { reason: "relayer_holds", relayer: "relayer-1", relays: 7 };
    },
  });
  const worker = await world.begin();
  await world.publish(session, 1, 2, 3);
  await world.consume(worker);
  const looking = world.look(worker, 22n);
  await expect.poll(() => asked).toBeGreaterThan(0);
  chain.height = 23n;
  await looking;
  expect(chain.sent).toHaveLength(0);
  expect(own.logger.lines.find(({ message }) => message === "claims wait for relays")?.fields).toMatchObject({
    reason: "relayer_holds",
    relayer: "relayer-1",
    relays: 7,
  });
  const start = runningTime();
  await world.look(worker, 24n);
  expect(chain.sent).toHaveLength(1);
  // Half a block; what is left is for the claim itself.
  expect(runningTime() - start).toBeLessThan(800);
  expect(seen("warn")).toContain("a relayer has not published its relays in time: they may miss their claim");
  expect(await total(world.metrics.claimHolds)).toBe(2);
});

const beat = (id: string, role: string, spool?: Heartbeat["details"]): Heartbeat => ({
  ...{ id, role, version: "1", host: "h", pid: 1, startedAt: 1, beatAt: 2 },
  details: spool ? { spool } : {},
});
const empty = { state: "direct", relays: 0, inDoubt: false };

/** Writes a heartbeat and asks when it is as old as this: its age is set in the moment in which it is read. */
async function toCome(said: Heartbeat, ageMs = 0, link = LONG_AGO) {
  const { commands, server } = own.redis;
  const name = own.keys.heartbeat(said.id);
  const aging: RedisClient = {
    ...commands,
    send: (command, ...args) => {
      if (command === "PTTL" && args[0] === name) void commands.send("PEXPIRE", name, 10_000 - ageMs);
      return commands.send(command, ...args);
    },
  };
  const beats = heartbeats(aging, own.keys);
  await beats.beat(said);
  const settled = server && { ...server, upSeconds: 60 };
  return onTheWay({ redis: { link, server: settled }, heartbeats: beats, clock })();
}

test.each<[string, Heartbeat, number, { reason: string; relays?: number } | undefined]>([
  ["has all its relays in Redis", beat("r", "relayer", empty), 0, undefined],
  ["is of another version", beat("r", "relayer"), 0, undefined],
  [
    "has relays on disk",
    beat("r", "relayer", { ...empty, relays: 3 }),
    0,
    { reason: "relayer_holds", relays: 3 },
  ],
  ["publishes once more", beat("r", "relayer", { ...empty, inDoubt: true }), 0, { reason: "relayer_holds" }],
  ["spools", beat("r", "relayer", { ...empty, state: "away" }), 0, { reason: "relayer_holds" }],
  ["has missed a beat", beat("r", "relayer", empty), 2_500, undefined],
  ["has missed several", beat("r", "relayer", empty), 5_000, { reason: "relayer_silent" }],
  ["is a miner", beat("m", "miner"), 5_000, undefined],
])("a relayer that %s", async (_, said, ageMs, expected) => {
  const found = await toCome(said, ageMs);
  if (expected === undefined) expect(found).toBeUndefined();
  else expect(found).toMatchObject({ ...expected, relayer: "r" });
});

test("what was said before Redis came back counts for nothing, and who is silent since is waited for as long as a heartbeat lives", async () => {
  const link = (ageMs: number) => ({ ...LONG_AGO, times: 2, ageMs });
  const said = beat("r", "relayer", empty);
  expect(await toCome(said, 0, link(500))).toEqual({ reason: "redis_back" });
  expect(await toCome(said, 2_900, link(3_500))).toBeUndefined();
  expect(await toCome(said, 5_000, link(4_000))).toEqual({ reason: "relayer_silent", relayer: "r" });
  const { commands, server } = own.redis;
  const beats = heartbeats(commands, own.keys);
  await commands.send("DEL", own.keys.heartbeat("r"));
  const asked = (ageMs: number) =>
    onTheWay({ redis: { link: link(ageMs), server }, heartbeats: beats, clock })();
  expect(await asked(5_000)).toEqual({ reason: "relayer_silent", relayer: "r" });
  expect(await asked(10_500)).toBeUndefined();
  await beats.beat(said);
  await beats.stop("r");
  expect(await asked(5_000)).toBeUndefined();
});

test("a Redis user that may not read heartbeats claims all the same", async () => {
  const { commands } = own.redis;
  await commands.send("ACL", "SETUSER", "narrow", "on", ">pw", "~*", "&*", "+@all", "-smembers");
  await commands.send("ACL", "SETUSER", "narrow", "-smembers");
  const url = own.server.url.replace("unix://", "unix://narrow:pw@localhost");
  const redis = owned.own(await openRedis({ url, logger: own.logger, role: "test" }));
  const server = redis.server && { ...redis.server, upSeconds: 60 };
  const beats = heartbeats(redis.commands, own.keys);
  await expect(beats.known()).rejects.toMatchObject({ code: "REDIS_REFUSED" });
  expect(await onTheWay({ redis: { link: LONG_AGO, server }, heartbeats: beats, clock })()).toBeUndefined();
});
