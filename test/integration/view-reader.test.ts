import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { openRedis } from "../../src/runtime/redis/connect.ts";
import { openViewReader } from "../../src/runtime/redis/view-reader.ts";
import {
  APPLICATIONS,
  HEIGHT,
  plantFleet,
  plantHeartbeats,
  SESSIONS,
  SUPPLIERS,
} from "../kit/plant-fleet.ts";
import { type TestRedis, testRedis } from "../kit/redis-fleet.ts";

let fleet: TestRedis;
beforeAll(async () => {
  fleet = await testRedis();
  await plantFleet(fleet.redis.commands, fleet.keys);
});
afterAll(() => fleet.close());

const reader = () => openViewReader({ redis: fleet.redis, keys: fleet.keys, clock: systemClock });
const [first = "", second = "", third = "", fourth = ""] = SUPPLIERS;

test("replicas tell their figures, heights and lag; what a role does not have is unknown", async () => {
  await plantHeartbeats(fleet.redis.commands, fleet.keys);
  const { replicas, chain, leader, redis } = await reader().read();
  expect(replicas.value.map(({ id }) => id)).toEqual(["miner-a", "miner-b", "relayer-r1", "relayer-r2"]);
  const [minerA, minerB, relayer] = replicas.value;
  expect(relayer?.relays).toEqual({
    perSecond: 412.5,
    served: 48_211,
    inFlight: 7,
    p50Ms: 4.2,
    p99Ms: 38.5,
    refused: { over_stake: 912, ring_invalid: 31, no_session: 4 },
  });
  expect(relayer?.beatAgeMs).toBeLessThan(10_000);
  expect(relayer?.heightAgeMs).toBeGreaterThanOrEqual(1_400);
  expect(minerA?.relays).toBeUndefined();
  expect(minerA?.heightAgeMs).toBeUndefined();
  expect([minerA?.lagBlocks, minerB?.lagBlocks]).toEqual([0n, 2n]);
  expect(chain.height).toBe(HEIGHT);
  expect(leader.value).toMatchObject({ owner: "miner-a", epoch: "1" });
  expect(redis.value).toMatchObject({ appendOnly: true, lastWriteOk: true, warnings: [] });
});

test("sessions have windows, countdown, worth and owner", async () => {
  const { sessions } = await reader().read();
  expect(sessions.problem).toBeUndefined();
  expect(sessions.value.total).toBe(SESSIONS.length);
  const of = (state: string, supplier: string) =>
    sessions.value.sessions.find((session) => session.state === state && session.supplier === supplier);
  expect(of("active", first)).toMatchObject({
    next: { edge: "session ends", blocks: 5n },
    owner: "miner-a",
    worthUpokt: 1_204n * 2_500n * 42n,
    settled: undefined,
  });
  expect(of("claiming", first)?.next).toEqual({ edge: "claim closes", blocks: 1n });
  expect(of("claimed", second)?.next).toEqual({ edge: "proof opens", blocks: 1n });
  expect(of("proved", first)).toMatchObject({
    next: { edge: "settled", blocks: -4n },
    settled: { outcome: "settled_proven", paidUpokt: 126_420_000n },
  });
  expect(of("claim_window_closed", second)?.next).toEqual({ edge: "closed", blocks: -9n });
  expect(of("active", fourth)?.owner).toBeUndefined();
});

test("queues tell length, pending, dead letters and the owner; claims that wait are counted", async () => {
  const { queues } = await reader().read();
  const of = (supplier: string) => queues.value.find((queue) => queue.supplier === supplier);
  expect(of(first)).toMatchObject({ length: 40, pending: 15, deadLetters: 0, owner: "miner-a", epoch: "1" });
  expect(of(first)?.oldestAgeMs).toBeGreaterThan(0);
  expect(of(second)).toMatchObject({ length: 40, pending: 0, deadLetters: 3 });
  expect(of(third)).toMatchObject({ length: 0, pending: 0, oldestAgeMs: undefined, claimsWaiting: 1 });
  expect(of(first)).toMatchObject({ claimsWaiting: 1, proofsWaiting: 0 });
  expect(of(fourth)).toMatchObject({ owner: undefined, leaseMsLeft: undefined });
});

