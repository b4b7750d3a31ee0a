import { get, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { PoktHttpResponse } from "../../src/chain/proto/http-envelope.ts";
import { RelayRequest, RelayResponse } from "../../src/chain/proto/service.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { verifyResponse } from "../../src/chain/protocol/response-signature.ts";
import { type Network, startNetwork } from "../kit/network.ts";
import { ranFor } from "../kit/running-time.ts";
import { chainHeight, goTo, headerAt } from "../kit/session-steps.ts";
import { streamEntries } from "../kit/stream.ts";
import {
  echo,
  type SocketBackend,
  SocketClient,
  signMessage,
  startSocketBackend,
  unsignedHeaders,
  until,
} from "../kit/websocket.ts";

/** Mutated relays that are sent over WebSockets. */
const CASES = Number(process.env["HOSTILE_CASES"] ?? 300);
const FLOOD = 60;
const MIB = 1_048_576;

let network: Network;
let backend: SocketBackend;
let header: SessionHeader;
const clients: SocketClient[] = [];

async function open(url: string, headers = unsignedHeaders(header)): Promise<SocketClient> {
  const client = await SocketClient.open(url, headers);
  clients.push(client);
  return client;
}

const statusOf = (url: string): Promise<number> =>
  open(url).then(
    () => 101,
    (error: Error) => Number(/\d{3}/.exec(error.message)?.[0]),
  );

const withSettings = (websocket: Readonly<Record<string, unknown>>) =>
  network.another({ relay: { websocket: { ...websocket } } });

beforeAll(async () => {
  backend = await startSocketBackend((socket, message) => {
    if (message.data.toString("latin1") !== "flood") return echo(socket, message);
    for (let index = 0; index < FLOOD; index++) socket.send(Buffer.alloc(MIB, index));
  });
  network = await startNetwork("eager", {
    stake: 100_000_000_000,
    service: { backends: { websocket: { url: backend.url } } },
  });
  await network.devnet.control("halt", {});
  header = await network.header();
});
afterEach(() => {
  for (const client of clients.splice(0)) client.socket.terminate();
});
afterAll(async () => {
  await network.close();
  await backend.close();
});

test("connections are bounded, in all and from one address, and places become free again", async () => {
  const few = await withSettings({ max_connections: 2 });
  expect([await statusOf(few), await statusOf(few), await statusOf(few)]).toEqual([101, 101, 503]);
  const each = await withSettings({ max_connections_per_address: 1 });
  const first = await open(each);
  expect(await statusOf(each)).toBe(429);
  first.socket.close();
  await until(async () => (await statusOf(each)) === 101, "a free place");
});

test("a client that does not read stops the backend, and gets all of it in order when it reads again", async () => {
  const client = await open(network.url);
  client.send(signMessage(network, header, "flood"));
  client.socket.pause();
  const socket = backend.sockets.at(-1);
  await until(() => (socket?.bufferedAmount ?? 0) > 10 * MIB, "the backend to have to wait");
  await sleep(300);
  // Nearly all of it is still where it came from.
  expect(socket?.bufferedAmount).toBeGreaterThan((FLOOD / 2) * MIB);
  client.socket.resume();
  await until(() => client.got.length === FLOOD, "the flood", 60_000);
  client.got.forEach(({ data }, index) => {
    expect(RelayResponse.decode(data).payload[0]).toBe(index);
  });
}, 90_000);

test("a backend that does not read stops the client", async () => {
  const client = await open(network.url);
  const socket = backend.sockets.at(-1);
  socket?.pause();
  const sent = FLOOD / 2;
  for (let index = 0; index < sent; index++)
    client.send(signMessage(network, header, Buffer.alloc(MIB, index)));
  await sleep(1_500);
  expect(client.socket.bufferedAmount).toBeGreaterThan((sent / 3) * MIB);
  socket?.resume();
  await until(() => client.got.length === sent, "all answers", 60_000);
}, 90_000);

test("a client that reads nothing for too long is gone, and so is one that answers no ping", async () => {
  const url = await withSettings({ write_timeout: "1s", ping_interval: "1s", pong_timeout: "1s" });
  const stuck = await open(url);
  stuck.send(signMessage(network, header, "flood"));
  stuck.socket.pause();
  await until(() => backend.closed.at(-1)?.code === 1001, "the backend to hear that it is gone");
  const silent = await SocketClient.open(url, unsignedHeaders(header), { autoPong: false });
  clients.push(silent);
  await silent.closing();
});

test("a connection without messages is closed after its time", async () => {
  const client = await open(await withSettings({ idle_timeout: "1s" }));
  expect(await client.closing()).toEqual({ code: 1001, reason: "no message for too long" });
});

test("a backend that cannot be had is told before the upgrade", async () => {
  const down = { services: { "kit-svc": { backends: { websocket: { url: "ws://127.0.0.1:1" } } } } };
  expect(await statusOf(await network.another(down))).toBe(502);
  const http = `http://127.0.0.1:${new URL(network.url).port}`;
  // A relay port answers an upgrade to /nowhere with 404.
  const wrong = { "kit-svc": { backends: { websocket: { url: http.replace("http", "ws") } } } };
  expect(await statusOf(await network.another({ services: wrong }))).toBe(502);
});

test("without a backend a handshake is told why, and by which service", async () => {
  const http = { "kit-svc": { backends: { jsonrpc: { url: "http://127.0.0.1:1" } } } };
  const url = await network.another({ services: http });
  const told = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { connection: "upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
    const key = { "sec-websocket-key": Buffer.alloc(16).toString("base64") };
    get(url, { headers: { ...headers, ...key, ...unsignedHeaders(header) } }, resolve).on("error", reject);
  });
  expect(told.statusCode).toBe(503);
  expect(JSON.parse(Buffer.concat(await told.toArray()).toString())).toEqual({
    error: "the service has no backend of that rpc type: WebSocket",
    service: "kit-svc",
  });
});

