import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Application } from "../../src/chain/proto/application.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { applicationEntity, cacheEntries, sessionEntity } from "../../src/runtime/redis/cache-entries.ts";
import { openRedis, type RedisConnections } from "../../src/runtime/redis/connect.ts";
import { heartbeats } from "../../src/runtime/redis/heartbeat.ts";
import { cacheInvalidations } from "../../src/runtime/redis/invalidations.ts";
import { redisKeys } from "../../src/runtime/redis/keys.ts";
import { type Network, quiet, startNetwork } from "../kit/network.ts";
import { post, until } from "../kit/post.ts";
import { streamEntries } from "../kit/stream.ts";

let network: Network;
let header: SessionHeader;
let redis: RedisConnections;
beforeAll(async () => {
  // Without a spool: what happens with one is told in relayer-spool.test.ts.
  const relay = { verify_workers: 0, spool: { enabled: false } };
  network = await startNetwork("eager", { stake: 44_129, relayer: { relay } });
  await network.devnet.control("halt", {});
  header = await network.header();
  redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
});
afterAll(async () => {
  await redis.close();
  await network.close();
});

let ids = 0;
const relay = () => post(network, network.sign(header, JSON.stringify({ id: ++ids })));
const served = (patienceMs?: number) => until(relay, ({ status }) => status === 200, patienceMs);
const keys = () => redisKeys(network.namespace);

/** The limit of five relays is not what these tests are about. Our own connection may still be on its way back. */
beforeEach(async () => {
  const consumed = keys().meterConsumed(header.sessionId, network.supplier.address);
  await until(
    () => redis.commands.send("DEL", consumed).catch(() => undefined),
    (done) => done !== undefined,
  );
});

/** What the relayer's heartbeat says is in its memory. */
async function heldInMemory(cache: string, key: string): Promise<boolean> {
  const [beat] = await heartbeats(redis.commands, keys()).live();
  const caches = (beat?.details["caches"] ?? {}) as Record<
    string,
    { entries: [string, number][] } | undefined
  >;
  return caches[cache]?.entries.some(([held]) => held === key) === true;
}

test("an invalidation from Go's channel makes the relayer read the shared value anew", async () => {
  expect((await served()).status).toBe(200);
  // Another replica writes a record with less stake and says so: 44 129 -> 9 000 upokt are 300 a session, one relay.
  const { address } = network.application;
  const entries = cacheEntries(redis.commands, keys());
  const record = await entries.get(applicationEntity, address);
  await redis.commands.send("DEL", keys().meterConsumed(header.sessionId, network.supplier.address));
  const poorer = Application.create({ ...record, stake: { denom: "upokt", amount: "9000" } });
  await entries.set(applicationEntity, address, poorer);
  expect((await relay()).status).toBe(200);
  expect((await relay()).status).toBe(200);
  await redis.commands.send("PUBLISH", "ha:events:cache:application:invalidate", `{"address": "${address}"}`);
  const denied = await until(relay, ({ status }) => status !== 200);
  expect(denied).toMatchObject({ status: 429, error: "session relay limit reached" });
  // "{}" clears all of a kind. One relay is within the poorer record's limit, too; two are not.
  await entries.delete(applicationEntity, address);
  await redis.commands.send("PUBLISH", "ha:events:cache:application:invalidate", "{}");
  const two = async () => {
    await redis.commands.send("DEL", keys().meterConsumed(header.sessionId, network.supplier.address));
    return [(await relay()).status, (await relay()).status];
  };
  expect(await until(two, (seen) => seen.every((status) => status === 200))).toEqual([200, 200]);
});

test("a shared session that is not the one of its key is not believed", async () => {
  const entries = cacheEntries(redis.commands, keys());
  const place = {
    application: header.applicationAddress,
    serviceId: header.serviceId,
    height: header.sessionStartBlockHeight,
  };
  const session = await entries.get(sessionEntity, place);
  if (session?.header === undefined) throw new Error("the session is not shared");
  const { header: right } = session;
  await entries.set(sessionEntity, place, {
    ...session,
    header: { ...right, sessionStartBlockHeight: 900n, sessionEndBlockHeight: 919n },
  });
  await cacheInvalidations(redis, keys(), quiet).publish({ type: "session" });
  expect((await served()).status).toBe(200);
  expect((await entries.get(sessionEntity, place))?.header).toEqual(right);
});

test("while Redis is down nothing is answered that is not stored, and what was warm serves again by itself", async () => {
  expect((await served()).status).toBe(200);
  const before = (await streamEntries(network, 1)).length;
  await network.redis.crash();
  const calls = await Promise.all([relay(), relay(), relay()]);
  for (const answer of calls)
    expect(answer).toMatchObject({ status: 503, error: "the relay cannot be stored at the moment" });
  await network.redis.restart();
  // A crash may take what was not on its way to the disk yet (appendfsync everysec), and brings nothing.
  const survived = (await streamEntries(network, 0)).length;
  expect(survived).toBeLessThanOrEqual(before);
  expect((await served()).status).toBe(200);
  // One more, and those of the last seconds once more, as the server is another.
  expect((await streamEntries(network, survived + 1)).length).toBeGreaterThan(survived);
});

test("after a gap without an invalidation memory stays; with one that was missed it goes", async () => {
  expect((await served()).status).toBe(200);
  const { address } = network.application;
  const sessionKey = `${address}:${header.serviceId}:${header.sessionStartBlockHeight}`;
  const held = () => heldInMemory("session", sessionKey);
  expect(await until(held, Boolean)).toBe(true);
  const breakSubscriptions = async () => void (await redis.commands.send("CLIENT", "KILL", "TYPE", "pubsub"));
  await breakSubscriptions();
  // Long enough for the reconnection and two heartbeats.
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  expect(await held()).toBe(true);
  // Kill and publish in one go: the message comes while nobody listens.
  await Promise.all([
    breakSubscriptions(),
    redis.commands.send("INCR", keys().generation),
    redis.commands.send("PUBLISH", "ha:events:cache:session:invalidate", "{}"),
  ]);
  expect(await until(held, (isHeld) => !isHeld)).toBe(false);
  expect((await served()).status).toBe(200);
});
