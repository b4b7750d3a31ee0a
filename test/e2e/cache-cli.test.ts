import { setTimeout } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { cacheReplica, type TestChain, type TestReplica, testChain } from "../kit/cache-replica.ts";
import { errorLines, relayminer } from "../kit/cli.ts";
import { type TestRedis, testRedis } from "../kit/redis-fleet.ts";

// These run what `npm run build` made: scripts/test.sh builds first.

const APP = "pokt1mrqt5f7qh8uxs27cjm9t7v9e74a9vvdnq5jva4";

let own: TestRedis;
let chain: TestChain;
let open: TestReplica[] = [];
beforeAll(async () => {
  own = await testRedis();
});
afterAll(() => own.close());
beforeEach(async () => {
  await own.redis.commands.send("FLUSHALL");
  chain = testChain();
});
afterEach(async () => {
  for (const replica of open) await replica.close();
  open = [];
});

async function fleet(...options: Parameters<typeof cacheReplica>[2][]): Promise<TestReplica[]> {
  open = await Promise.all(options.map((option) => cacheReplica(own, chain, option)));
  // Until each holds it: a replica that writes to Redis makes the others forget.
  await expect
    .poll(async () => {
      for (const { data } of open) await data.application(APP);
      await setTimeout(50);
      return open.every(({ data }) => data.caches.application.size === 1);
    })
    .toBe(true);
  return open;
}

const cache = (...args: string[]) => relayminer(["cache", ...args, "--redis", own.server.url]);

test("an acknowledged invalidation is told per replica and ends with 0", async () => {
  const replicas = await fleet({ id: "r-1" }, { id: "m-a", role: "miner" });
  const { code, stdout, stderr } = await cache("invalidate", "--app", APP);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const lines = stdout.trimEnd().split("\n");
  expect(lines[0]).toBe(`application ${APP}`);
  expect(lines[1]).toMatch(
    new RegExp(`^ {2}deleted {3}ha:cache:application:${APP} {2}\\(was \\d+ (ms|s) old\\)$`),
  );
  expect(lines[2]).toMatch(/^ {2}acked {5}(relayer r-1|miner m-a) \d+ ms · (relayer r-1|miner m-a) \d+ ms$/);
  expect(lines[3]).toMatch(/^2 of 2 replicas acknowledged in \d+ ms$/);
  for (const { data } of replicas) expect(data.caches.application.size).toBe(0);
});

test("a replica that stays silent is named, with its heartbeat and what to do, and ends with 3", async () => {
  await fleet({ id: "r-1" }, { id: "r-3", manner: "silent" });
  const result = await cache("invalidate", "--app", APP, "--timeout", "5s");
  expect(result.code).toBe(3);
  expect(result.stdout).toMatch(/^ {2}missing {3}relayer r-3 \(last heartbeat \d+ (ms|s) ago\)$/m);
  expect(result.stdout).toMatch(/^1 of 2 replicas acknowledged in \d+ ms$/m);
  expect(errorLines(result)).toEqual([
    "✖ 1 of 2 replicas did not acknowledge within 5 s (ACKS_MISSING)",
    expect.stringMatching(/^ {2}relayer r-3 \(last heartbeat/),
    expect.stringMatching(/^ {2}Look at that process/),
    "  docs/errors.md#acks_missing",
  ]);
});

test("--json is one object, whether every replica acknowledged or not", async () => {
  await fleet({ id: "r-1" });
  const all = await cache("invalidate", "--app", APP, "--json");
  expect(all.code).toBe(0);
  expect(JSON.parse(all.stdout)).toEqual({
    entity: "application",
    key: APP,
    expected: 1,
    acked: 1,
    replicas: [{ id: "r-1", role: "relayer", ms: expect.any(Number) }],
    missing: [],
    deleted: [{ key: `ha:cache:application:${APP}`, age_ms: expect.any(Number) }],
  });
  open.push(await cacheReplica(own, chain, { id: "r-2", manner: "silent" }));
  const some = await cache("invalidate", "--app", APP, "--json", "--timeout", "5s");
  expect({ code: some.code, stderr: some.stderr }).toEqual({ code: 3, stderr: "" });
  expect(JSON.parse(some.stdout)).toMatchObject({ expected: 2, acked: 1, missing: ["r-2"] });
});

test("a dry run tells what would happen and changes nothing", async () => {
  const [replica] = await fleet({ id: "r-1" });
  const { code, stdout } = await cache("invalidate", "--all", "--dry-run");
  expect(code).toBe(0);
  expect(stdout).toContain("would ask     relayer r-1\n");
  expect(stdout).toContain("dry run: nothing was changed");
  expect(replica?.data.caches.application.size).toBe(1);
  const json = JSON.parse((await cache("invalidate", "--all", "--dry-run", "--json")).stdout);
  expect(json).toMatchObject({ entity: "all", dry_run: true, expected: 1, acked: 0, missing: [] });
});

test("list counts every tier, show tells the ages of one thing", async () => {
  await fleet({ id: "r-1" }, { id: "r-2" });
  // What memory holds is told by the next heartbeat.
  await expect
    .poll(async () => JSON.parse((await cache("list", "--json")).stdout).entities, { timeout: 15_000 })
    .toContainEqual({ entity: "application", redis: 1, memory: { "r-1": 1, "r-2": 1 } });
  const list = await cache("list");
  expect(list.stdout).toMatch(/^ENTITY +REDIS +r-1 +r-2$/m);
  expect(list.stdout).toMatch(/^application +1 +1 +1$/m);
  expect(list.stdout).toMatch(/^supplier +— +0 +0$/m);

  const shown = await cache("show", "--app", APP);
  expect(shown.stdout).toMatch(/^ {4}relayer r-1 +\d+ (ms|s) old$/m);
  expect(shown.stdout).toMatch(/^ {4}Redis +\d+ (ms|s) old, 4 min left, stake 0\.0001 POKT$/m);
  const json = JSON.parse((await cache("show", "--app", APP, "--json")).stdout);
  expect(json).toMatchObject({ entity: "application", key: APP, block: null });
  expect(json.copies[0]).toMatchObject({
    kind: "application",
    memory: [
      { id: "r-1", state: "held" },
      { id: "r-2", state: "held" },
    ],
    redis: { state: "held", value: { address: APP, stake: "100upokt" } },
    chain: null,
  });
});
