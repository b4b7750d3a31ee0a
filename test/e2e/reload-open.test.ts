import { readFileSync, renameSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { toHex } from "../../src/base/bytes.ts";
import { PoktHttpResponse } from "../../src/chain/proto/http-envelope.ts";
import { RelayResponse } from "../../src/chain/proto/service.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { verifyResponse } from "../../src/chain/protocol/response-signature.ts";
import { REJECTS } from "../../src/runtime/relayer/rejects.ts";
import { type GrpcBackend, startGrpcBackend } from "../kit/grpc-backend.ts";
import { type GrpcClient, grpcClient } from "../kit/grpc-client.ts";
import { framed } from "../kit/grpc-frames.ts";
import { type Network, startNetwork } from "../kit/network.ts";
import { post } from "../kit/post.ts";
import { type RelayerProcess, startRelayerProcess } from "../kit/relayer-process.ts";
import { streamEntries } from "../kit/stream.ts";
import { openStream } from "../kit/stream-reader.ts";
import {
  type SocketBackend,
  SocketClient,
  signMessage,
  startSocketBackend,
  unsignedHeaders,
  until,
} from "../kit/websocket.ts";

// Runs what `npm run build` made: scripts/test.sh builds first.

/** 300 for the real thing; a few for every change. */
const RELOADS = Number(process.env["RELOADS"] ?? 24);
const PUSH_EVERY_MS = 8;
const LINES = 30;
const LINE_EVERY_MS = 20;

type Supplier = Network["supplier"];

let network: Network;
let header: SessionHeader;
let relayer: RelayerProcess;
let sockets: SocketBackend;
let backend: GrpcBackend;
let grpc: GrpcClient;
let reloads = 0;

/** "subscribe": pushes until "unsubscribe"; every message is answered. */
function act() {
  const timers = new Map<WebSocket, NodeJS.Timeout>();
  let pushes = 0;
  return (socket: WebSocket, { data }: { readonly data: Buffer }): void => {
    const text = data.toString();
    socket.send(`re:${text}`);
    if (text === "subscribe") {
      timers.set(
        socket,
        setInterval(() => socket.send(`push ${++pushes}`), PUSH_EVERY_MS),
      );
      socket.on("close", () => clearInterval(timers.get(socket)));
    }
    if (text === "unsubscribe") clearInterval(timers.get(socket));
  };
}

/** Lines for more than half a second. */
async function lines(response: ServerResponse): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (let line = 0; line < LINES && !response.destroyed; line++) {
    response.write(`data: ${line}\n\n`);
    await sleep(LINE_EVERY_MS);
  }
  response.end();
}
const WHOLE = Array.from({ length: LINES }, (_, line) => `data: ${line}\n\n`).join("");

beforeAll(async () => {
  sockets = await startSocketBackend(act());
  backend = await startGrpcBackend(30);
  network = await startNetwork("eager", { two: true });
  network.setBackend((request, response) => {
    if (request.url?.endsWith("/stream")) void lines(response);
    else response.end('{"jsonrpc":"2.0","id":1,"result":"0x1"}');
  });
  await network.devnet.control("halt", {});
  header = await network.header();
  const { services } = JSON.parse(readFileSync(network.configFile, "utf8"));
  services["kit-svc"].backends.websocket = { url: sockets.url };
  services["kit-svc"].backends.grpc = { url: `127.0.0.1:${backend.port}` };
  services["kit-svc"].streaming = { enabled: true };
  relayer = await startRelayerProcess(network, "open", { services });
  grpc = grpcClient(relayer.url);
}, 60_000);
afterAll(async () => {
  grpc.close();
  relayer.child.kill("SIGTERM");
  await relayer.ended;
  await network.close();
  await sockets.close();
  backend.close();
});

const write = (path: string, text: string) => {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
};
const hold = (...suppliers: readonly Supplier[]) =>
  write(network.keysFile, JSON.stringify({ keys: suppliers.map(({ privateKey }) => toHex(privateKey)) }));

/** Other keys beside the two, in another order, and every backend opened anew. */
function change(): void {
  reloads += 1;
  const { supplier, second, newcomer } = network;
  hold(...(reloads % 2 === 0 ? [second, newcomer, supplier] : [supplier, second]));
  const config = JSON.parse(readFileSync(relayer.configFile, "utf8"));
  config.timeout_profiles = { fast: { request_seconds: 20 + (reloads % 7) } };
  for (const of of Object.values<Record<string, unknown>>(config.services["kit-svc"].backends))
    of["headers"] = { "X-Generation": String(reloads) };
  write(relayer.configFile, JSON.stringify(config));
}