test("a large message may come in pieces as small as its client's buffer", async () => {
  const client = await open(network.url);
  const payload = Buffer.alloc(6 * MIB, 1);
  const message = signMessage(network, header, payload);
  for (let at = 0; at < message.length; at += 4_096)
    client.socket.send(message.subarray(at, at + 4_096), { binary: true, fin: at + 4_096 >= message.length });
  await until(() => client.got.length > 0 || client.closed !== undefined, "an answer");
  const answer = RelayResponse.decode(client.got[0]?.data ?? Buffer.alloc(0));
  expect(Buffer.from(answer.payload).equals(Buffer.concat([Buffer.from("re:"), payload]))).toBe(true);
});

test("user and password of a backend's URL are its credentials", async () => {
  const own = await startSocketBackend();
  try {
    const websocket = { url: own.url.replace("://", "://user:pass@") };
    await open(await network.another({ services: { "kit-svc": { backends: { websocket } } } }));
    const [headers] = own.opened;
    expect(headers?.authorization).toBe(`Basic ${Buffer.from("user:pass").toString("base64")}`);
  } finally {
    await own.close();
  }
});

test("over its limit an application's connection is closed with 4002, also by a push", async () => {
  const poor = await startSocketBackend((socket) => {
    for (let index = 0; index < 9; index++) socket.send(`push ${index}`);
  });
  // 5 relays and no more: see relayer-metering.test.ts.
  const small = await startNetwork("eager", {
    stake: 44_129,
    service: { backends: { websocket: { url: poor.url } } },
  });
  try {
    await small.devnet.control("halt", {});
    const mine = await small.header();
    const client = await open(small.url, unsignedHeaders(mine));
    client.send(signMessage(small, mine, "go"));
    expect(await client.closing()).toEqual({ code: 4002, reason: "session relay limit reached" });
    expect(client.got.length).toBe(5);
    expect((await streamEntries(small, 5)).length).toBe(5);
  } finally {
    await small.close();
    await poor.close();
  }
});

describe("frames that are no WebSocket's", () => {
  const frame = (...bytes: number[]) => Buffer.from(bytes);
  const masked = (first: number, payload: Buffer, length = payload.length) =>
    Buffer.concat([frame(first, 0x80 | length, 0, 0, 0, 0), payload]);
  const cases: [string, Buffer, number | undefined][] = [
    ["unmasked", frame(0x82, 1, 0), 1002],
    ["RSV1", masked(0xc2, frame(1)), 1002],
    ["opcode 3", masked(0x83, frame(1)), 1002],
    ["a ping in pieces", masked(0x09, frame(1)), 1002],
    ["a ping of 126 bytes", Buffer.concat([frame(0x89, 0xfe, 0, 126, 0, 0, 0, 0), Buffer.alloc(126)]), 1002],
    ["a close of one byte", masked(0x88, frame(3)), 1002],
    ["a close with a code that must not be sent", masked(0x88, frame(0x03, 0xed)), 1002],
    ["a continuation of nothing", masked(0x80, frame(1)), 1002],
    ["2 GB announced", frame(0x82, 0xff, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0), 1009],
    [
      "ten thousand pieces",
      Buffer.concat([masked(0x02, frame(1)), ...Array.from({ length: 10_000 }, () => masked(0, frame(1)))]),
      1008,
    ],
    [
      "a length of 64 bits with its first bit set",
      frame(0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0),
      1009,
    ],
  ];

  test.each(cases)("%s", async (_, bytes, code) => {
    const before = backend.got.length;
    const { hostname, port } = new URL(network.url);
    const socket = connect(Number(port), hostname);
    socket.on("error", () => undefined);
    const got: Buffer[] = [];
    socket.on("data", (chunk) => got.push(chunk));
    socket.write(
      `GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nTarget-Service-Id: ${header.serviceId}\r\n\r\n`,
    );
    await until(() => Buffer.concat(got).includes("\r\n\r\n"), "the upgrade");
    const start = Buffer.concat(got).length;
    socket.write(bytes);
    await until(() => Buffer.concat(got).length >= start + 4, "a close frame");
    const closing = Buffer.concat(got).subarray(start);
    expect(closing[0]).toBe(0x88);
    expect(closing.readUInt16BE(2)).toBe(code);
    await until(
      () => backend.closed.length > 0 && backend.closed.at(-1)?.code === 1001,
      "the backend's close",
    );
    expect(backend.got.length).toBe(before);
    socket.destroy();
  });
});

