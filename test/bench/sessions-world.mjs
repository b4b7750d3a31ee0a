/** The network in which thousands of sessions end at one block: the devnet chain in this process, redis-server and `relayminer miner start` in theirs. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { toHex } from "../../dist/base/bytes.js";
import { systemClock } from "../../dist/base/clock.js";
import { CloseStack } from "../../dist/base/close-stack.js";
import { openChainClient } from "../../dist/chain/node/client.js";
import { session, sharedParams } from "../../dist/chain/node/queries.js";
import { PoktHttpResponse } from "../../dist/chain/proto/http-envelope.js";
import { MinedRelayMessage } from "../../dist/chain/proto/mined-relay.js";
import { signDigest } from "../../dist/chain/protocol/ecdsa.js";
import { answerRelay } from "../../dist/chain/protocol/relay-answer.js";
import { openRequest } from "../../dist/chain/protocol/request-bytes.js";
import { sessionWindows } from "../../dist/chain/protocol/session-grid.js";
import { actors } from "../../dist/commands/base/localnet/actors.js";
import { ownProgram, Processes } from "../../dist/commands/base/localnet/processes.js";
import { startRedisServer } from "../../dist/commands/base/localnet/redis-server.js";
import { startDevnet } from "../../dist/devnet/main.js";
import { loadMinerConfig } from "../../dist/runtime/config/miner.js";
import { openRedis } from "../../dist/runtime/redis/connect.js";
import { redisKeys } from "../../dist/runtime/redis/keys.js";
import { encodeEntry } from "../../dist/runtime/redis/relay-stream.js";
import { openSessions } from "../../dist/runtime/redis/sessions.js";
import { cpuBetween, cpuOf, residentBytes } from "./proc.mjs";
import { requestMaker } from "./requests.mjs";
import { freePort, metricsAt } from "./world.mjs";

const CHAIN_ID = "bench-sessions";
const SERVICE = "bench";
const UNITS = 7;
const SEED = 3;
const SESSION_BLOCKS = 10;
const BODY = 300;
const AT_ONCE = 500;
const START_MS = 60_000;
const RETRY_MS = 2_000;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const named = ({ name, privateKey }) => ({ name, key: `0x${toHex(privateKey)}` });

/** `plan`: suppliers, applications, relays (of each pair), blockMs, proofs (probability). */
export async function openSessionsWorld(plan) {
  const owned = new CloseStack();
  try {
    return await open(plan, owned);
  } catch (thrown) {
    await owned.close();
    throw thrown;
  }
}

async function open(plan, owned) {
  const directory = mkdtempSync(join(tmpdir(), "relayminer-sessions-"));
  owned.own({ close: () => rmSync(directory, { recursive: true, force: true }) });
  const ended = [];
  const onEnd = ({ name, logFile }, how) =>
    ended.push(`${name} ${how}:\n${readFileSync(logFile, "utf8").slice(-2_000)}`);
  const processes = owned.own(new Processes({ logDirectory: directory, clock: systemClock, onEnd }));
  const { signal } = new AbortController();
  const parts = { processes, directory, program: undefined, clock: systemClock, signal, owned };
  const server = await startRedisServer(parts);
  const redis = owned.own(await openRedis({ url: server.url, logger: quiet, role: "bench" }));
  const chain = await openChain(plan, owned);
  const miner = await minerIn({ directory, server, chain });
  const keys = redisKeys(miner.namespace);
  const running = {};
  const sessions = openSessions({
    redis: redis.commands,
    keys,
    clock: systemClock,
    keepTerminalMs: 3_600_000,
  });
  const listAll = async () => {
    const found = [];
    for (const { address } of chain.suppliers) found.push(...(await sessions.list(address)).sessions);
    return found;
  };
  // The chain runs here, too: while it settles thousands of sessions, this process hears of Redis too late.
  const records = () => listAll().catch(() => sleep(RETRY_MS).then(listAll));
  return {
    windows: chain.windows,
    publish: () => publish(plan, chain, redis, keys),
    startMiner: async () => {
      const program = ownProgram("miner", ["miner", "start", "--config", miner.file]);
      const profiling = plan.cpuProf === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", plan.cpuProf];
      running.miner = await processes.start({ ...program, args: [...profiling, ...program.args] });
      const deadline = performance.now() + START_MS;
      while (!(await answers(miner.url)) && ended.length === 0 && performance.now() < deadline)
        await sleep(50);
    },
    /** Relays that are not applied yet. */
    waiting: async () => {
      if (ended.length > 0) throw new Error(ended.join("\n"));
      const lengths = await Promise.all(
        chain.suppliers.map(({ address }) => redis.commands.send("XLEN", keys.stream(address))),
      );
      return lengths.reduce((sum, length) => sum + length, 0);
    },
    letEnd: () => chain.letEnd(),
    height: () => chain.height(),
    included: () => included(chain),
    minerFigures: async () => figuresOf(await metricsAt(miner.url)),
    minerBytes: () => residentBytes(running.miner.pid),
    redisBytes: () => residentBytes(server.running.pid),
    cpu: () => ({ miner: cpuOf(running.miner.pid), redis: cpuOf(server.running.pid) }),
    cpuSince: (before) => ({
      miner: seconds(cpuBetween(before.miner, cpuOf(running.miner.pid))),
      redis: seconds(cpuBetween(before.redis, cpuOf(server.running.pid))),
    }),
    unsettled: async () =>
      (await records()).filter(({ settlementOutcome }) => settlementOutcome === undefined).length,
    outcomes: async () => outcomesOf(await records(), plan),
    complaints: () => complaintsOf(readFileSync(running.miner.logFile, "utf8")),
    /** Throws when a process has ended that should run. */
    check: () => {
      if (ended.length > 0) throw new Error(ended.join("\n"));
    },
    pause: (ms) => sleep(ms),
    close: () => owned.close(),
  };
}

