import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { toHex } from "../../src/base/bytes.ts";
import { PoktHttpResponse } from "../../src/chain/proto/http-envelope.ts";
import { RelayResponse } from "../../src/chain/proto/service.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { verifyResponse } from "../../src/chain/protocol/response-signature.ts";
import { type GrpcBackend, startGrpcBackend } from "../kit/grpc-backend.ts";
import { framed } from "../kit/grpc-frames.ts";
import { type Network, startNetwork } from "../kit/network.ts";
import { post } from "../kit/post.ts";
import { streamEntries } from "../kit/stream.ts";
import {
  handshakeHeaders,
  type SocketBackend,
  SocketClient,
  type SocketMessage,
  signMessage,
  startSocketBackend,
  unsignedHeaders,
  until,
} from "../kit/websocket.ts";

// What a reload does to connections that stay open over it.

type Supplier = Network["supplier"];

const PUSH_EVERY_MS = 10;
const NOT_HELD = "the supplier's key is not held here";

let network: Network;
let header: SessionHeader;
let sockets: SocketBackend;
let elsewhere: SocketBackend;
let grpc: GrpcBackend;
let good: string;
const clients: SocketClient[] = [];

/** "subscribe": pushes for as long as the connection is there; "slow N": answered after N ms; "silent": never; else echoed. */
function act(socket: WebSocket, { data }: SocketMessage): void {
  const text = data.toString();
  const [, ms] = /^slow (\d+)/.exec(text) ?? [];
  if (text === "silent") return;
  if (ms !== undefined) setTimeout(() => socket.send(`re:${text}`), Number(ms));
  else socket.send(`re:${text}`);
  if (!text.startsWith("subscribe")) return;
  let pushes = 0;
  const timer = setInterval(() => socket.send(`${text} ${++pushes}`), PUSH_EVERY_MS);
  socket.on("close", () => clearInterval(timer));
}

beforeAll(async () => {
  sockets = await startSocketBackend(act);
  elsewhere = await startSocketBackend(act);
  grpc = await startGrpcBackend();
  network = await startNetwork("eager", { two: true, queryTimeoutSeconds: 20 });
  await network.devnet.control("halt", {});
  header = await network.header();
  configure((backends) => {
    backends["websocket"] = { url: sockets.url };
    backends["grpc"] = { url: `127.0.0.1:${grpc.port}` };
  });
  await network.relayer.reload("test");
  good = readFileSync(network.configFile, "utf8");
}, 60_000);
afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.terminate();
  write(network.configFile, good);
  hold(network.supplier, network.second);
  await network.relayer.reload("test");
});
afterAll(async () => {
  await network.close();
  await sockets.close();
  await elsewhere.close();
  grpc.close();
});

const write = (path: string, text: string) => {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
};
const hold = (...suppliers: readonly Supplier[]) =>
  write(network.keysFile, JSON.stringify({ keys: suppliers.map(({ privateKey }) => toHex(privateKey)) }));

function configure(change: (backends: Record<string, unknown>, all: Record<string, unknown>) => void): void {
  const all = JSON.parse(readFileSync(network.configFile, "utf8"));
  change(all.services["kit-svc"].backends, all);
  write(network.configFile, JSON.stringify(all));
}

async function connect(headers = unsignedHeaders(header)): Promise<SocketClient> {
  const client = await SocketClient.open(network.url, headers);
  clients.push(client);
  return client;
}

const ask = (client: SocketClient, payload: string, { address }: Supplier = network.supplier) =>
  client.send(signMessage(network, header, payload, { supplier: address }));

/** All that a client got, each verified: texts of answers, and the status of a notice. */
const answersOf = ({ got }: SocketClient, supplier: Supplier): (string | number)[] =>
  got.map(({ data }) => {
    const response = RelayResponse.decode(data);
    if (!verifyResponse(response, supplier.publicKey)) throw new Error("signed by another key");
    return response.relayMinerError === undefined
      ? Buffer.from(response.payload).toString()
      : PoktHttpResponse.decode(response.payload).statusCode;
  });

const stored = async ({ address }: Supplier) => (await streamEntries(network, 0, address)).length;

async function figure(name: string, labels: Readonly<Record<string, string>>): Promise<number | undefined> {
  const found = (await network.relayer.registry.getMetricsAsJSON()).find((each) => each.name === name);
  return found?.values.find((value) =>
    Object.entries(labels).every(
      ([label, wanted]) => (value.labels as Record<string, unknown>)[label] === wanted,
    ),
  )?.value;
}

test("a key that is removed: its connections end with a signed 410 and code 4000, at once; the other supplier's go on", async () => {
  const { supplier, second } = network;
  const before = [await stored(supplier), await stored(second)];
  const [gone, idle, named, stays] = [await connect(), await connect(), await connect(), await connect()];
  const proved = await connect(handshakeHeaders(network, header));
  ask(gone, "subscribe a");
  ask(idle, "once");
  ask(stays, "subscribe b", second);
  await until(() => gone.got.length > 5 && stays.got.length > 5 && idle.got.length > 0, "pushes");
  hold(second);
  expect(await network.relayer.reload("test")).toMatchObject({
    result: "applied",
    removed: [supplier.address],
  });
  for (const client of [gone, idle, proved])
    expect(await client.closing()).toEqual({ code: 4000, reason: NOT_HELD });
  const [pushed, kept] = [gone.got.length, stays.got.length];
  await until(() => stays.got.length > kept + 20, "pushes to the other");
  expect(gone.got.length).toBe(pushed);
  expect(answersOf(gone, supplier).at(-1)).toBe(410);
  expect(answersOf(idle, supplier)).toEqual(["re:once", 410]);
  // Nothing was asked on it, so there is nobody to sign for it.
  expect(proved.got).toEqual([]);
  // It has named no supplier yet.
  ask(named, "first", second);
  expect(answersOf({ ...named, got: [await named.message(0)] } as SocketClient, second)).toEqual([
    "re:first",
  ]);
  // The removed one is refused here as anywhere else.
  ask(named, "more");
  expect((await named.closing()).code).toBe(4001);

  stays.socket.terminate();
  const served = (client: SocketClient, by: Supplier) =>
    answersOf(client, by).filter((answer) => answer !== 410).length;
  expect((await stored(supplier)) - (before[0] ?? 0)).toBe(served(gone, supplier) + served(idle, supplier));
  const mined = (await stored(second)) - (before[1] ?? 0);
  // What was on its way to a client that is gone.
  expect(mined - served(stays, second) - 1).toBeGreaterThanOrEqual(0);
  expect(mined - served(stays, second) - 1).toBeLessThan(20);
});

