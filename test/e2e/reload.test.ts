import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { systemClock } from "../../src/base/clock.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { openRedis, type RedisConnections } from "../../src/runtime/redis/connect.ts";
import { type Keys, redisKeys } from "../../src/runtime/redis/keys.ts";
import { askToReload } from "../../src/runtime/reload/ask.ts";
import { errorLines, relayminer } from "../kit/cli.ts";
import { freePort } from "../kit/free-port.ts";
import { type Network, quiet, startNetwork } from "../kit/network.ts";
import { post, until } from "../kit/post.ts";
import { type RelayerProcess, startRelayerProcess } from "../kit/relayer-process.ts";
import { streamEntries } from "../kit/stream.ts";

// Runs what `npm run build` made: scripts/test.sh builds first.

/** 1,000 for the real thing; a few for every change. */
const RELOADS = Number(process.env["RELOADS"] ?? 50);
const LOADERS = 6;
const NAME = "reloaded";

let network: Network;
let header: SessionHeader;
let relayer: RelayerProcess;
let redis: RedisConnections;
let good: string;
let keys: Keys;
let metricsUrl: string;

beforeAll(async () => {
  network = await startNetwork("eager");
  await network.devnet.control("halt", {});
  header = await network.header();
  const addr = `127.0.0.1:${await freePort()}`;
  metricsUrl = `http://${addr}/metrics`;
  relayer = await startRelayerProcess(network, NAME, { metrics: { enabled: true, addr } });
  good = readFileSync(relayer.configFile, "utf8");
  redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
  keys = redisKeys(network.namespace);
}, 60_000);
afterAll(async () => {
  relayer.child.kill("SIGKILL");
  await redis.close();
  await network.close();
});
afterEach(async () => {
  // Each test begins with what the one before began with.
  write(relayer.configFile, good);
  writeKeys(ours());
  await command();
});

const keyOf = (digit: number) => toHex(new Uint8Array(32).fill(digit));
const write = (path: string, text: string) => {
  // As an operator's tools do it: never half a file.
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
};
const writeKeys = (...all: readonly string[]) =>
  write(network.keysFile, `keys: [${all.map((key) => `"${key}"`).join(", ")}]\n`);
const ours = () => toHex(network.supplier.privateKey);

type Yaml = Record<string, unknown> & { services: Record<string, Record<string, unknown>> };
const yaml = (): Yaml => JSON.parse(readFileSync(relayer.configFile, "utf8"));
const writeYaml = (change: (config: Yaml) => void) => {
  const config = yaml();
  change(config);
  write(relayer.configFile, JSON.stringify(config));
};

const command = (dryRun = false) =>
  askToReload({
    redis,
    keys,
    clock: systemClock,
    live: [{ id: NAME, role: "relayer" }],
    only: [],
    dryRun,
    timeoutMs: 20_000,
    by: "test",
  });

async function metric(name: string): Promise<number> {
  const text = await (await fetch(metricsUrl)).text();
  const [, value] = new RegExp(`^${name.replaceAll(/[{}"]/g, "\\$&")} (\\S+)$`, "m").exec(text) ?? [];
  return Number(value ?? 0);
}
const applied = () => metric('ha_relayer_config_reloads_total{result="applied"}');

/** Relays one after the other until told to stop; every answer is verified, and what is no answer is kept. */
function load(from: number) {
  const state = { served: 0, wrong: [] as string[], stop: new AbortController() };
  const running = (async () => {
    for (let id = from; !state.stop.signal.aborted; id += LOADERS) {
      const request = network.sign(header, `{"id":${id}}`);
      const answer = await post(network, request, { url: relayer.url }).catch((thrown: unknown) =>
        String(thrown),
      );
      if (typeof answer === "string") state.wrong.push(answer);
      else if (answer.status !== 200) state.wrong.push(`${answer.status} ${answer.error}`);
      else state.served += 1;
    }
  })();
  return { state, running };
}

let changes = 0;
/** Keys, order of keys, timeouts (so backends are opened anew), headers, mode: something differs each time. */
function change(): void {
  changes += 1;
  const extra = keyOf(1 + (changes % 9));
  if (changes % 2 === 0) writeKeys(extra, ours());
  else writeKeys(ours(), extra);
  writeYaml((config) => {
    config["timeout_profiles"] = { fast: { request_seconds: 20 + (changes % 7) } };
    for (const service of Object.values(config.services)) {
      service["validation_mode"] = changes % 5 === 0 ? "optimistic" : "eager";
      const { jsonrpc } = service["backends"] as { jsonrpc: Record<string, unknown> };
      jsonrpc["headers"] = { "X-Generation": String(changes) };
    }
  });
}

