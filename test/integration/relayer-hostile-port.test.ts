import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { RelayRequest } from "../../src/chain/proto/service.ts";
import { type GrpcClient, grpcClient } from "../kit/grpc-client.ts";
import { h2Request, h2Session } from "../kit/h2-client.ts";
import { CANCEL, END_HEADERS, frame, HELLO, NOTHING, POST_HEAD, sendRaw } from "../kit/h2-frames.ts";
import { type Network, startNetwork } from "../kit/network.ts";
import { openTestPort, type TestPort } from "../kit/port.ts";
import { post, until } from "../kit/post.ts";

const MAX_BODY = 100_000;
let network: Network;
let grpc: GrpcClient;
let id = 0;
const relay = async () => network.sign(await network.header(), body());
const body = () => JSON.stringify({ jsonrpc: "2.0", method: "eth_blockNumber", params: [], id: id++ });
beforeAll(async () => {
  network = await startNetwork("eager", {
    relayer: {
      default_max_body_size_bytes: MAX_BODY,
      relay: {
        verify_workers: 0,
        limits: { connections: 40, flood_penalty_seconds: 0 },
        grpc_web: { allowed_origins: ["https://app.example"] },
      },
    },
  });
  await network.devnet.control("halt", {});
  grpc = grpcClient(network.url);
});
afterAll(async () => {
  grpc.close();
  await network.close();
});

function* times(count: number, piece: (index: number) => Uint8Array | string) {
  yield HELLO;
  for (let index = 0; index < count; index++) yield piece(index);
}

describe("connections of HTTP/2 that only cost are closed, and good ones notice nothing", () => {
  test.each<[string, Iterable<Uint8Array | string>]>([
    [
      "rapid reset",
      times(20_000, (index) =>
        Buffer.concat([
          frame("headers", END_HEADERS, 2 * index + 1, POST_HEAD),
          frame("reset", 0, 2 * index + 1, CANCEL),
        ]),
      ),
    ],
    [
      "rapid reset, with errors",
      times(5_000, (index) =>
        Buffer.concat([
          frame("headers", END_HEADERS, 2 * index + 1, POST_HEAD),
          frame("reset", 0, 2 * index + 1, Uint8Array.of(0, 0, 0, 2)),
        ]),
      ),
    ],
    [
      "a flood of CONTINUATION",
      times(5_000, (index) =>
        index === 0
          ? frame("headers", 0, 1, POST_HEAD)
          : frame("continuation", 0, 1, Buffer.alloc(1_000, 0x40)),
      ),
    ],
    ["a flood of pings", times(50_000, () => frame("ping", 0, 0, new Uint8Array(8)))],
    ["a flood of settings", times(50_000, () => frame("settings", 0, 0, NOTHING))],
  ])("%s", async (_, pieces) => {
    const before = network.backendCalls();
    const [{ closed }, good] = await Promise.all([
      sendRaw(network.url, pieces),
      post(network, await relay()),
    ]);
    expect(closed).toBe(true);
    expect(good.status).toBe(200);
    expect(network.backendCalls()).toBe(before + 1);
  });

  test("a connection that sends half a preface, nothing, or what is no HTTP/2 is closed after its first seconds", async () => {
    const ends = await Promise.all(
      [
        ["PRI * HT"],
        [],
        times(1, () => frame("settings", 0, 0, new Uint8Array(60_000))),
        times(1, () => frame("data", 0, 0, new Uint8Array(10))),
        times(100, () => Buffer.alloc(1_000, 0xff)),
        [HELLO, frame("headers", 0, 1, POST_HEAD)],
      ].map((pieces) => sendRaw(network.url, pieces, 25_000)),
    );
    expect(ends.map(({ closed }) => closed)).toEqual(ends.map(() => true));
  });
});

const statuses = (received: Buffer) =>
  (received.toString("latin1").match(/HTTP\/1\.1 \d{3}/g) ?? []).map((line) => Number(line.slice(-3)));

/** The port without the relayer behind it: what comes through is counted, and answered a little later. */
const passed = { port: undefined as TestPort | undefined, count: 0 };
const url = () => passed.port?.url ?? "";
const RELAY = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";
beforeAll(async () => {
  passed.port = await openTestPort(async (exchange) => {
    passed.count += 1;
    await sleep(20);
    exchange.reply(new Uint8Array(1), 0);
  });
});
afterAll(() => passed.port?.listener.close());
beforeEach(() => {
  passed.count = 0;
});

