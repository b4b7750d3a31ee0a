import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { identityOf } from "../../src/devnet/genesis/identities.ts";
import { type Devnet, startDevnet } from "../../src/devnet/main.ts";
import { loadMinerConfig } from "../../src/runtime/config/miner.ts";
import { type Miner, startMiner } from "../../src/runtime/miner/main.ts";
import { textOf } from "../../src/runtime/redis/reply.ts";
import { encodeSession, type SessionRecord } from "../../src/runtime/redis/session-record.ts";
import { recorder, type TestRedis, testRedis } from "../kit/redis-fleet.ts";
import { runningTime } from "../kit/running-time.ts";

const SEED = "miner-main";
const NAMES = ["s1", "s2", "s3", "s4"];
const directory = mkdtempSync(join(tmpdir(), "relayminer-miner-"));
const identities = NAMES.map((name) => identityOf({ name }, SEED));

/** It ends long after the test. */
const OPEN_SESSION: Omit<SessionRecord, "supplier" | "sessionId"> = {
  serviceId: "svc",
  application: identities[3]?.address ?? "",
  startHeight: 1_000_001n,
  endHeight: 1_000_010n,
  state: "active",
  relayCount: 1n,
  computeUnits: 7n,
  createdAt: 0n,
  updatedAt: 0n,
};

let own: TestRedis;
let devnet: Devnet;
const miners: Miner[] = [];

beforeAll(async () => {
  own = await testRedis();
  const suppliers = NAMES.map(
    (name) =>
      `  - { name: ${name}, stake: 2000000000, services: [{ id: svc, endpoints: [{ url: "http://127.0.0.1:1", rpc_type: JSON_RPC }] }] }`,
  );
  devnet = await startDevnet({
    genesis: `
chain_id: kit
seed: ${SEED}
block_time_ms: 200
services: [{ id: svc, compute_units_per_relay: 7 }]
suppliers:
${suppliers.join("\n")}
`,
    log: own.logger,
  });
  const keys = identities.map(({ privateKey }) => `"${toHex(privateKey ?? new Uint8Array())}"`);
  writeFileSync(join(directory, "keys.yaml"), `keys: [${keys.join(", ")}]\n`, { mode: 0o600 });
});
afterAll(async () => {
  await devnet.close();
  await own.close();
  rmSync(directory, { recursive: true, force: true });
});
beforeEach(async () => {
  await own.redis.commands.send("FLUSHALL");
});
afterEach(async () => {
  for (const miner of miners.splice(0)) await miner.close();
});

type StartParts = { readonly chainId?: string; readonly keys?: string; readonly clock?: Clock };

async function start(name: string, parts: StartParts = {}) {
  const { chainId = "kit", keys = join(directory, "keys.yaml"), clock = systemClock } = parts;
  const file = join(directory, `${name}.yaml`);
  writeFileSync(
    file,
    `
redis: { url: "${own.server.url}", consumer_name: ${name} }
pocket_node: { query_node_rpc_url: "${devnet.rpcUrl}", chain_id: ${chainId} }
keys: { keys_file: "${keys}" }
metrics: { enabled: false }
supplier_claiming: { claim_ttl_seconds: 4, renew_rate_seconds: 1 }
leader_election: { leader_ttl_seconds: 4, heartbeat_rate_seconds: 1 }
`,
  );
  const { config } = loadMinerConfig(file);
  const reread = () => loadMinerConfig(file).config;
  const miner = await startMiner({ config, version: "test", logger: recorder(), clock, reread });
  miners.push(miner);
  return miner;
}

async function owners(): Promise<(string | undefined)[]> {
  const values = await Promise.all(
    identities.map(({ address }) => own.redis.commands.send("GET", own.keys.supplierLease(address))),
  );
  return values.map((value) => (value === null ? undefined : textOf(value)));
}

const countOf = async (id: string) => (await owners()).filter((owner) => owner === id).length;
/** Connections of miners to Redis. */
const connections = async () =>
  textOf(await own.redis.commands.send("CLIENT", "LIST")).split("relayminer:miner:").length - 1;
const soon = { timeout: 15_000, interval: 20 };

test("two miners share the suppliers; one that closes hands over at once and leaves nothing open", async () => {
  const first = await start("m1");
  expect(await countOf("m1")).toBe(4);
  await start("m2");
  await expect.poll(() => countOf("m2"), soon).toBe(2);
  expect(await countOf("m1")).toBe(2);
  const before = await connections();
  const begin = runningTime();
  miners.shift();
  await first.close();
  expect(runningTime() - begin).toBeLessThan(1_500);
  expect(await countOf("m1")).toBe(0);
  await expect.poll(() => countOf("m2"), soon).toBe(4);
  await expect.poll(connections, soon).toBe(before / 2);
});

test("what a start has opened is closed when it fails", async () => {
  await expect(start("m1", { chainId: "another" })).rejects.toMatchObject({ code: "CHAIN_ID_MISMATCH" });
  await expect(start("m1", { keys: join(directory, "none.yaml") })).rejects.toThrow();
  await expect.poll(connections, soon).toBe(0);
  expect(await owners()).toEqual([undefined, undefined, undefined, undefined]);
});

test("suppliers are on record for the relayers when the start is done", async () => {
  await start("m1");
  for (const { address } of identities) {
    const record = textOf(await own.redis.commands.send("GET", own.keys.supplier(address)));
    expect(JSON.parse(record)).toMatchObject({ status: "active", staked: true, services: ["svc"] });
  }
});

test("keys are reloaded: a new supplier is taken, a removed one is kept until its sessions are over", async () => {
  const file = join(directory, "changing.yaml");
  const write = (...of: readonly number[]) => {
    const keys = of.map((index) => `"${toHex(identities[index]?.privateKey ?? new Uint8Array())}"`);
    writeFileSync(file, `keys: [${keys.join(", ")}]\n`, { mode: 0o600 });
  };
  write(0, 1);
  const time = { ahead: 0 };
  const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + time.ahead };
  const miner = await start("m1", { keys: file, clock });
  expect(await owners()).toEqual(["m1", "m1", undefined, undefined]);

  // A session of the first supplier that has not ended yet.
  const supplier = identities[0]?.address ?? "";
  const sessionId = "ab".repeat(32);
  const { commands } = own.redis;
  const record = { ...OPEN_SESSION, sessionId, supplier };
  await commands.send("HSET", own.keys.session(supplier, sessionId), ...[...encodeSession(record)].flat());
  await commands.send("SADD", own.keys.sessionState(supplier, "active"), sessionId);

  write(1, 2);
  expect(await miner.reload("test")).toMatchObject({ result: "applied", removed: [supplier] });
  await expect.poll(owners, soon).toEqual(["m1", "m1", "m1", undefined]);
  time.ahead += 60_000;
  await systemClock.sleep(6_000);
  expect(await owners()).toEqual(["m1", "m1", "m1", undefined]);

  await commands.send("SREM", own.keys.sessionState(supplier, "active"), sessionId);
  await expect.poll(owners, { timeout: 15_000, interval: 50 }).toEqual([undefined, "m1", "m1", undefined]);

  write(1);
  writeFileSync(file, "keys: [half");
  await expect(miner.reload("test")).rejects.toMatchObject({ code: "KEYS_INVALID" });
  expect(await owners()).toEqual([undefined, "m1", "m1", undefined]);
}, 60_000);
