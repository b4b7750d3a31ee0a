import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { RelayRequest } from "../../src/chain/proto/service.ts";
import { loadMinerConfig } from "../../src/runtime/config/miner.ts";
import { type Miner, startMiner } from "../../src/runtime/miner/main.ts";
import { openRedis } from "../../src/runtime/redis/connect.ts";
import { redisKeys } from "../../src/runtime/redis/keys.ts";
import { openSessions } from "../../src/runtime/redis/sessions.ts";
import { grpcClient } from "../kit/grpc-client.ts";
import { framed, openFrames } from "../kit/grpc-frames.ts";
import { h2Request, h2Session } from "../kit/h2-client.ts";
import { type Network, quiet, startNetwork } from "../kit/network.ts";
import { post, until } from "../kit/post.ts";
import { freshHeader } from "../kit/session-steps.ts";

const RELAYS = Number(process.env["GRPC_MONEY_RELAYS"] ?? 10);
const FORGED = Number(process.env["GRPC_MONEY_FORGED"] ?? 20);

let network: Network;
let miner: Miner;

beforeAll(async () => {
  // Room for all relays of the test in one session.
  network = await startNetwork("eager", { proofProbability: 1, blockTimeMs: 400, queryTimeoutSeconds: 10 });
  const file = join(dirname(network.keysFile), "miner.yaml");
  const settings = {
    redis: { url: network.redis.url },
    pocket_node: { query_node_rpc_url: network.devnet.rpcUrl, chain_id: "kit" },
    keys: { keys_file: network.keysFile },
    metrics: { enabled: false },
  };
  writeFileSync(file, JSON.stringify(settings));
  const { config } = loadMinerConfig(file);
  miner = await startMiner({ config, version: "test", logger: quiet, clock: systemClock });
});

afterAll(async () => {
  await miner.close();
  await network.close();
});

/** The relay with one byte of its serialization changed. */
function mutated(relay: RelayRequest, at: number): Uint8Array {
  const bytes = new Uint8Array(RelayRequest.encode(relay));
  const index = (at * 7919) % bytes.length;
  bytes[index] = (bytes[index] ?? 0) ^ (1 << (at % 8));
  return bytes;
}

test("relays of gRPC, gRPC-Web, h2c and HTTP/1.1 over one port are leaves, claimed and paid alike; changed ones reach no backend", async () => {
  const header = await freshHeader(network);
  const grpc = grpcClient(network.url);
  const session = h2Session(network.url);
  let id = 0;
  const relay = () =>
    network.sign(header, JSON.stringify({ jsonrpc: "2.0", id: id++, method: "eth_blockNumber" }));
  const web = async () => {
    const body = Buffer.from(framed(RelayRequest.encode(relay())));
    const headers = { "content-type": "application/grpc-web" };
    const answer = await fetch(`${network.url}/pocket.service.RelayService/SendRelay`, {
      method: "POST",
      headers,
      body,
    });
    return openFrames(new Uint8Array(await answer.arrayBuffer())).trailers.startsWith("grpc-status: 0\r\n");
  };
  const kinds = [
    async () => (await grpc.call(relay())).code === 0,
    web,
    async () => (await h2Request(session, {}, RelayRequest.encode(relay()))).status === 200,
    async () => (await post(network, relay())).status === 200,
  ];
  const served = await Promise.all(kinds.flatMap((send) => Array.from({ length: RELAYS }, send)));
  expect(served.every((one) => one)).toBe(true);

  const before = network.backendCalls();
  const forged = Array.from({ length: FORGED }, (_, at) => mutated(relay(), at));
  const codes = await Promise.all(forged.map(async (bytes) => (await grpc.call(bytes)).code));
  const statuses = await Promise.all(
    forged.map(async (bytes) => (await h2Request(session, {}, bytes)).status),
  );
  expect(codes.every((code) => code !== 0)).toBe(true);
  expect(statuses.every((status) => status !== 200)).toBe(true);
  expect(network.backendCalls()).toBe(before);
  grpc.close();
  session.close();

  const redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
  const keys = redisKeys(network.namespace);
  const sessions = openSessions({ redis: redis.commands, keys, clock: systemClock, keepTerminalMs: 60_000 });
  const record = await until(
    () => sessions.load(network.supplier.address, header.sessionId),
    (found) => found?.settlementOutcome !== undefined,
    40_000,
  );
  await redis.close();
  const count = BigInt(kinds.length * RELAYS);
  expect(record).toMatchObject({
    relayCount: count,
    computeUnits: count * 7n,
    // 7 compute units at 42 upokt each
    settlementPaid: count * 7n * 42n,
    settlementSlashed: 0n,
    settlementOutcome: "settled_proven",
    state: "proved",
  });
}, 90_000);