describe("what two readers could understand in two ways is refused, and its connection ends", () => {
  test.each([
    ["two hosts", "POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 0\r\n\r\n"],
    ["no host", "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"],
    ["an absolute URI", "GET http://169.254.169.254/ HTTP/1.1\r\nHost: a\r\n\r\n"],
    [
      "two rpc types",
      "POST / HTTP/1.1\r\nHost: a\r\nRpc-Type: 3\r\nRpc-Type: 2\r\nContent-Length: 0\r\n\r\n",
    ],
    ["two hosts and a body", "POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 1\r\n\r\nx"],
    ["chunks in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    [
      "a length and chunks",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n"],
    ["a bare line feed", "POST / HTTP/1.1\nHost: a\nContent-Length: 0\n\n"],
    ["a space before the colon", "POST / HTTP/1.1\r\nHost : a\r\nContent-Length: 0\r\n\r\n"],
  ])("%s", async (_, bytes) => {
    const alone = await sendRaw(url(), [bytes], 3_000);
    expect([statuses(alone.received), alone.closed]).toEqual([[400], true]);
    const { received, closed } = await sendRaw(url(), [`${bytes}${RELAY.repeat(3)}`], 3_000);
    // At what comes after a request of HTTP/1.0, node:http closes without a word.
    expect([[400], []]).toContainEqual(statuses(received));
    expect(closed).toBe(true);
    expect(passed.count).toBe(0);
  });
});

describe("requests that do not wait for the answer to the one before", () => {
  const health = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
  const many = (count: number, value: number) => Array.from({ length: count }, () => value);

  test("a few are served, whatever they are", async () => {
    const { received, closed } = await sendRaw(url(), [RELAY + health + RELAY], 1_500);
    expect(statuses(received)).toEqual([200, 200, 200]);
    expect(closed).toBe(false);
    expect(passed.count).toBe(2);
  });

  test("one too many is refused, what comes after it does not count, and the connection ends", async () => {
    const { received, closed } = await sendRaw(url(), [health.repeat(50), health.repeat(500)]);
    expect(statuses(received)).toEqual([...many(11, 200), 503]);
    expect(closed).toBe(true);
  });

  test("so for relays: those before it are answered in their order", async () => {
    const { received, closed } = await sendRaw(url(), [RELAY.repeat(30)]);
    expect(statuses(received)).toEqual([...many(11, 200), 503]);
    expect(closed).toBe(true);
    expect(passed.count).toBe(11);
  });

  test("those that were answered do not count", async () => {
    const { hostname, port } = new URL(url());
    const socket = connect(Number(port), hostname).on("error", () => undefined);
    let received = Buffer.alloc(0);
    socket.on("data", (data: Buffer) => (received = Buffer.concat([received, data])));
    for (let answered = 8; answered <= 32; answered += 8) {
      socket.write(health.repeat(8));
      const seen = await until(
        async () => statuses(received),
        ({ length }) => length >= answered,
      );
      expect(seen).toEqual(many(answered, 200));
    }
    await sleep(200);
    expect(socket.closed).toBe(false);
    socket.destroy();
  });
});

describe("HTTP/2", () => {
  test("methods other than POST carry bodies, health paths answer, and what is too large is refused as it comes", async () => {
    const session = h2Session(network.url);
    try {
      for (const method of ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
        const answer = await h2Request(
          session,
          { ":method": method, ":path": "/any" },
          RelayRequest.encode(await relay()),
        );
        expect([method, answer.status]).toEqual([method, 200]);
      }
      const health = await h2Request(session, { ":method": "GET", ":path": "/health" });
      expect([health.status, JSON.parse(Buffer.from(health.bytes).toString()).status]).toEqual([
        200,
        "healthy",
      ]);
      const large = await h2Request(session, {}, new Uint8Array(MAX_BODY + 1));
      expect(large.status).toBe(413);
      const bad = await h2Request(session, { "rpc-type": "3", host: "other" }, new Uint8Array(10));
      expect(bad.status).toBe(400);
    } finally {
      session.close();
    }
  });

  test("a client that gives up calls its backend off", async () => {
    const aborted = new Promise<void>((resolve) =>
      network.setBackend((_, response) => void response.once("close", () => resolve())),
    );
    const session = h2Session(network.url);
    const pending = h2Request(session, {}, RelayRequest.encode(await relay()));
    const before = network.backendCalls();
    await until(
      async () => network.backendCalls(),
      (calls) => calls > before,
      3_000,
    );
    const left = performance.now();
    session.destroy();
    await expect(pending).rejects.toThrow();
    await aborted;
    expect(performance.now() - left).toBeLessThan(5_000);
    network.setBackend((_, response) => response.end("{}"));
  });
});

describe("gRPC", () => {
  test("gzip both ways, and what it cannot serve has its status", async () => {
    network.setBackend((_, response) => response.end("x".repeat(5_000)));
    expect((await grpc.call(await relay(), { gzip: true })).code).toBe(0);
    network.setBackend((_, response) => response.end("{}"));
    expect((await grpc.call(await relay(), { method: "/pocket.service.RelayService/Other" })).code).toBe(12);
    expect((await grpc.call(new Uint8Array(3).fill(0xff))).code).toBe(3);
    expect((await grpc.call(new Uint8Array(MAX_BODY + 1))).code).toBe(8);
    expect((await grpc.call(new Uint8Array(MAX_BODY * 20), { gzip: true })).code).toBe(8);
    expect((await grpc.call(await relay(), { metadata: { "rpc-type": "4" } })).code).toBe(14);
    const { code, details } = await grpc.call({ ...(await relay()), payload: new Uint8Array(1) });
    expect([code, details]).toEqual([3, expect.stringContaining("the body is not a valid RelayRequest")]);
  });

  test("a deadline calls the backend off, and the client is told which status that is", async () => {
    const aborted = new Promise<void>((resolve) =>
      network.setBackend((_, response) => void response.once("close", () => resolve())),
    );
    expect((await grpc.call(await relay(), { deadlineMs: 3_000 })).code).toBe(4);
    await aborted;
    network.setBackend((_, response) => response.end("{}"));
  });

  test("malformed frames are refused", async () => {
    const session = h2Session(network.url);
    const headers = { ":path": "/pocket.service.RelayService/SendRelay", "content-type": "application/grpc" };
    const statusOf = async (bytes: Uint8Array, more = {}) =>
      (await h2Request(session, { ...headers, ...more }, bytes)).headers["grpc-status"];
    expect(await statusOf(Uint8Array.of(0, 0, 0))).toBe("3");
    expect(await statusOf(Uint8Array.of(0, 0, 0, 0, 9, 1))).toBe("3");
    expect(await statusOf(Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff, 1))).toBe("8");
    expect(await statusOf(Uint8Array.of(7, 0, 0, 0, 1, 1))).toBe("3");
    const zipped = gzipSync("x");
    expect(
      await statusOf(Uint8Array.of(1, 0, 0, 0, zipped.length, ...zipped), { "grpc-encoding": "zstd" }),
    ).toBe("12");
    expect(await statusOf(Uint8Array.of(1, 0, 0, 0, 2, 1, 1), { "grpc-encoding": "gzip" })).toBe("3");
    expect(await statusOf(Uint8Array.of(0, 0, 0, 0, 1, 1), { "grpc-timeout": "soon" })).toBe("3");
    session.close();
  });

  test("pages of allowed origins may call gRPC-Web, others are not told so", async () => {
    const preflight = async (origin: string) => {
      const headers = {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
      };
      return await fetch(`${network.url}/pocket.service.RelayService/SendRelay`, {
        method: "OPTIONS",
        headers,
      });
    };
    const allowed = await preflight("https://app.example");
    expect([allowed.status, allowed.headers.get("access-control-allow-origin")]).toEqual([
      204,
      "https://app.example",
    ]);
    expect((await preflight("https://evil.example")).headers.get("access-control-allow-origin")).toBeNull();
  });
});