/** Those of a signal: the watch of the files of keys may come to the same change later. */
const told = () =>
  relayer
    .log()
    .split("\n")
    .filter((line) => /"trigger":"SIGHUP".*"msg":"reload/.test(line)).length;

async function hangUp(): Promise<void> {
  const before = told();
  relayer.child.kill("SIGHUP");
  await until(() => told() > before, "the reload", 20_000);
}

const connect = () => SocketClient.open(relayer.url, unsignedHeaders(header));
const ask = (client: SocketClient, payload: string, supplier: Supplier) =>
  client.send(signMessage(network, header, payload, { supplier: supplier.address }));

/** What a connection got so far; each is signed by this supplier, or it throws. */
const textsOf = ({ got }: SocketClient, { publicKey }: Supplier): string[] =>
  got.map(({ data }) => {
    const response = RelayResponse.decode(data);
    if (!verifyResponse(response, publicKey)) throw new Error("signed by another key");
    return Buffer.from(response.payload).toString();
  });

let ids = 0;
type Load = { readonly served: () => number; stop(): Promise<void> };

/** One after the other until it is stopped; `one` throws when it was not served as it should be. */
function again(one: () => Promise<void>): Load {
  let served = 0;
  const stopped = new AbortController();
  const running = (async () => {
    while (!stopped.signal.aborted) {
      await one();
      served += 1;
    }
  })();
  running.catch(() => undefined);
  return {
    served: () => served,
    stop: () => {
      stopped.abort();
      return running;
    },
  };
}

function calls(supplier: Supplier, inner: () => ReturnType<Network["sign"]>, metadata = {}): Load {
  return again(async () => {
    const { code, details, response } = await grpc.call(inner(), { metadata });
    if (code !== 0 || response === undefined) throw new Error(`gRPC ${code}: ${details}`);
    if (!verifyResponse(response, supplier.publicKey)) throw new Error("signed by another key");
    expect(PoktHttpResponse.decode(response.payload).statusCode).toBe(200);
  });
}

function streams(): Load {
  return again(async () => {
    const relay = network.sign(header, `{"id":${++ids}}`, { path: "/stream" });
    const { status, whole, text } = await openStream(network, relay, relayer.url).done;
    expect({ status, whole, text }).toEqual({ status: 200, whole: true, text: WHOLE });
  });
}

/** A connection that gets pushes, and asks besides. */
async function subscription(supplier: Supplier): Promise<Load> {
  const client = await connect();
  ask(client, "subscribe", supplier);
  const stopped = new AbortController();
  const asked: string[] = [];
  const running = (async () => {
    for (let id = 1; !stopped.signal.aborted; id++) {
      asked.push(`re:ask ${id}`);
      ask(client, `ask ${id}`, supplier);
      await sleep(25);
    }
  })();
  return {
    served: () => client.got.length,
    stop: async () => {
      stopped.abort();
      await running;
      ask(client, "unsubscribe", supplier);
      await until(
        () => client.closed !== undefined || textsOf(client, supplier).at(-1) === "re:unsubscribe",
        "the last answer",
      );
      expect(client.closed).toBeUndefined();
      const texts = textsOf(client, supplier);
      expect(texts.filter((text) => text.startsWith("re:ask"))).toEqual(asked);
      // Pushes have numbers: none is missing, none comes twice, and they come in their order.
      const pushes = texts.filter((text) => text.startsWith("push")).map((text) => Number(text.slice(5)));
      expect(pushes).toEqual([...pushes].sort((one, other) => one - other));
      expect(new Set(pushes).size).toBe(pushes.length);
      client.socket.close();
    },
  };
}

test(
  "reloads while WebSockets, gRPC calls and streams are open: nothing is cut, every answer is its supplier's, what is served is stored",
  async () => {
    const { supplier, second } = network;
    const json = (of: Supplier) => () => network.sign(header, `{"id":${++ids}}`, { supplier: of });
    const inner = () =>
      network.sign(header, framed(new Uint8Array(4)), { path: "/a/b", contentType: "application/grpc" });
    const loads = new Map<Supplier, Load[]>([
      [
        supplier,
        [
          await subscription(supplier),
          calls(supplier, json(supplier)),
          calls(supplier, inner, { "rpc-type": "grpc" }),
          streams(),
          streams(),
        ],
      ],
      [second, [await subscription(second), calls(second, json(second))]],
    ]);
    for (let reload = 0; reload < RELOADS; reload++) {
      change();
      await hangUp();
      await sleep(60);
    }
    const stopped = await Promise.allSettled([...loads.values()].flat().map((load) => load.stop()));
    expect(stopped.filter(({ status }) => status === "rejected")).toEqual([]);
    for (const [{ address }, all] of loads) {
      const served = all.reduce((sum, load) => sum + load.served(), 0);
      expect(served).toBeGreaterThan(RELOADS);
      const stored = async () => (await streamEntries(network, served, address)).length;
      expect(await stored()).toBe(served);
    }
    expect(relayer.log()).not.toMatch(/"level":"(error|warn)"/);
  },
  60_000 + RELOADS * 2_000,
);

test("a key that is removed: a stream in work comes to its end, connections end with 4000, and the next relay is refused", async () => {
  const { supplier, second } = network;
  const [gone, stays] = [await connect(), await connect()];
  ask(gone, "subscribe", supplier);
  ask(stays, "subscribe", second);
  const stream = openStream(
    network,
    network.sign(header, `{"id":${++ids}}`, { path: "/stream" }),
    relayer.url,
  );
  await until(() => stream.batches.length > 0 && gone.got.length > 3 && stays.got.length > 3, "answers");
  hold(second);
  await hangUp();
  expect(await gone.closing()).toEqual({ code: 4000, reason: "the supplier's key is not held here" });
  expect((await post(network, network.sign(header, `{"id":${++ids}}`), { url: relayer.url })).status).toBe(
    REJECTS.unknown_supplier.http,
  );
  expect((await grpc.call(network.sign(header, `{"id":${++ids}}`))).code).toBe(9);
  expect(await stream.done).toMatchObject({ whole: true, text: WHOLE });
  const pushed = stays.got.length;
  await until(() => stays.got.length > pushed + 20, "pushes to the other supplier's");
  textsOf(stays, second);
  hold(supplier, second);
  await hangUp();
  expect((await post(network, network.sign(header, `{"id":${++ids}}`), { url: relayer.url })).status).toBe(
    200,
  );
  stays.socket.close();
});
