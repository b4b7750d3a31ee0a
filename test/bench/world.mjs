/**
 * Everything that a relay passes, as real processes: redis-server, the relayer (one or more), a backend, and the process that loads them;
 * the chain runs here, where nothing else does while a window is measured.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { toHex } from "../../dist/base/bytes.js";
import { systemClock } from "../../dist/base/clock.js";
import { CloseStack } from "../../dist/base/close-stack.js";
import { ownProgram, Processes } from "../../dist/commands/base/localnet/processes.js";
import { startRedisServer } from "../../dist/commands/base/localnet/redis-server.js";
import { CHAIN_ID, openChain, serviceOf } from "./chain.mjs";
import { startChild } from "./child.mjs";
import { cpuOf, residentBytes } from "./proc.mjs";

const START_MS = 30_000;
const STREAMS = "ha:relays:";
const SEMI_SPACE = /^(--max-semi-space-size=)\d+$/;

/**
 * `settings`: modes, applications, strangers, ring, suppliers, processes, config (dotted key → value, over the bench's own relayer YAML), cpuProf
 * (a directory), semiSpace (MiB; the relayer's own without it), answerBytes. `close()` ends every process and removes every file.
 */
export async function openWorld(settings) {
  const owned = new CloseStack();
  try {
    return await open(settings, owned);
  } catch (thrown) {
    await owned.close();
    throw thrown;
  }
}

async function open(settings, owned) {
  const directory = mkdtempSync(join(tmpdir(), "relayminer-bench-"));
  owned.own({ close: () => rmSync(directory, { recursive: true, force: true }) });
  const ended = [];
  const processes = owned.own(
    new Processes({
      logDirectory: directory,
      clock: systemClock,
      onEnd: ({ name, logFile }, how) =>
        ended.push(`${name} ${how}:\n${readFileSync(logFile, "utf8").slice(-2_000)}`),
    }),
  );
  const { signal } = new AbortController();
  const parts = { processes, directory, program: undefined, clock: systemClock, signal, owned };
  const server = await startRedisServer(parts);
  const redis = new Redis(decodeURI(server.url.replace("unix://", "")), { lazyConnect: true });
  await redis.connect();
  owned.own({ close: () => redis.disconnect() });
  const chain = await openChain({ ...settings, owned });
  const backend = owned.own(await startChild("backend.mjs"));
  const port = await backend.call("listen", { answerBytes: settings.answerBytes });
  const place = { directory, redisUrl: server.url, chain, backendUrl: `http://127.0.0.1:${port}` };
  const relayers = [];
  for (let number = 1; number <= settings.processes; number++)
    relayers.push(await startRelayer({ number, settings, place, processes, ended }));
  return {
    chain,
    relayers,
    ...streamsOf(redis, chain.suppliers),
    /** CPU so far, for `cpuBetween`. */
    cpu: () => ({ relayers: relayers.map(({ pid }) => cpuOf(pid)), redis: cpuOf(server.running.pid) }),
    residentBytes: () => relayers.reduce((total, { pid }) => total + residentBytes(pid), 0),
    redisBytes: () => residentBytes(server.running.pid),
    /** Throws when a process has ended that should run. */
    check: () => {
      if (ended.length > 0) throw new Error(ended.join("\n"));
    },
    close: () => owned.close(),
  };
}

/** Relays that are stored, over all suppliers, and a way to throw them away: no miner does here. */
function streamsOf(redis, suppliers) {
  const each = async (make) => {
    const pipeline = redis.pipeline();
    for (const { address } of suppliers) make(pipeline, `${STREAMS}${address}`);
    return (await pipeline.exec()).map(([error, value]) => {
      if (error) throw error;
      return value;
    });
  };
  return {
    stored: async () =>
      (await each((pipeline, key) => pipeline.xlen(key))).reduce((sum, each) => sum + each, 0),
    trim: async (keep = 0) => void (await each((pipeline, key) => pipeline.xtrim(key, "MAXLEN", keep))),
  };
}

async function startRelayer({ number, settings, place, processes, ended }) {
  const [relayPort, metricsPort] = [await freePort(), await freePort()];
  const file = join(place.directory, `relayer-${number}.yaml`);
  writeFileSync(file, JSON.stringify(relayerYaml({ number, settings, place, relayPort, metricsPort })));
  const { command, args, name } = ownProgram(`relayer-${number}`, ["relay", "start", "--config", file]);
  const options = args.map((arg) =>
    settings.semiSpace ? arg.replace(SEMI_SPACE, `$1${settings.semiSpace}`) : arg,
  );
  const profiling = settings.cpuProf === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", settings.cpuProf];
  const { pid } = await processes.start({ name, command, args: [...profiling, ...options] });
  const url = `http://127.0.0.1:${relayPort}`;
  const deadline = performance.now() + START_MS;
  while (!(await isReady(url))) {
    if (ended.length > 0) throw new Error(ended.join("\n"));
    if (performance.now() > deadline) throw new Error("the relayer does not get ready");
    await sleep(50);
  }
  return { pid, url, metrics: () => metricsAt(`http://127.0.0.1:${metricsPort}/metrics`) };
}

function relayerYaml({ number, settings, place, relayPort, metricsPort }) {
  const { directory, redisUrl, chain, backendUrl } = place;
  const keysFile = join(directory, "keys.yaml");
  const keys = chain.suppliers.map(({ privateKey }) => toHex(privateKey));
  writeFileSync(keysFile, JSON.stringify({ keys }), { mode: 0o600 });
  const service = (mode) => ({ validation_mode: mode, backends: { jsonrpc: { url: backendUrl } } });
  const yaml = {
    listen_addr: `127.0.0.1:${relayPort}`,
    redis: { url: redisUrl },
    pocket_node: { query_node_rpc_url: chain.rpcUrl, chain_id: CHAIN_ID },
    keys: { keys_file: keysFile },
    metrics: { addr: `127.0.0.1:${metricsPort}` },
    health_check: { enabled: false },
    services: Object.fromEntries(settings.modes.map((mode) => [serviceOf(mode), service(mode)])),
    relay: { instance_id: `bench-${number}` },
  };
  for (const [path, value] of Object.entries(settings.config)) put(yaml, path.split("."), value);
  return yaml;
}

function put(target, [key, ...rest], value) {
  if (rest.length === 0) {
    target[key] = value;
    return;
  }
  target[key] ??= {};
  put(target[key], rest, value);
}

const isReady = async (url) => {
  try {
    return (await fetch(`${url}/ready`)).ok;
  } catch {
    return false;
  }
};

/** Samples by name and labels as they are written, and for each name the sum over its labels. */
export async function metricsAt(url) {
  const text = await (await fetch(url)).text();
  const samples = new Map();
  for (const [, name, labels = "", value] of text.matchAll(/^([a-z_0-9]+)(\{[^}]*\})? (\S+)$/gm)) {
    samples.set(name, (samples.get(name) ?? 0) + Number(value));
    if (labels !== "") samples.set(`${name}${labels}`, Number(value));
  }
  return samples;
}

/** Taken again by nobody else in the moment until the relayer opens it, as good as certainly. */
export const freePort = () =>
  new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
