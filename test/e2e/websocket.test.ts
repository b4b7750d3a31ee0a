import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { systemClock } from "../../src/base/clock.ts";
import { RelayResponse } from "../../src/chain/proto/service.ts";
import { verifyResponse } from "../../src/chain/protocol/response-signature.ts";
import { openRedis } from "../../src/runtime/redis/connect.ts";
import { redisKeys } from "../../src/runtime/redis/keys.ts";
import { openSessions } from "../../src/runtime/redis/sessions.ts";
import { type Network, quiet, startNetwork } from "../kit/network.ts";
import { type RelayerProcess, startRelayerProcess } from "../kit/relayer-process.ts";
import { goTo, headerAt } from "../kit/session-steps.ts";
import {
  handshakeHeaders,
  type SocketBackend,
  SocketClient,
  signMessage,
  startSocketBackend,
  until,
} from "../kit/websocket.ts";

// Relayer and miner run what `npm run build` made.
const ROOT = process.env["RELAYMINER_ROOT"] ?? fileURLToPath(new URL("../..", import.meta.url));
const WEIGHT = 7n;
/** A relay's pay: 7 compute units at 42 upokt. */
const COST = 294n;

let network: Network;
let backend: SocketBackend;
let relayer: RelayerProcess;
let miner: ChildProcess;

/** Answers, and goes on with a push every 40 ms for as long as the connection is there. */
function subscribe(socket: WebSocket): void {
  let pushes = 0;
  socket.send("subscribed");
  const timer = setInterval(() => socket.send(`event ${++pushes}`), 40);
  socket.on("close", () => clearInterval(timer));
}

beforeAll(async () => {
  backend = await startSocketBackend((socket, { data }) => {
    if (data.toString() === "subscribe") subscribe(socket);
    else socket.send(`re:${data}`);
  });
  network = await startNetwork("eager", {
    // Its windows are four blocks of a second: a miner that stands still for two is not too late.
    blockTimeMs: 1_000,
    service: { backends: { websocket: { url: backend.url } } },
  });
  const file = join(dirname(network.keysFile), "miner.yaml");
  writeFileSync(
    file,
    JSON.stringify({
      redis: { url: network.redis.url },
      pocket_node: { query_node_rpc_url: network.devnet.rpcUrl, chain_id: "kit" },
      keys: { keys_file: network.keysFile },
      metrics: { enabled: false },
    }),
  );
  miner = spawn(process.execPath, [`${ROOT}/bin/run.js`, "miner", "start", "--config", file], {
    stdio: "ignore",
  });
  relayer = await startRelayerProcess(network, "websocket", {
    health_check: { enabled: false },
  });
});

afterAll(async () => {
  miner.kill("SIGTERM");
  relayer.child.kill("SIGTERM");
  await relayer.ended;
  await network.close();
  await backend.close();
});

test("messages and pushes of one connection over a session's end are leaves, claimed and paid: each once, at the service's weight", async () => {
  // Blocks come when they are asked for until the next session has begun: no grace period ends before the client is there.
  await network.devnet.control("halt", {});
  const first = await network.header();
  const client = await SocketClient.open(relayer.url, handshakeHeaders(network, first));
  client.send(signMessage(network, first, "hello"), false);
  client.send(signMessage(network, first, "subscribe"), false);
  await client.response(4);
  await goTo(network, first.sessionEndBlockHeight + 1n);
  const second = await headerAt(network, first.sessionEndBlockHeight + 1n);
  // The same connection goes on in it.
  client.send(signMessage(network, second, "hello again"), false);
  const of = (id: string) =>
    client.got.filter(({ data }) => RelayResponse.decode(data).meta.sessionHeader?.sessionId === id);
  await until(() => of(second.sessionId).length > 20, "pushes of the next session");
  await network.devnet.control("resume", {});
  client.socket.close(1000);
  await client.closing();
  for (const { data } of client.got)
    expect(verifyResponse(RelayResponse.decode(data), network.supplier.publicKey)).toBe(true);
  const redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
  const sessions = openSessions({
    redis: redis.commands,
    keys: redisKeys(network.namespace),
    clock: systemClock,
    keepTerminalMs: 60_000,
  });
  for (const { sessionId } of [first, second]) {
    let record = await sessions.load(network.supplier.address, sessionId);
    for (let attempt = 0; attempt < 600 && record?.settlementOutcome === undefined; attempt++) {
      await sleep(100);
      record = await sessions.load(network.supplier.address, sessionId);
    }
    const answered = BigInt(of(sessionId).length);
    expect(answered).toBeGreaterThanOrEqual(5n);
    // What was on its way when the client left is stored and not delivered: a few at most.
    const relays = record?.relayCount ?? 0n;
    expect(relays).toBeGreaterThanOrEqual(answered);
    expect(relays).toBeLessThanOrEqual(answered + (sessionId === second.sessionId ? 3n : 0n));
    expect(record).toMatchObject({
      computeUnits: relays * WEIGHT,
      settlementClaimed: relays * COST,
      settlementPaid: relays * COST,
      settlementSlashed: 0n,
    });
    expect(record?.settlementOutcome).toMatch(/^settled_/);
  }
  await redis.close();
}, 180_000);
