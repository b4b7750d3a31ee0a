import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { application } from "../../src/chain/node/queries.ts";
import { MinedRelayMessage } from "../../src/chain/proto/mined-relay.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { ChainData } from "../../src/runtime/cache/chain-data.ts";
import { invalidate } from "../../src/runtime/cache/invalidate.ts";
import { sharedTiers } from "../../src/runtime/cache/shared-tiers.ts";
import { applicationEntity, cacheEntries } from "../../src/runtime/redis/cache-entries.ts";
import { openRedis } from "../../src/runtime/redis/connect.ts";
import { redisKeys } from "../../src/runtime/redis/keys.ts";
import { openMeter } from "../../src/runtime/redis/meter.ts";
import { type Network, quiet, startNetwork } from "../kit/network.ts";
import { type Answer, post, until } from "../kit/post.ts";
import { runningTime } from "../kit/running-time.ts";
import { chainHeight, goTo, headerAt } from "../kit/session-steps.ts";
import { streamEntries } from "../kit/stream.ts";

let network: Network;
beforeEach(async () => {
  network = await startNetwork("eager");
  await network.devnet.control("halt", {});
});
afterEach(() => network.close());

let ids = 0;
const relay = (header: SessionHeader, how = {}) =>
  post(network, network.sign(header, JSON.stringify({ id: ++ids }), how));
const running = async () => headerAt(network, await chainHeight(network));
const isServed = ({ status }: Answer) => status === 200;
const step = async () => goTo(network, (await chainHeight(network)) + 1n);

/** Sends a command that makes a transaction, and the block that it comes into. */
async function command(name: string, args: Readonly<Record<string, unknown>>): Promise<void> {
  await network.devnet.control(name, args);
  await step();
}

test("a session is served to the last block of its grace period and not one longer", async () => {
  const header = await running();
  const end = header.sessionEndBlockHeight;
  for (const height of [end, end + 1n]) {
    await goTo(network, height);
    expect({ height, ...(await relay(header)) }).toMatchObject({ height, status: 200 });
  }
  await goTo(network, end + 2n);
  expect(await relay(header)).toMatchObject({ status: 403, error: "the session is over" });
  expect((await relay(await running())).status).toBe(200);
});

test("a session that is first heard of in its grace period is served; after it, it is not", async () => {
  const header = await running();
  const end = header.sessionEndBlockHeight;
  await goTo(network, end + 1n);
  expect((await relay(header)).status).toBe(200);
  const next = await running();
  await goTo(network, next.sessionEndBlockHeight + 2n);
  expect(await relay(next)).toMatchObject({ status: 403, error: "the session is over" });
});

test("at each height around the end a relay is answered and stored, or neither; the budget knows only those stored", async () => {
  const header = await running();
  const end = header.sessionEndBlockHeight;
  const seen: { height: bigint; status: number; stored: number }[] = [];
  for (let height = end - 1n; height <= end + 4n; height++) {
    await goTo(network, height);
    const { status } = await relay(header);
    seen.push({ height: height - end, status, stored: (await streamEntries(network, 0)).length });
  }
  // The chain's claim window opens two blocks after the end: what came before is claimed.
  expect(seen).toEqual([
    { height: -1n, status: 200, stored: 1 },
    { height: 0n, status: 200, stored: 2 },
    { height: 1n, status: 200, stored: 3 },
    { height: 2n, status: 403, stored: 3 },
    { height: 3n, status: 403, stored: 3 },
    { height: 4n, status: 403, stored: 3 },
  ]);
  expect(network.backendCalls()).toBe(3);
  const redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
  try {
    const keys = redisKeys(network.namespace);
    const meter = openMeter({ redis, keys, clock: systemClock, ttlSeconds: 60 });
    const { consumed } = await meter.read({ ...header, supplier: network.supplier.address });
    expect(consumed).toBe(3n * 294n);
  } finally {
    await redis.close();
  }
});

test("a relay that came in time and was answered when the claim window is open is refused, given back and not stored", async () => {
  const header = await running();
  await goTo(network, header.sessionEndBlockHeight + 1n);
  const held: (() => void)[] = [];
  network.setBackend((_, response) => void held.push(() => response.end("{}")));
  const answer = relay(header);
  await until(
    async () => held.length,
    (count) => count === 1,
  );
  await goTo(network, header.sessionEndBlockHeight + 2n);
  for (const release of held) release();
  expect(await answer).toMatchObject({
    status: 403,
    error: "the session is over: the answer came too late for its claim",
  });
  expect(await streamEntries(network, 0)).toEqual([]);
});