test("the cache shows each replica's memory and Redis' copy", async () => {
  await plantHeartbeats(fleet.redis.commands, fleet.keys);
  const { cache } = await reader().read();
  const of = (entity: string, key: string) =>
    cache.value.entries.find((entry) => entry.entity === entity && entry.key === key);
  const app = of("application", APPLICATIONS[0] ?? "");
  expect(app?.memory["relayer-r1"]).toBeGreaterThanOrEqual(12_000);
  expect(app?.memory["miner-b"]).toBeGreaterThanOrEqual(31_000);
  expect(app?.shared).toMatchObject({ state: "held" });
  // r2 shows all of its applications and this is none of them; of its two services it shows one.
  expect(of("application", APPLICATIONS[1] ?? "")?.memory["relayer-r2"]).toBe("absent");
  expect(of("service", "eth")?.memory["miner-a"]).toBe("absent");
  expect(of("application", APPLICATIONS[2] ?? "")?.memory["relayer-r1"]).toBe("absent");
  expect(of("supplier", first)?.shared).toEqual({ state: "none" });
  // Its time to live is not the usual one, so it does not tell an age.
  expect(of("shared_params", "live")?.shared).toMatchObject({ state: "held", ageMs: undefined });
  expect(cache.value.generation).toBe("88141");
});

test("one session in full", async () => {
  const claimed = SESSIONS.find(({ state }) => state === "claimed");
  const detail = await reader().session(claimed?.supplier ?? "", claimed?.sessionId ?? "");
  expect(detail).toMatchObject({
    claim: undefined,
    meteredUpokt: undefined,
    root: undefined,
    isSealed: false,
  });
});

test("a key that cannot be read is that row's problem", async () => {
  const { commands } = fleet.redis;
  await commands.send("SET", fleet.keys.stream(fourth), "not a stream");
  await commands.send("SADD", fleet.keys.sessionIndex(third), "broken");
  await commands.send("SET", fleet.keys.session(third, "broken"), "{}");
  const { queues, sessions } = await reader().read();
  expect(queues.value.find(({ supplier }) => supplier === fourth)).toMatchObject({ length: undefined });
  expect(queues.value.find(({ supplier }) => supplier === fourth)?.problem).toContain("WRONGTYPE");
  expect(queues.value.find(({ supplier }) => supplier === first)?.length).toBe(40);
  expect(sessions.value.unreadable).toMatchObject([{ supplier: third, sessionId: "broken" }]);
});

test("a user with read rights is enough", async () => {
  const rights = ["on", ">pw", "~*", "&*", "+@read", "+@connection", "+info", "+time"];
  await fleet.redis.commands.send("ACL", "SETUSER", "looker", ...rights);
  const url = fleet.server.url.replace("unix://", "unix://looker:pw@localhost");
  const redis = await openRedis({ url, logger: fleet.logger, role: "test" });
  const view = await openViewReader({ redis, keys: fleet.keys, clock: systemClock }).read();
  await redis.close();
  const { replicas, leader, redis: server, sessions, queues, cache } = view;
  for (const section of [replicas, leader, server, sessions, queues, cache])
    expect(section.problem).toBeUndefined();
  expect(view.sessions.value.sessions.length).toBe(SESSIONS.length);
});

test("without Redis every part keeps its last good value and says since when", async () => {
  await plantHeartbeats(fleet.redis.commands, fleet.keys);
  const source = reader();
  const good = await source.read();
  await fleet.server.crash();
  const bad = await source.read();
  expect(bad.sessions.problem).toBeDefined();
  expect(bad.sessions.readAt).toBe(good.sessions.readAt);
  expect(bad.sessions.value.total).toBe(good.sessions.value.total);
  expect(bad.replicas.value.length).toBe(4);
  await fleet.server.restart();
});