const seconds = ({ all }) => Number((all / 1e6).toFixed(1));

/** Stands still within the sessions' first blocks until they may end. */
async function openChain({ suppliers: count, applications, blockMs, proofs }, owned) {
  const [gateway] = actors(SEED, "gateway", 1);
  const suppliers = actors(SEED, "supplier", count);
  const apps = actors(SEED, "application", applications);
  const genesis = JSON.stringify(genesisOf({ gateway, suppliers, apps, blockMs, proofs }));
  const devnet = owned.own(await startDevnet({ genesis, log: quiet }));
  await devnet.control("halt", {});
  await devnet.control("jump", { blocks: 3 });
  const client = openChainClient({
    urls: [devnet.rpcUrl],
    timeoutMs: 60_000,
    logger: quiet,
    clock: systemClock,
  });
  owned.own({ close: () => client.close() });
  const { latestHeight } = await client.status();
  const sessions = [];
  for (const { address, privateKey } of apps) {
    const of = { applicationAddress: address, serviceId: SERVICE, blockHeight: latestHeight };
    sessions.push({ header: (await session(client, of)).header, secret: privateKey, suppliers });
  }
  const end = sessions[0].header.sessionEndBlockHeight;
  const height = async () => (await client.status()).latestHeight;
  return {
    rpcUrl: devnet.rpcUrl,
    client,
    suppliers,
    sessions,
    gateway,
    height,
    windows: sessionWindows(await sharedParams(client), end),
    letEnd: async () => {
      await devnet.control("jump", { blocks: Number(end - (await height())) });
      await devnet.control("resume", {});
    },
  };
}

function genesisOf({ gateway, suppliers, apps, blockMs, proofs }) {
  const endpoints = [{ url: "http://127.0.0.1:1", rpc_type: "JSON_RPC" }];
  return {
    chain_id: CHAIN_ID,
    block_time_ms: blockMs,
    params: {
      shared: { num_blocks_per_session: SESSION_BLOCKS },
      session: { num_suppliers_per_session: suppliers.length },
      application: { min_stake: 1 },
      proof: { proof_request_probability: proofs },
      service: { target_num_relays: 1_000_000_000 },
    },
    services: [{ id: SERVICE, compute_units_per_relay: UNITS }],
    gateways: [named(gateway)],
    applications: apps.map((application) => ({
      ...named(application),
      stake: 1_000_000_000_000,
      services: [SERVICE],
      gateways: [gateway.name],
    })),
    suppliers: suppliers.map((supplier) => ({ ...named(supplier), services: [{ id: SERVICE, endpoints }] })),
  };
}

