import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openRedis } from "../../src/runtime/redis/connect.ts";
import { textOf } from "../../src/runtime/redis/reply.ts";
import { loadScript } from "../../src/runtime/redis/script.ts";
import { recorder, type TestRedis, testRedis } from "../kit/redis-fleet.ts";

let own: TestRedis;
beforeAll(async () => {
  own = await testRedis();
});
afterAll(() => own.close());

test("a durable server is accepted without a word", () => {
  expect(own.redis.server).toMatchObject({ policy: "noeviction", appendOnly: true, warnings: [] });
  expect(own.logger.lines).toEqual([]);
});

test("a server that forgets or evicts is warned about", async () => {
  const careless = await testRedis("--appendonly", "no", "--maxmemory-policy", "allkeys-lru");
  const warnings = careless.logger.lines.map((line) => line.message);
  expect(warnings).toEqual([
    expect.stringContaining("maxmemory-policy allkeys-lru"),
    expect.stringContaining("append-only"),
  ]);
  await careless.close();
});

test("an unreachable server is named without its password", async () => {
  const logger = recorder();
  const opening = openRedis({ url: "redis://user:hunter2@127.0.0.1:1/3", logger, role: "test" });
  const error = await opening.catch((thrown) => thrown);
  expect(error).toMatchObject({ code: "REDIS_UNREACHABLE", fields: { url: "redis://127.0.0.1:1/3" } });
  expect(error.cause.message).toContain("ECONNREFUSED");
  expect(JSON.stringify([error, error.message, error.cause.message, logger.lines])).not.toContain("hunter2");
});

test("a wrong password is refused at once, however long Redis may be waited for", async () => {
  const guarded = await testRedis();
  await guarded.redis.commands.send("CONFIG", "SET", "requirepass", "right");
  const opening = (password: string) =>
    openRedis({
      url: guarded.server.url.replace("unix://", `unix://:${password}@socket`),
      logger: recorder(),
      role: "test",
      wait: { forMs: 60_000, setting: "x" },
    });
  const error = await opening("hunter2").catch((thrown) => thrown);
  expect(error).toMatchObject({ code: "REDIS_REFUSED", fields: { kind: "WRONGPASS" } });
  expect(JSON.stringify([error, error.message, String(error.cause)])).not.toContain("hunter2");
  await (await opening("right")).close();
  await guarded.close();
});

test("a server that still loads its data is not ready; whoever waits for it is told so, and gets it", async () => {
  // Every key takes ten milliseconds to load until we say otherwise, and what is asked meanwhile is answered in between.
  const slow = await testRedis(
    ...["--key-load-delay", "10000", "--loading-process-events-interval-bytes", "1024"],
    ...["--enable-debug-command", "local"],
  );
  const { commands } = slow.redis;
  await commands.send("DEBUG", "POPULATE", "3000", "key", "200");
  await commands.send("BGREWRITEAOF");
  const rewritten = async () =>
    textOf(await commands.send("INFO", "persistence")).includes("aof_rewrite_in_progress:0");
  while (!(await rewritten())) await sleep(20);
  await slow.server.crash();
  const restarting = slow.server.restart();
  const logger = recorder();
  const open = (forMs: number) =>
    openRedis({ url: slow.server.url, logger, role: "test", wait: { forMs, setting: "relay.redis_wait" } });
  const codes = new Set<string>();
  while (!codes.has("REDIS_LOADING"))
    codes.add(
      await open(0).then(
        () => "open",
        (thrown) => thrown.code,
      ),
    );
  expect([...codes]).not.toContain("open");
  const opening = open(60_000);
  await expect.poll(() => logger.lines.length, { timeout: 10_000 }).toBeGreaterThan(0);
  const hurry = connect(slow.server.url.replace("unix://", ""), () =>
    hurry.end("CONFIG SET key-load-delay 0\r\n"),
  );
  const redis = await opening;
  expect(Number(await redis.commands.send("DBSIZE"))).toBe(3000);
  expect(logger.lines.map(({ fields, message }) => `${message} ${fields["error"]}`)).toContainEqual(
    expect.stringMatching(/waits for Redis Redis at unix:.* is loading its data$/),
  );
  await redis.close();
  await restarting;
  await slow.close();
}, 30_000);

test.each(["redis-cluster://a:1,b:2", "http://localhost", "nonsense"])("%s is refused", async (url) => {
  const opening = openRedis({ url, logger: recorder(), role: "test" });
  await expect(opening).rejects.toMatchObject({ code: "REDIS_UNSUPPORTED" });
});

test("a script runs again after Redis has forgotten it", async () => {
  const { commands } = own.redis;
  const script = loadScript("prune-session");
  const run = () => commands.run(script, [own.keys.session("s", "1"), own.keys.sessionIndex("s")], ["1"]);
  expect(await run()).toBe(1);
  await commands.send("SCRIPT", "FLUSH");
  expect(await run()).toBe(1);
});

test("a refusal carries its kind", async () => {
  await own.redis.commands.send("SET", "text", "1");
  const refused = own.redis.commands.send("HGET", "text", "x");
  await expect(refused).rejects.toMatchObject({ code: "REDIS_REFUSED", fields: { kind: "WRONGTYPE" } });
});

test("a crash fails what is under way, sends nothing twice, and the connection comes back", async () => {
  const { commands } = own.redis;
  own.server.pause();
  const underWay = commands.send("INCR", "counter");
  const settled = underWay.then(
    () => "answered",
    (thrown) => thrown.code,
  );
  await own.server.crash();
  expect(await settled).toBe("REDIS_UNREACHABLE");
  await expect(commands.send("PING")).rejects.toMatchObject({ fields: { outcome: "not sent" } });
  await own.server.restart();
  const end = Date.now() + 10_000;
  let answer = "";
  while (answer === "" && Date.now() < end)
    answer = await commands.send("PING").then(textOf, async () => {
      await sleep(50);
      return "";
    });
  expect(answer).toBe("PONG");
  expect(Number((await commands.send("GET", "counter")) ?? 0)).toBeLessThanOrEqual(1);
});

test("a silent server is given up on in seconds", async () => {
  const start = Date.now();
  own.server.pause();
  await expect(own.redis.commands.send("PING")).rejects.toMatchObject({
    code: expect.stringMatching(/^REDIS_(TIMEOUT|UNREACHABLE)$/),
  });
  own.server.resume();
  expect(Date.now() - start).toBeLessThan(10_000);
});

test("a subscription survives a crash and says that messages may be missing", async () => {
  const messages: string[] = [];
  let gaps = 0;
  await own.redis.subscriptions.subscribe("news", {
    onMessage: (payload) => void messages.push(payload),
    onGap: () => void gaps++,
  });
  await own.server.crash();
  await own.server.restart();
  await expect.poll(() => gaps, { timeout: 10_000 }).toBe(1);
  await expect
    .poll(
      async () => {
        await own.redis.commands.send("PUBLISH", "news", "again").catch(() => undefined);
        return messages;
      },
      { timeout: 10_000, interval: 100 },
    )
    .toContain("again");
});

test("a subscription to a server that has gone silent is made anew", async () => {
  let gaps = 0;
  await own.redis.subscriptions.subscribe("quiet", { onMessage: () => undefined, onGap: () => void gaps++ });
  own.server.pause();
  await sleep(8000);
  own.server.resume();
  await expect.poll(() => gaps, { timeout: 10_000 }).toBeGreaterThan(0);
});
