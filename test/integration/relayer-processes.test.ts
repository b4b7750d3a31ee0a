import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { openRedis } from "../../src/runtime/redis/connect.ts";
import { heartbeats } from "../../src/runtime/redis/heartbeat.ts";
import { redisKeys } from "../../src/runtime/redis/keys.ts";
import { relayminer } from "../kit/cli.ts";
import { freePort } from "../kit/free-port.ts";
import { type Network, quiet, startNetwork } from "../kit/network.ts";
import { post, until } from "../kit/post.ts";
import { type RelayerProcess, startRelayerProcess } from "../kit/relayer-process.ts";
import { streamEntries } from "../kit/stream.ts";

// Runs what `npm run build` made: scripts/test.sh builds first.

vi.setConfig({ testTimeout: 240_000 });

let network: Network;
let header: SessionHeader;
const started: RelayerProcess[] = [];
beforeAll(async () => {
  network = await startNetwork("eager");
  await network.devnet.control("halt", {});
  header = await network.header();
});
afterAll(async () => {
  for (const { child } of started) child.kill("SIGKILL");
  await network.close();
});

let ids = 0;
const relay = (url: string) =>
  post(network, network.sign(header, JSON.stringify({ id: ++ids })), {
    url,
    headers: { connection: "close" },
  });

type Processes = RelayerProcess & { readonly health: string; readonly metrics: string };

async function startProcesses(name: string, flags = ["--processes", "2"]): Promise<Processes> {
  const [health, metrics] = [await freePort(), await freePort()];
  const settings = {
    health_check: { enabled: true, addr: `127.0.0.1:${health}` },
    metrics: { enabled: true, addr: `127.0.0.1:${metrics}` },
  };
  const relayer = await startRelayerProcess(network, name, settings, flags);
  started.push(relayer);
  return {
    ...relayer,
    health: `http://127.0.0.1:${health}/ready`,
    metrics: `http://127.0.0.1:${metrics}/metrics`,
  };
}

/** The relayers that beat under a name, with their process ids. */
async function fleet(name: string) {
  const redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
  const all = await heartbeats(redis.commands, redisKeys(network.namespace)).live();
  await redis.close();
  return all.filter(({ id }) => id.startsWith(`${name}-`)).map(({ id, pid }) => ({ id, pid }));
}

const both = (name: string) =>
  until(
    () => fleet(name),
    ({ length }) => length === 2,
    60_000,
  );

async function metric(url: string, name: string): Promise<{ labels: string; value: number }[]> {
  const text = await (await fetch(url)).text();
  return [...text.matchAll(new RegExp(`^${name}(\\{.*\\})? ([0-9.e+]+)$`, "gm"))].map(
    ([, labels, value]) => ({
      labels: labels ?? "",
      value: Number(value),
    }),
  );
}

/** Over all its labels, once it is so much: what is counted may follow the answer. */
const sumOf = (url: string, name: string, wanted: number): Promise<number> =>
  until(
    async () => (await metric(url, name)).reduce((sum, { value }) => sum + value, 0),
    (sum) => sum >= wanted,
  );

test("two processes share a port, each with an id and a spool of its own; health and metrics are those of both", async () => {
  const relayer = await startProcesses("shared");
  expect((await both("shared")).map(({ id }) => id)).toEqual(["shared-1", "shared-2"]);
  for (let index = 0; index < 40; index++) expect((await relay(relayer.url)).status).toBe(200);
  expect((await fetch(relayer.health)).status).toBe(200);
  const ofService = await fetch(`${relayer.health}/${header.serviceId}`);
  expect(ofService.status).toBe(200);
  const { processes } = (await ofService.json()) as { processes: Record<string, object> };
  expect(processes).toMatchObject({ 1: { ready: true }, 2: { ready: true } });
  expect((await fetch(`${relayer.health}/nothing`)).status).toBe(404);
  expect(await sumOf(relayer.metrics, "ha_relayer_relays_served_total", 40)).toBe(40);
  const heights = await until(
    () => metric(relayer.metrics, "ha_relayer_current_block_height"),
    ([one, two]) => one?.value === two?.value,
  );
  expect(heights.map(({ labels }) => labels)).toEqual(['{process="1"}', '{process="2"}']);
  expect(heights[0]?.value).toBe(heights[1]?.value);
  // Both had a share of the connections.
  const memory = await metric(relayer.metrics, "ha_relayer_active_connections");
  expect(memory.length).toBe(2);
  expect(await metric(relayer.metrics, "ha_relayer_processes_ready")).toEqual([{ labels: "", value: 2 }]);
  for (const slot of ["1", "2"])
    expect(readFileSync(`${network.configFile}.shared.spool/${slot}/owner`, "utf8")).toContain('"pid"');
  relayer.child.kill("SIGTERM");
  expect(await relayer.ended).toBe(0);
  expect(await fleet("shared")).toEqual([]);
});