async function minerIn({ directory, server, chain }) {
  const keysFile = join(directory, "keys.yaml");
  const keys = chain.suppliers.map(({ privateKey }) => toHex(privateKey));
  writeFileSync(keysFile, JSON.stringify({ keys }), { mode: 0o600 });
  const file = join(directory, "miner.yaml");
  const port = await freePort();
  const yaml = {
    redis: { url: server.url },
    pocket_node: { query_node_rpc_url: chain.rpcUrl, chain_id: CHAIN_ID },
    keys: { keys_file: keysFile },
    metrics: { addr: `127.0.0.1:${port}` },
  };
  writeFileSync(file, JSON.stringify(yaml));
  const { namespace } = loadMinerConfig(file).config.redis;
  return { file, namespace, url: `http://127.0.0.1:${port}/metrics` };
}

const answers = async (url) => {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
};

const figuresOf = (metrics) => ({
  claims: metrics.get("ha_miner_claims_submitted_total") ?? 0,
  proofs: metrics.get("ha_miner_proofs_submitted_total") ?? 0,
  loopDelay: metrics.get("nodejs_eventloop_lag_max_seconds") ?? 0,
});

/** Relays as a relayer stores them, really signed by gateway and supplier. Answers how many. */
async function publish({ relays, suppliers: count, applications }, chain, redis, keys) {
  const make = requestMaker({
    sessions: chain.sessions,
    gatewaySecrets: [chain.gateway.privateKey],
    body: BODY,
  });
  const payload = PoktHttpResponse.encode({
    statusCode: 200,
    header: new Map(),
    bodyBz: Buffer.from('{"result":"0x1"}'),
  });
  const total = relays * count * applications;
  for (let from = 0; from < total; from += AT_ONCE) {
    const numbers = Array.from({ length: Math.min(AT_ONCE, total - from) }, (_, index) => from + index);
    await Promise.all(
      numbers.map((number) => {
        const { header } = chain.sessions[number % applications];
        const supplier = chain.suppliers[Math.floor(number / applications) % count];
        const answered = answerRelay(openRequest(make(number)), payload, (digest) =>
          signDigest(supplier.privateKey, digest),
        );
        return redis.commands.send(
          "XADD",
          keys.stream(supplier.address),
          "*",
          "data",
          entryOf(answered, header, supplier),
        );
      }),
    );
  }
  return total;
}

function entryOf({ relayHash, relayBytes }, header, { address }) {
  const message = MinedRelayMessage.create({
    relayHash,
    relayBytes,
    computeUnitsPerRelay: BigInt(UNITS),
    sessionId: header.sessionId,
    sessionStartHeight: header.sessionStartBlockHeight,
    sessionEndHeight: header.sessionEndBlockHeight,
    supplierOperatorAddress: address,
    serviceId: header.serviceId,
    applicationAddress: header.applicationAddress,
    arrivalBlockHeight: header.sessionStartBlockHeight,
  });
  return encodeEntry(message, systemClock).data;
}

/** Claims and proofs that the chain took, by height. */
async function included({ client, windows, height }) {
  const [claims, proofs] = [new Map(), new Map()];
  const last = await height();
  for (let at = windows.claimOpen; at <= windows.proofClose + 1n && at <= last; at++) {
    const { txs } = await client.blockResults(at);
    const types = txs.flatMap(({ events }) => events.map(({ type }) => type));
    const count = (kind) => types.filter((type) => type.startsWith(`pocket.proof.Event${kind}`)).length;
    if (count("ClaimCreated") > 0) claims.set(at, count("ClaimCreated"));
    if (count("ProofSubmitted") > 0) proofs.set(at, count("ProofSubmitted"));
  }
  return [claims, proofs];
}

/** Warnings and errors of the miner, by message, with one of their reasons. */
function complaintsOf(log) {
  const counts = {};
  for (const line of log.split("\n")) {
    if (!/"level":(40|50|60|"warn"|"error")/.test(line)) continue;
    const { msg, error, reason } = JSON.parse(line);
    const name = [msg, error ?? reason].filter(Boolean).join(": ");
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Sessions by what became of them; and of those that were not paid, why, as the miner has it on record. */
function outcomesOf(records, { suppliers, applications }) {
  const [outcomes, reasons] = [{}, {}];
  const add = (counts, name, count = 1) => {
    counts[name] = (counts[name] ?? 0) + count;
  };
  for (const { settlementOutcome = "open", state } of records) {
    add(outcomes, settlementOutcome);
    if (!/^settled_/.test(settlementOutcome)) add(reasons, state);
  }
  const unseen = suppliers * applications - records.length;
  if (unseen > 0) add(reasons, "no record", unseen);
  return { outcomes, reasons };
}