test("what was asked before the key was removed is answered, and then the connection ends", async () => {
  const client = await connect();
  const before = await stored(network.supplier);
  const got = sockets.got.length;
  ask(client, "slow 600");
  await until(() => sockets.got.length > got, "the request at the backend");
  hold(network.second);
  await network.relayer.reload("test");
  expect(await client.closing()).toEqual({ code: 4000, reason: NOT_HELD });
  expect(answersOf(client, network.supplier)).toEqual(["re:slow 600", 410]);
  expect((await stored(network.supplier)) - before).toBe(1);
});

test("requests that wait for their turn when the key is removed are answered as well", async () => {
  const client = await connect();
  const before = [sockets.got.length, await stored(network.supplier)];
  hold(network.second);
  // More than are in work at once, in one write: most of them wait when the reload has read the keys.
  for (let id = 0; id < 100; id++) ask(client, `waits ${id}`);
  await until(() => sockets.got.length > (before[0] ?? 0), "the first request at the backend");
  await network.relayer.reload("test");
  expect(await client.closing()).toEqual({ code: 4000, reason: NOT_HELD });
  const asked = sockets.got.length - (before[0] ?? 0);
  expect(asked).toBeGreaterThan(20);
  const answers = answersOf(client, network.supplier);
  expect(answers).toEqual([...Array.from({ length: asked }, (_, id) => `re:waits ${id}`), 410]);
  expect((await stored(network.supplier)) - (before[1] ?? 0)).toBe(asked);
});

test("a backend that moves: open connections stay at the old one, new ones go to the new one", async () => {
  const before = await connect();
  ask(before, "subscribe c");
  await until(() => before.got.length > 3, "pushes");
  configure((backends) => {
    backends["websocket"] = { url: elsewhere.url };
  });
  await network.relayer.reload("test");
  const got = before.got.length;
  await until(() => before.got.length > got + 20, "more pushes");
  const after = await connect();
  ask(after, "there");
  expect(Buffer.from((await after.response(0)).payload).toString()).toBe("re:there");
  expect(elsewhere.got.map(({ data }) => data.toString())).toEqual(["there"]);
  expect(before.closed).toBeUndefined();
});

test("a backend that is taken away ends its connections with code 4000", async () => {
  const client = await connect();
  const unused = await connect();
  ask(client, "subscribe d");
  await until(() => client.got.length > 3, "pushes");
  configure((backends) => {
    delete backends["websocket"];
  });
  await network.relayer.reload("test");
  const closing = { code: 4000, reason: "the service has no backend of that rpc type: WebSocket" };
  expect([await client.closing(), await unused.closing()]).toEqual([closing, closing]);
  expect(answersOf(client, network.supplier).at(-1)).toBe(410);
});

test("backends that stayed the same keep their connections and what is known of them, of every kind", async () => {
  const client = await connect();
  ask(client, "silent");
  const call = () =>
    post(
      network,
      network.sign(header, framed(new Uint8Array([2])), { path: "/a/b", contentType: "application/grpc" }),
      {
        headers: { "Rpc-Type": "grpc" },
      },
    );
  expect((await call()).status).toBe(200);
  const connections = grpc.connections();
  // Those of the test before may still be on their way out.
  const open = () => figure("ha_relayer_http_pool_connections", { rpc_type: "websocket" });
  await until(async () => (await open()) === 1, "one connection");
  for (let reload = 0; reload < 3; reload++) {
    hold(network.second, network.supplier, ...(reload % 2 === 0 ? [network.newcomer] : []));
    expect(await network.relayer.reload("test")).toMatchObject({ result: "applied" });
    expect((await call()).status).toBe(200);
  }
  expect(grpc.connections()).toBe(connections);
  expect(await open()).toBe(1);
});

test("a request that is being checked when the key is removed is answered, and its connection does not stay", async () => {
  // A session that the relayer has to ask the chain for, and a chain that is slow to tell.
  await network.devnet.control("jump", { blocks: 21 });
  const before = header.sessionId;
  await until(async () => {
    header = await network.header();
    return header.sessionId !== before;
  }, "the next session");
  const height = (await network.chain.status()).latestHeight;
  await until(
    async () => (await figure("ha_relayer_current_block_height", {})) === Number(height),
    "the height",
  );
  const client = await connect();
  await network.devnet.control("lag", { ms: 3_000 });
  const got = sockets.got.length;
  ask(client, "subscribe e");
  await until(async () => ((await figure("ha_relayer_active_connections", {})) ?? 0) > 0, "the check");
  hold(network.second);
  await network.relayer.reload("test");
  expect(sockets.got.length).toBe(got);
  await network.devnet.control("lag", { ms: 0 });
  expect(await client.closing()).toEqual({ code: 4000, reason: NOT_HELD });
  const answers = answersOf(client, network.supplier);
  expect([answers[0], answers.at(-1)]).toEqual(["re:subscribe e", 410]);
});