test("mutated relays are closed with 4001, reach no backend and are not stored", async () => {
  const before = { got: backend.got.length, entries: (await streamEntries(network, 0)).length };
  const codes = new Map<number, number>();
  const relay = signMessage(network, header, "to be changed");
  const send = async (index: number) => {
    const bytes = Buffer.from(relay);
    const at = (index * 7919) % bytes.length;
    bytes[at] = (bytes[at] ?? 0) ^ (1 + ((index * 104_729) % 255));
    const client = await SocketClient.open(network.url, unsignedHeaders(header));
    client.send(index % 5 === 0 ? bytes.subarray(0, at) : bytes, index % 2 === 0);
    const { code } = await client.closing();
    codes.set(code, (codes.get(code) ?? 0) + 1);
  };
  for (let from = 0; from < CASES; from += 20)
    await Promise.all(Array.from({ length: Math.min(20, CASES - from) }, (_, index) => send(from + index)));
  expect([...codes]).toEqual([[4001, CASES]]);
  expect(backend.got.length).toBe(before.got);
  expect((await streamEntries(network, 0)).length).toBe(before.entries);
}, 900_000);

describe("a session's end", () => {
  let moving: Network;
  beforeAll(async () => {
    moving = await startNetwork("eager", {
      service: { backends: { websocket: { url: backend.url } } },
    });
    await moving.devnet.control("halt", {});
  });
  afterAll(() => moving.close());

  /** The signed 410, then 4000. */
  async function expectAnnounced(client: SocketClient, of: SessionHeader): Promise<void> {
    expect(await client.closing()).toEqual({ code: 4000, reason: "session expired" });
    const last = client.got.at(-1);
    expect(last?.isBinary).toBe(true);
    const notice = RelayResponse.decode(last?.data ?? new Uint8Array());
    expect(verifyResponse(notice, moving.supplier.publicKey)).toBe(true);
    expect(notice.meta.sessionHeader).toEqual(of);
    expect(notice.relayMinerError?.code).toBe(410);
    const { statusCode, bodyBz } = PoktHttpResponse.decode(notice.payload);
    expect([statusCode, Buffer.from(bodyBz).toString()]).toEqual([410, '{"error":"session expired"}']);
    await until(() => backend.closed.some(({ code }) => code === 1001), "the backend's close");
  }

  test("is announced to each connection in its own time; one that goes on in the next session stays", async () => {
    const first = await headerAt(moving, await chainHeight(moving));
    const ending = await open(moving.url, unsignedHeaders(first));
    const staying = await open(moving.url, unsignedHeaders(first));
    for (const client of [ending, staying]) {
      client.send(signMessage(moving, first, "one"));
      await client.response(0);
    }
    // Its grace period is one block.
    await goTo(moving, first.sessionEndBlockHeight + 1n);
    const next = await headerAt(moving, first.sessionEndBlockHeight + 1n);
    staying.send(signMessage(moving, next, "two"));
    expect((await staying.response(1)).meta.sessionHeader).toEqual(next);
    await goTo(moving, first.sessionEndBlockHeight + 3n);
    await expectAnnounced(ending, first);
    staying.send(signMessage(moving, next, "three"));
    expect((await staying.response(2)).meta.sessionHeader).toEqual(next);
  }, 60_000);

  test("that comes while a push is stored is announced as well: the push came too late, and is neither delivered nor stored", async () => {
    const first = await headerAt(moving, await chainHeight(moving));
    const client = await open(moving.url, unsignedHeaders(first));
    client.send(signMessage(moving, first, "to be followed"));
    await client.response(0);
    await goTo(moving, first.sessionEndBlockHeight + 1n);
    const stored = (await streamEntries(moving, 0)).length;
    moving.redis.pause();
    backend.sockets.at(-1)?.send("a push");
    // It is metered now, until Redis goes on.
    await ranFor(300);
    await goTo(moving, first.sessionEndBlockHeight + 2n);
    moving.redis.resume();
    await expectAnnounced(client, first);
    expect(client.got.length).toBe(2);
    expect((await streamEntries(moving, 0)).length).toBe(stored);
  }, 60_000);

  test("and a relayer that shuts down announce the same, after the answers that are on their way", async () => {
    const of = await moving.header();
    const client = await open(moving.url, unsignedHeaders(of));
    const request = signMessage(moving, of, "last words");
    client.send(request);
    await client.response(0);
    await moving.relayer.drain();
    await expectAnnounced(client, of);
    expect(RelayRequest.decode(request).meta.sessionHeader).toEqual(of);
    expect(await statusOf(moving.url)).not.toBe(101);
  }, 60_000);
});