test(
  "reloads of keys and configuration under load: no error, every answer signed by its supplier",
  async () => {
    const loaders = Array.from({ length: LOADERS }, (_, index) => load(1_000_000 + index));
    const start = await applied();
    for (let reload = 1; reload <= RELOADS; reload++) {
      change();
      if (reload % 2 === 0) {
        const [replica] = await command();
        expect(replica?.refused).toBeUndefined();
        expect(replica?.done).toBeDefined();
      } else {
        const told = await applied();
        relayer.child.kill("SIGHUP");
        expect(await until(applied, (count) => count > told, 20_000)).toBeGreaterThan(told);
      }
      if (reload % 10 === 0) await sleep(50);
    }
    for (const { state } of loaders) state.stop.abort();
    await Promise.all(loaders.map(({ running }) => running));
    const served = loaders.reduce((sum, { state }) => sum + state.served, 0);
    expect(loaders.flatMap(({ state }) => state.wrong)).toEqual([]);
    expect(served).toBeGreaterThan(RELOADS);
    expect((await applied()) - start).toBeGreaterThanOrEqual(RELOADS);
    // In optimistic mode the last ones are stored after their answer.
    const stored = await until(
      async () => (await streamEntries(network, 0)).length,
      (count) => count === served,
    );
    expect(stored).toBe(served);
    expect(await metric("ha_relayer_config_last_reload_success")).toBe(1);
  },
  Math.max(120_000, RELOADS * 1_500),
);

test("a configuration that is not valid, or needs a restart, changes nothing, and says so with every reason", async () => {
  writeYaml((config) => {
    config["listen_addr"] = "127.0.0.1:1";
    config["redis"] = { url: "redis://user:hunter2@127.0.0.1:1" };
    config["logging"] = { level: "debug" };
  });
  const [refused] = await command();
  expect(refused?.refused?.code).toBe("RELOAD_NEEDS_RESTART");
  expect(refused?.refused?.why?.split("\n")).toEqual([
    expect.stringContaining("listen_addr: "),
    expect.stringMatching(/^redis\.url: \S+ → redis:\/\/127\.0\.0\.1:1\/\*\*\*$/),
  ]);
  expect(relayer.log()).not.toContain("hunter2");
  expect(await metric("ha_relayer_config_last_reload_success")).toBe(0);

  write(relayer.configFile, good.replace('"listen_addr"', '"lisen_addr"'));
  const run = await relayminer(["config", "reload", "--redis", network.redis.url, "--replica", NAME]);
  expect(run.code).toBe(4);
  expect(errorLines(run).join("\n")).toMatch(/lisen_addr.*did you mean "listen_addr"/);
  expect((await post(network, network.sign(header, '{"id":1}'), { url: relayer.url })).status).toBe(200);

  write(relayer.configFile, good);
  expect((await command())[0]?.done?.result).toBe("unchanged");
  expect(await metric("ha_relayer_config_last_reload_success")).toBe(1);
});

test("--dry-run tells what would be taken, masked, and takes nothing", async () => {
  writeYaml((config) => {
    config["default_validation_mode"] = "optimistic";
  });
  const before = await applied();
  const run = await relayminer([
    "config",
    "reload",
    "--redis",
    network.redis.url,
    "--dry-run",
    "--replica",
    NAME,
  ]);
  expect(run.code).toBe(0);
  expect(run.stdout).toContain("default_validation_mode: eager → optimistic");
  expect(await applied()).toBe(before);
  const unknown = await relayminer(["config", "reload", "--redis", network.redis.url, "--replica", "nobody"]);
  expect(unknown.code).toBe(64);
  expect(unknown.stderr).toContain(NAME);
});

test("keys that change on disk are taken by themselves; a half-written file is not, and the old keys serve on", async () => {
  const whole = readFileSync(network.keysFile, "utf8");
  const refused = () => metric('ha_relayer_config_reloads_total{result="refused"}');
  const [before, serving] = [await refused(), await applied()];
  writeFileSync(network.keysFile, whole.slice(0, 40));
  expect(await until(refused, (count) => count > before, 15_000)).toBe(before + 1);
  expect((await post(network, network.sign(header, '{"id":2}'), { url: relayer.url })).status).toBe(200);
  expect(await metric("ha_relayer_config_last_reload_success")).toBe(0);
  writeKeys(ours(), keyOf(77));
  expect(await until(applied, (count) => count > serving, 15_000)).toBe(serving + 1);
  expect(await metric("ha_relayer_config_last_reload_success")).toBe(1);
  expect(relayer.log()).not.toContain(ours().slice(4, 24));
});

test("a supplier whose key is removed is refused from the next relay on, and served again when it is back", async () => {
  writeKeys(keyOf(78));
  expect((await command())[0]?.done?.removed).toContain(network.supplier.address);
  const refused = await post(network, network.sign(header, '{"id":3}'), { url: relayer.url });
  expect(refused.status).not.toBe(200);
  writeKeys(ours());
  expect((await command())[0]?.done?.added).toContain(network.supplier.address);
  expect((await post(network, network.sign(header, '{"id":4}'), { url: relayer.url })).status).toBe(200);
});