test("params, price, weight and delegation changed in mid-session are not those of the running session, also for a relayer that reads all of it anew", async () => {
  const redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
  const keys = redisKeys(network.namespace);
  try {
    const header = await running();
    const consumed = async (of: SessionHeader) =>
      (
        await openMeter({ redis, keys, clock: systemClock, ttlSeconds: 60 }).read({
          ...of,
          supplier: network.supplier.address,
        })
      ).consumed;
    expect((await relay(header)).status).toBe(200);
    await command("set-params", {
      module: "shared",
      params: { compute_units_to_tokens_multiplier: "84000000", claim_window_open_offset_blocks: "3" },
    });
    await command("undelegate", { name: "application", gateway: "gateway" });
    const changed = network.devnet.control("set-cupr", { service: "kit-svc", compute_units_per_relay: 11 });
    await step();
    await changed;
    await step();
    const all = { entity: "all", id: undefined, timeoutMs: 5_000, by: "test" } as const;
    const { expected, acked } = await invalidate({ redis, keys, clock: systemClock, logger: quiet, ...all });
    expect([expected, acked]).toEqual([1, 1]);
    expect(await relay(header)).toMatchObject({ status: 200 });
    expect(await consumed(header)).toBe(2n * 294n);
    // In the next one the gateway is no member of the ring any more.
    await goTo(network, header.sessionEndBlockHeight + 1n);
    const next = await running();
    expect((await relay(next)).status).toBe(403);
    // Who first hears of the old session now, with nothing in any cache, judges it as it was judged then.
    const fresh = { ...network, url: await network.another() };
    expect(await invalidate({ redis, keys, clock: systemClock, logger: quiet, ...all })).toMatchObject({
      acked: 2,
    });
    for (const [of, signer, status] of [
      [header, network.gateway, 200],
      [header, network.newcomer, 403],
      [next, network.gateway, 403],
    ] as const) {
      const request = network.sign(of, JSON.stringify({ id: ++ids }), { signer });
      expect((await post(fresh, request)).status).toBe(status);
    }
    const weights = (await streamEntries(network, 3)).map(
      (entry) => MinedRelayMessage.decode(entry).computeUnitsPerRelay,
    );
    expect(weights).toEqual([7n, 7n, 7n]);
  } finally {
    await redis.close();
  }
});

test("a supplier that unstakes in mid-session is served to that session's last paid height, and refused after with the reason", async () => {
  const header = await running();
  expect((await relay(header)).status).toBe(200);
  await command("unstake", { kind: "supplier", name: "supplier" });
  expect((await relay(header)).status).toBe(200);
  const end = header.sessionEndBlockHeight;
  for (const height of [end, end + 1n]) {
    await goTo(network, height);
    expect({ height, ...(await relay(header)) }).toMatchObject({ height, status: 200 });
  }
  await goTo(network, end + 2n);
  expect(await relay(header)).toMatchObject({ status: 403, error: "the session is over" });
  // The next one is formed without it: whoever asks for it there is told so.
  const next = { ...header, sessionStartBlockHeight: end + 1n, sessionEndBlockHeight: end + 20n };
  expect(await relay(next)).toMatchObject({ status: 403 });
  expect(await streamEntries(network, 4)).toHaveLength(4);
});

test("a client that is a block ahead waits for the relayer's node; one that is far ahead is refused at once", async () => {
  const header = await running();
  const start = header.sessionEndBlockHeight + 1n;
  await goTo(network, start - 1n);
  // What the next session's id will be only its first block tells: the relay is refused, but not before that block.
  const next = { ...header, sessionStartBlockHeight: start, sessionEndBlockHeight: start + 19n };
  const early = relay(next);
  const first = await Promise.race([early, systemClock.sleep(400)]);
  expect(first).toBeUndefined();
  await step();
  expect(await early).toMatchObject({ status: 403, error: "the session is not the chain's" });
  expect((await relay(await running())).status).toBe(200);
  const far = { ...header, sessionStartBlockHeight: start + 40n, sessionEndBlockHeight: start + 59n };
  const asked = runningTime();
  expect(await relay(far)).toMatchObject({
    status: 403,
    error: "the session has not begun at this relayer's height",
  });
  expect(runningTime() - asked).toBeLessThan(500);
});

test("strangers that wait for sessions to come do not keep others from being looked up", async () => {
  const header = await running();
  const start = header.sessionEndBlockHeight + 1n;
  await goTo(network, start - 1n);
  const ahead = { ...header, sessionStartBlockHeight: start, sessionEndBlockHeight: start + 19n };
  const strangers = Array.from({ length: 300 }, (_, index) =>
    relay({ ...ahead, sessionId: index.toString(16).padStart(64, "0") }),
  );
  const asked = runningTime();
  expect((await relay(header)).status).toBe(200);
  expect(runningTime() - asked).toBeLessThan(1_500);
  await step();
  for (const { status } of await Promise.all(strangers)) expect(status).toBe(403);
});