test("a copy of a relay is refused whichever process it reaches", async () => {
  const relayer = await startProcesses("copies");
  await both("copies");
  const signed = network.sign(header, JSON.stringify({ id: ++ids }));
  const send = () => post(network, signed, { url: relayer.url, headers: { connection: "close" } });
  expect((await send()).status).toBe(200);
  const copies = await Promise.all(Array.from({ length: 24 }, send));
  expect(copies.map(({ status }) => status)).toEqual(copies.map(() => 409));
  expect(await sumOf(relayer.metrics, "ha_relayer_relays_rejected_total", 24)).toBe(24);
  relayer.child.kill("SIGTERM");
  expect(await relayer.ended).toBe(0);
});

test("the password of a keyring is read once, and every process has the keys", async () => {
  const dir = mkdtempSync(join(tmpdir(), "relayminer-keyring-"));
  cpSync(
    fileURLToPath(new URL("../vectors/keyring/keyring-file", import.meta.url)),
    join(dir, "keyring-file"),
    {
      recursive: true,
    },
  );
  for (const path of ["", "keyring-file"]) chmodSync(join(dir, path), 0o700);
  for (const name of readdirSync(join(dir, "keyring-file")))
    chmodSync(join(dir, "keyring-file", name), 0o600);
  const keys = { keyring: { backend: "file", dir, key_names: ["supplier-1"] } };
  const relayer = await startRelayerProcess(
    network,
    "keyring",
    { keys },
    ["--processes", "2"],
    "correct horse\n",
  );
  started.push(relayer);
  const serving = await until(
    async () => relayer.log().match(/"suppliers":\["pokt1\w+"\],"msg":"relayer is serving"/g) ?? [],
    ({ length }) => length === 2,
    60_000,
  );
  expect(new Set(serving).size).toBe(1);
  expect((await both("keyring")).map(({ id }) => id)).toEqual(["keyring-1", "keyring-2"]);
  relayer.child.kill("SIGTERM");
  expect(await relayer.ended).toBe(0);
  rmSync(dir, { recursive: true });
});

test("one process is killed under load: no relay but those it had in work fails, nothing answered is lost, and it is started again", async () => {
  const relayer = await startProcesses("killed");
  const before = (await streamEntries(network, 0)).length;
  const [, victim] = await both("killed");
  const tally = { answered: 0, failed: 0 };
  const stop = new AbortController();
  const client = async () => {
    while (!stop.signal.aborted) {
      const status = await relay(relayer.url).then(
        (answer) => answer.status,
        () => 0,
      );
      if (status === 200) tally.answered += 1;
      else tally.failed += 1;
    }
  };
  const clients = Array.from({ length: 6 }, client);
  await until(
    async () => tally.answered,
    (count) => count > 100,
    60_000,
  );
  process.kill(victim?.pid ?? 0, "SIGKILL");
  const at = tally.answered;
  await until(
    async () => tally.answered,
    (count) => count > at + 100,
    60_000,
  );
  const again = await until(
    () => fleet("killed"),
    (live) => live.some(({ id, pid }) => id === victim?.id && pid !== victim.pid),
    60_000,
  );
  expect(again.length).toBe(2);
  stop.abort();
  await Promise.all(clients);
  expect(tally.failed).toBeLessThanOrEqual(clients.length);
  const stored = (await streamEntries(network, before + tally.answered)).length - before;
  expect(stored).toBeGreaterThanOrEqual(tally.answered);
  expect(stored).toBeLessThanOrEqual(tally.answered + clients.length);
  const restarts = await until(
    () => metric(relayer.metrics, "ha_relayer_process_restarts_total"),
    ([found]) => found?.value === 1,
  );
  expect(restarts).toEqual([{ labels: "", value: 1 }]);
  relayer.child.kill("SIGTERM");
  expect(await relayer.ended).toBe(0);
});