test("connections above the limit are closed, and those there are served on", async () => {
  const { hostname, port } = new URL(network.url);
  const held = Array.from({ length: 60 }, () => connect(Number(port), hostname));
  for (const socket of held) socket.on("error", () => undefined);
  await until(
    async () => held.filter(({ destroyed }) => destroyed).length,
    (gone) => gone >= 15,
    5_000,
  );
  const gone = held.filter(({ destroyed }) => destroyed).length;
  for (const socket of held) socket.destroy();
  expect(gone).toBeGreaterThanOrEqual(15);
  expect(gone).toBeLessThan(60);
  await until(
    async () => (await post(network, await relay()).catch(() => ({ status: 0 }))).status,
    (status) => status === 200,
  );
});

test("answers are compressed where that is wanted: for clients that take gzip, from a size on", async () => {
  const response_compression = { enabled: true, min_size_bytes: 2_000 };
  const zipping = await startNetwork("eager", { relayer: { response_compression } });
  await zipping.devnet.control("halt", {});
  try {
    const answer = async (bytes: number, accept: string) => {
      zipping.setBackend((_, response) => response.end("x".repeat(bytes)));
      const session = h2Session(zipping.url);
      const sent = RelayRequest.encode(zipping.sign(await zipping.header(), body()));
      const over2 = await h2Request(session, { "accept-encoding": accept }, sent);
      session.close();
      const over1 = await post(zipping, zipping.sign(await zipping.header(), body()), {
        headers: { "accept-encoding": accept },
      });
      // fetch opened it already: the signature in it was verified.
      expect([over1.status, over1.inner?.bodyBz.length]).toEqual([200, bytes]);
      expect(over1.headers.get("content-encoding") ?? undefined).toBe(over2.headers["content-encoding"]);
      return over2.headers["content-encoding"];
    };
    expect(await answer(5_000, "gzip")).toBe("gzip");
    expect(await answer(5_000, "identity")).toBeUndefined();
    expect(await answer(500, "gzip")).toBeUndefined();
  } finally {
    await zipping.close();
  }
});