test("a fresh delegation is accepted as soon as the refresh rule lets it, and stays for the session", async () => {
  const header = await running();
  const signed = { signer: network.newcomer };
  expect((await relay(header)).status).toBe(200);
  expect((await relay(header, signed)).status).toBe(403);
  await command("delegate", { name: "application", gateway: "newcomer" });
  const start = runningTime();
  expect((await until(() => relay(header, signed), isServed)).status).toBe(200);
  expect(runningTime() - start).toBeLessThan(6_500);
  const all = await Promise.all([relay(header, signed), relay(header), relay(header, signed)]);
  expect(all.map(({ status }) => status)).toEqual([200, 200, 200]);
});

test("an undelegated gateway serves out its session and signs for no later one, whatever is cached", async () => {
  const header = await running();
  expect((await relay(header)).status).toBe(200);
  await command("undelegate", { name: "application", gateway: "gateway" });
  expect((await relay(header)).status).toBe(200);
  const start = header.sessionEndBlockHeight + 1n;
  await goTo(network, start);
  // In grace still, and in the next session no more; the application's record in memory and Redis is the one with the gateway.
  expect((await relay(header)).status).toBe(200);
  const before = network.backendCalls();
  const next = await headerAt(network, start);
  expect(await relay(next)).toMatchObject({ status: 403, error: "the ring signature is not valid" });
  expect(network.backendCalls()).toBe(before);
});

test("params and compute units that change in a session price the next one", async () => {
  const header = await running();
  const redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
  const keys = redisKeys(network.namespace);
  const meter = openMeter({ redis, keys, clock: systemClock, ttlSeconds: 60 });
  const consumed = async ({ sessionId }: SessionHeader) =>
    (await meter.read({ sessionId, supplier: network.supplier.address })).consumed;
  try {
    expect((await relay(header)).status).toBe(200);
    await network.devnet.control("set-params", {
      module: "shared",
      params: { compute_units_to_tokens_multiplier: 84_000_000 },
    });
    // Waits for the block that carries it.
    const change = network.devnet.control("set-cupr", { service: "kit-svc", compute_units_per_relay: 11 });
    await step();
    await change;
    await step();
    // A relayer that sees the session for the first time now prices it as the one that has known it.
    const second = await network.another();
    expect((await relay(header)).status).toBe(200);
    const asked = await post(network, network.sign(header, "{}"), { url: second });
    expect(asked.status).toBe(200);
    expect(await consumed(header)).toBe(3n * 294n);
    await goTo(network, header.sessionEndBlockHeight + 1n);
    const next = await running();
    expect((await relay(next)).status).toBe(200);
    // 11 * 84 000 000 / 1 000 000
    expect(await consumed(next)).toBe(924n);
    const units = (await streamEntries(network, 4)).map(
      (entry) => MinedRelayMessage.decode(entry).computeUnitsPerRelay,
    );
    expect(units).toEqual([7n, 7n, 7n, 11n]);
  } finally {
    await redis.close();
  }
});

test("an application that has left the chain is forgotten after the third NotFound, here and in Redis", async () => {
  const { address } = network.application;
  const redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
  const entries = cacheEntries(redis.commands, redisKeys(network.namespace));
  let now = 0;
  const none = () => undefined;
  const data = new ChainData({
    client: network.chain,
    clock: { ...systemClock, monotonic: () => now },
    shared: sharedTiers(entries),
    events: { hit: none, miss: none, failed: none, late: none, skipped: none, changed: none },
  });
  try {
    const header = await running();
    expect((await relay(header)).status).toBe(200);
    expect((await data.application(address)).address).toBe(address);
    await command("unstake", { kind: "application", name: "application" });
    const isGone = async () => {
      await network.devnet.control("jump", { blocks: 20 });
      return application(network.chain, address)
        .then(() => false)
        .catch(() => true);
    };
    expect(await until(isGone, Boolean)).toBe(true);
    for (const _ of [1, 2]) {
      now += 60_000;
      expect((await data.application(address)).address).toBe(address);
    }
    now += 60_000;
    await expect(data.application(address)).rejects.toMatchObject({ code: "CHAIN_NOT_FOUND" });
    expect(data.caches.application.size).toBe(0);
    expect(await entries.get(applicationEntity, address)).toBeUndefined();
    const gone = { ...header, sessionStartBlockHeight: await chainHeight(network) };
    const late = { ...gone, sessionEndBlockHeight: gone.sessionStartBlockHeight + 19n };
    // The chain has jumped; the relayer may not have heard of it yet.
    const hasHeard = ({ error }: Answer) => error !== "the session has not begun at this relayer's height";
    const refused = await until(() => relay(late), hasHeard);
    expect(refused).toMatchObject({ status: 403, error: "the session is not the chain's" });
  } finally {
    await redis.close();
  }
});