test("SIGTERM drains all processes: what is in work is answered; a drain by command ends one for good, and the last one ends all", async () => {
  const relayer = await startProcesses("drained");
  await both("drained");
  network.setBackend(async (_, response) => {
    await sleep(1_000);
    response.end("{}");
  });
  const calls = network.backendCalls();
  const inWork = Array.from({ length: 8 }, () => relay(relayer.url));
  await until(
    async () => network.backendCalls() - calls,
    (count) => count === 8,
  );
  const one = await relayminer([
    ...["relay", "drain", "--replica", "drained-1", "--wait", "--json"],
    ...["--redis", network.redis.url],
  ]);
  expect(JSON.parse(one.stdout)).toMatchObject({ acked: ["drained-1"], ended: ["drained-1"] });
  for (const { status } of await Promise.all(inWork)) expect(status).toBe(200);
  network.setBackend((_, response) => response.end("{}"));
  expect((await relay(relayer.url)).status).toBe(200);
  await sleep(1_000);
  expect((await fleet("drained")).map(({ id }) => id)).toEqual(["drained-2"]);
  expect(relayer.child.exitCode).toBeNull();
  await relayminer(["relay", "drain", "--replica", "drained-2", "--redis", network.redis.url]);
  expect(await relayer.ended).toBe(0);
});

test("SIGHUP reaches every process: each takes its share of the new configuration, and refuses what needs a restart", async () => {
  const relayer = await startProcesses("reloaded");
  await both("reloaded");
  const file = `${network.configFile}.reloaded`;
  const before = JSON.parse(readFileSync(file, "utf8"));
  const hangup = (config: object) => {
    writeFileSync(file, JSON.stringify(config));
    relayer.child.kill("SIGHUP");
  };
  const lines = (message: string) =>
    relayer
      .log()
      .split("\n")
      .filter((line) => line.includes(`"msg":"${message}`));
  const told = (message: string) =>
    until(
      async () => lines(message),
      ({ length }) => length === 2,
      20_000,
    );
  const after = {
    ...before,
    relay: { ...before.relay, max_in_flight: 77 },
    logging: { ...before.logging, level: "debug" },
  };
  hangup(after);
  const reloaded = (await told("reloaded")).map((line) => JSON.parse(line));
  const changes = ["logging.level: info → debug", "relay.max_in_flight: 2048 → 77"];
  expect(reloaded.map((line) => line.changes)).toEqual([changes, changes]);
  expect(new Set(reloaded.map(({ pid }) => pid)).size).toBe(2);
  const reloads = await until(
    () => metric(relayer.metrics, "ha_relayer_config_reloads_total"),
    ([found]) => found?.value === 2,
  );
  expect(reloads).toEqual([{ labels: '{result="applied"}', value: 2 }]);
  // The listener for metrics is the first process's, and what it is given stays.
  hangup({ ...after, metrics: { enabled: false } });
  const refused = (await told("reload refused")).map((line) => JSON.parse(line));
  for (const { why } of refused) expect(why).toContain("metrics.enabled: true → false");
  expect((await relay(relayer.url)).status).toBe(200);
  relayer.child.kill("SIGTERM");
  expect(await relayer.ended).toBe(0);
});

test("what is wrong with the configuration ends all of it, with the exit code of a single process", async () => {
  const config = network.configFile;
  const wrong = await relayminer(["relay", "start", "--config", `${config}.none`, "--processes", "2"]);
  expect(wrong.code).toBe(66);
  const many = await relayminer(["relay", "start", "--config", config, "--processes", "many"]);
  expect(many.code).toBe(64);
  const port = new URL(network.url).port;
  const taken = startRelayerProcess(network, "taken", { listen_addr: `127.0.0.1:${port}` }, [
    "--processes",
    "2",
  ]);
  await expect(taken).rejects.toThrow(/ended with 69.*LISTEN_FAILED/s);
  const away = { redis: { url: "redis://127.0.0.1:1" }, relay: { redis_wait: "0s" } };
  const noRedis = startRelayerProcess(network, "no-redis", away, ["--processes", "2"]);
  await expect(noRedis).rejects.toThrow(/ended with 69.*REDIS_UNREACHABLE/s);
});
