import { readdirSync, statSync, truncateSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { MinedRelayMessage } from "../../src/chain/proto/mined-relay.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { openRedis } from "../../src/runtime/redis/connect.ts";
import { type Network, quiet, startNetwork } from "../kit/network.ts";
import { type Answer, post, until } from "../kit/post.ts";
import { runningTime } from "../kit/running-time.ts";
import { streamEntries } from "../kit/stream.ts";

let network: Network;
let header: SessionHeader;
beforeAll(async () => {
  network = await startNetwork("eager", { relayer: { relay: { verify_workers: 0, spool: { max_mb: 1 } } } });
  await network.devnet.control("halt", {});
  header = await network.header();
});
afterAll(() => network.close());

let ids = 0;
const relay = () => post(network, network.sign(header, JSON.stringify({ id: ++ids })));
const warm = () => until(relay, ({ status }) => status === 200);
const directory = () => `${network.configFile}.spool/1`;
const onDisk = () => readdirSync(directory()).filter((name) => name.endsWith(".spool"));
const ready = async () => (await fetch(`${network.url}/ready`)).status;
const hashes = async (atLeast: number) =>
  new Set(
    (await streamEntries(network, atLeast)).map((bytes) =>
      Buffer.from(MinedRelayMessage.decode(bytes).relayHash).toString("hex"),
    ),
  );

async function timed(work: () => Promise<Answer>): Promise<{ answer: Answer; ms: number }> {
  const start = runningTime();
  const answer = await work();
  return { answer, ms: runningTime() - start };
}

test("while Redis is down relays are answered without waiting and kept on disk; when it is back it gets them all, and the disk is emptied", async () => {
  expect((await warm()).status).toBe(200);
  const before = (await hashes(1)).size;
  await network.redis.crash();
  const first = await Promise.all(Array.from({ length: 20 }, () => timed(relay)));
  for (const { answer } of first) expect(answer.status).toBe(200);
  const later = await Promise.all(Array.from({ length: 20 }, () => timed(relay)));
  for (const { answer, ms } of later) {
    expect(answer.status).toBe(200);
    expect(ms).toBeLessThan(1_500);
  }
  expect(onDisk().length).toBeGreaterThan(0);
  expect(await ready()).toBe(200);
  await network.redis.restart();
  expect(
    (
      await until(
        () => hashes(0),
        ({ size }) => size >= before + 40,
      )
    ).size,
  ).toBe(before + 40);
  // It goes when Redis has had the time to bring it to its own disk.
  expect(
    await until(
      async () => onDisk().length,
      (count) => count === 0,
    ),
  ).toBe(0);
  expect((await relay()).status).toBe(200);
  expect((await hashes(before + 41)).size).toBe(before + 41);
  expect(onDisk()).toEqual([]);
});

test("a Redis that is silent holds up the relays in work for a moment and the others not at all", async () => {
  expect((await warm()).status).toBe(200);
  const before = (await hashes(1)).size;
  network.redis.pause();
  const inWork = await Promise.all(Array.from({ length: 10 }, () => timed(relay)));
  const later = [await timed(relay), await timed(relay), await timed(relay)];
  network.redis.resume();
  for (const { answer, ms } of inWork) {
    expect(answer.status).toBe(200);
    expect(ms).toBeLessThan(2_800);
  }
  for (const { answer, ms } of later) {
    expect(answer.status).toBe(200);
    expect(ms).toBeLessThan(800);
  }
  expect(
    (
      await until(
        () => hashes(0),
        ({ size }) => size >= before + 13,
      )
    ).size,
  ).toBe(before + 13);
});

test("a Redis without memory is as good as none; a full spool refuses relays, and the relayer is not ready", async () => {
  expect((await warm()).status).toBe(200);
  expect(
    await until(
      async () => onDisk().length,
      (count) => count === 0,
    ),
  ).toBe(0);
  const before = (await hashes(1)).size;
  const redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
  await redis.commands.send("CONFIG", "SET", "maxmemory", "1");
  // Each is more than a quarter of what the spool may hold.
  const large = () =>
    post(network, network.sign(header, JSON.stringify({ id: ++ids, of: "x".repeat(280_000) })));
  const statuses: number[] = [];
  for (let index = 0; index < 5; index++) statuses.push((await large()).status);
  expect(statuses).toEqual([200, 200, 200, 503, 503]);
  const small: number[] = [];
  for (let index = 0; index < 400 && small.at(-1) !== 503; index++) small.push((await relay()).status);
  expect(small.at(-1)).toBe(503);
  expect(await ready()).toBe(503);
  expect(statSync(join(directory(), onDisk()[0] ?? "")).size).toBeLessThanOrEqual(1_048_576);
  await redis.commands.send("CONFIG", "SET", "maxmemory", "0");
  await redis.close();
  const kept = before + 3 + small.length - 1;
  expect(
    (
      await until(
        () => hashes(0),
        ({ size }) => size >= kept,
      )
    ).size,
  ).toBe(kept);
  expect(await until(ready, (status) => status === 200)).toBe(200);
  expect((await relay()).status).toBe(200);
});

test("what Redis took and lost in a crash is published once more", async () => {
  expect((await warm()).status).toBe(200);
  expect(
    await until(
      async () => onDisk().length,
      (count) => count === 0,
    ),
  ).toBe(0);
  const before = await hashes(1);
  for (let index = 0; index < 5; index++) expect((await relay()).status).toBe(200);
  await network.redis.crash();
  // What stood in the append-only file since the last fsync is gone, as after a power failure.
  const files = join(dirname(network.redis.url.replace("unix://", "")), "appendonlydir");
  const tail = readdirSync(files).find((name) => name.includes(".incr."));
  truncateSync(join(files, tail ?? ""), 0);
  await network.redis.restart();
  const survived = await hashes(0);
  expect(survived.size).toBeLessThan(before.size);
  const after = await until(
    () => hashes(0),
    ({ size }) => size >= 5,
  );
  expect([...after].filter((hash) => !before.has(hash)).length).toBe(5);
});

test("a session that begins while Redis is down is served, and its relays are claimed ones", async () => {
  expect((await warm()).status).toBe(200);
  await network.redis.crash();
  await network.devnet.control("resume", {});
  const next = await until(
    () => network.header(),
    ({ sessionStartBlockHeight: start }) => start > header.sessionStartBlockHeight,
    20_000,
  );
  await network.devnet.control("halt", {});
  header = next;
  const { answer, ms } = await timed(() => until(relay, ({ status }) => status !== 403, 5_000));
  expect(answer.status).toBe(200);
  expect(ms).toBeLessThan(4_000);
  await network.redis.restart();
  const ofNext = async () =>
    (await streamEntries(network, 0)).filter(
      (bytes) => MinedRelayMessage.decode(bytes).sessionId === next.sessionId,
    ).length;
  expect(await until(ofNext, (count) => count >= 1)).toBeGreaterThanOrEqual(1);
});

test("relays on disk whose session can no longer be claimed are dropped", async () => {
  expect((await warm()).status).toBe(200);
  expect(
    await until(
      async () => onDisk().length,
      (count) => count === 0,
    ),
  ).toBe(0);
  const before = await hashes(1);
  await network.redis.crash();
  expect((await relay()).status).toBe(200);
  expect((await relay()).status).toBe(200);
  // Past the claim window of the session's end.
  await network.devnet.control("jump", { blocks: 60 });
  const height = async () =>
    Number(JSON.parse(await (await fetch(`${network.url}/health`)).text()).block_height);
  const past = header.sessionEndBlockHeight + 30n;
  expect(await until(height, (current) => current > past)).toBeGreaterThan(Number(past));
  await network.redis.restart();
  expect(
    await until(
      async () => onDisk().length,
      (count) => count === 0,
    ),
  ).toBe(0);
  expect([...(await hashes(1))].filter((hash) => !before.has(hash))).toEqual([]);
});
