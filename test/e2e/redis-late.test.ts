import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { freePort } from "../kit/free-port.ts";
import { type Network, startNetwork } from "../kit/network.ts";
import { post, until } from "../kit/post.ts";
import { streamEntries } from "../kit/stream.ts";

// Runs what `npm run build` made: scripts/test.sh builds first.
const ROOT = process.env["RELAYMINER_ROOT"] ?? fileURLToPath(new URL("../..", import.meta.url));

let network: Network;
let header: SessionHeader;
const children: ChildProcess[] = [];

beforeAll(async () => {
  network = await startNetwork("eager");
  await network.devnet.control("halt", {});
  header = await network.header();
}, 60_000);
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await network.redis.restart();
});
afterAll(() => network.close());

type Role = "relayer" | "miner";

/** A role in a process of its own, which need not come up. */
async function start(
  role: Role,
  settings: Readonly<Record<string, unknown>> = {},
  flags: readonly string[] = [],
) {
  const addr = `127.0.0.1:${await freePort()}`;
  const listen = await freePort();
  const { relay, ...shared } = JSON.parse(readFileSync(network.configFile, "utf8"));
  const { redis, pocket_node, keys } = shared;
  const config =
    role === "relayer"
      ? {
          ...shared,
          listen_addr: `127.0.0.1:${listen}`,
          health_check: { enabled: true, addr },
          relay: { ...relay, instance_id: "late", ...settings },
        }
      : { redis, pocket_node, keys, metrics: { enabled: true, addr }, miner: settings };
  const file = `${network.configFile}.${role}`;
  writeFileSync(file, JSON.stringify(config));
  const args = [role === "relayer" ? "relay" : "miner", "start", "--config", file, ...flags];
  const child = spawn(process.execPath, [`${ROOT}/bin/run.js`, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  children.push(child);
  let log = "";
  child.stderr?.on("data", (data) => (log += String(data)));
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once("close", (code, signal) => resolve(code ?? signal)),
  );
  const ask = async (path: string) =>
    fetch(`http://${addr}${path}`).then(
      ({ status }) => status,
      () => 0,
    );
  const ready = (status: number) =>
    until(
      () => ask("/ready"),
      (got) => got === status,
      20_000,
    );
  return { child, ended, ask, ready, log: () => log, url: `http://127.0.0.1:${listen}` };
}

const isOpen = (url: string): Promise<boolean> =>
  new Promise((resolve) => {
    const { port, hostname } = new URL(url);
    const socket = connect(Number(port), hostname, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });

const lines = (log: string, what: RegExp) => log.split("\n").filter((line) => what.test(line));

test.each([[[] as string[]], [["--processes", "2"]]])(
  "a relayer that is started before its Redis is alive and not ready, says why, and serves as soon as Redis is there (%s)",
  async (flags) => {
    await network.redis.crash();
    const since = performance.now();
    const relayer = await start("relayer", {}, flags);
    expect(await relayer.ready(503)).toBe(503);
    expect(
      await until(
        async () => relayer.log(),
        (log) => log.includes("waits for Redis"),
      ),
    ).toMatch(
      /"level":"warn".*"error":"cannot reach Redis at unix:[^"]*(ENOENT|ECONNREFUSED).*"setting":"relay.redis_wait".*waits for Redis/,
    );
    await sleep(1_500);
    expect([
      await relayer.ask("/health"),
      await relayer.ask("/ready"),
      await relayer.ask("/ready/kit-svc"),
    ]).toEqual([200, 503, 503]);
    expect([await relayer.ask("/ready/other"), await isOpen(relayer.url)]).toEqual([
      flags.length === 0 ? 404 : 503,
      false,
    ]);
    await network.redis.restart();
    expect(await relayer.ready(200)).toBe(200);
    const tens = Math.floor((performance.now() - since) / 10_000);
    const before = (await streamEntries(network, 0)).length;
    expect((await post(network, network.sign(header, '{"id":1}'), { url: relayer.url })).status).toBe(200);
    expect(await streamEntries(network, before + 1)).toHaveLength(before + 1);
    expect(await relayer.ask("/ready/kit-svc")).toBe(200);
    // One line at once and one every ten seconds, however often it is tried; of each process that waits.
    const waits = lines(relayer.log(), /waits for Redis/).length;
    expect(waits).toBeGreaterThanOrEqual(1);
    expect(waits).toBeLessThanOrEqual(1 + tens);
    expect(lines(relayer.log(), /Redis is there/)).toHaveLength(1);
    relayer.child.kill("SIGTERM");
    expect(await relayer.ended).toBe(0);
  },
  60_000,
);

test.each<[Role, readonly string[]]>([
  ["relayer", []],
  ["relayer", ["--processes", "2"]],
  ["miner", []],
])(
  "a %s that is told to take its configuration anew while it waits does so when it works (%s)",
  async (role, flags) => {
    await network.redis.crash();
    const started = await start(role, {}, flags);
    expect(await started.ready(503)).toBe(503);
    // The process that waits has read its configuration, which the first of several listens without.
    await until(
      async () => started.log(),
      (log) => log.includes("waits for Redis"),
    );
    const file = `${network.configFile}.${role}`;
    writeFileSync(
      file,
      JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), logging: { level: "debug" } }),
    );
    started.child.kill("SIGHUP");
    await sleep(500);
    expect(await started.ask("/health")).toBe(200);
    await network.redis.restart();
    expect(await started.ready(200)).toBe(200);
    const reloaded = await until(
      async () => lines(started.log(), /"msg":"reloaded"/),
      ({ length }) => length > 0,
    );
    const changes = reloaded.flatMap((line) => JSON.parse(line).changes);
    expect(changes).toEqual(["logging.level: info → debug"]);
  },
  60_000,
);

test("a miner that is started before its Redis waits as well", async () => {
  await network.redis.crash();
  const miner = await start("miner");
  expect(await miner.ready(503)).toBe(503);
  await sleep(1_000);
  expect([await miner.ask("/health"), await miner.ask("/ready")]).toEqual([200, 503]);
  expect(lines(miner.log(), /"setting":"miner.redis_wait".*waits for Redis/)).toHaveLength(1);
  await network.redis.restart();
  expect(await miner.ready(200)).toBe(200);
  expect(
    await until(
      async () => miner.log(),
      (log) => log.includes("miner is working"),
    ),
  ).toContain("miner is working");
  miner.child.kill("SIGTERM");
  expect(await miner.ended).toBe(0);
}, 60_000);

test.each(["relayer", "miner"] as const)(
  "a wait that was in vain ends with exit code 69 and what to do (%s)",
  async (role) => {
    await network.redis.crash();
    const { ended, log } = await start(role, { redis_wait: "1s" });
    expect(await ended).toBe(69);
    const told = log().trimEnd().split("\n").slice(-4);
    expect(told[0]).toMatch(
      /^✖ cannot reach Redis at unix:.*, after 1 s of waiting \(\w+\.redis_wait\) \(REDIS_UNREACHABLE\)$/,
    );
    expect(told[2]).toContain("Start Redis");
  },
  30_000,
);

test.each<[Role, readonly string[]]>([
  ["relayer", []],
  ["relayer", ["--processes", "2"]],
  ["miner", []],
])(
  "SIGTERM ends the wait at once, with 0 (%s %s)",
  async (role, flags) => {
    await network.redis.crash();
    const { child, ended, log } = await start(role, {}, flags);
    await until(
      async () => log(),
      (text) => text.includes("waits for Redis"),
    );
    const since = performance.now();
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(performance.now() - since).toBeLessThan(10_000);
    expect(log()).toContain('"msg":"stopped"');
  },
  30_000,
);
