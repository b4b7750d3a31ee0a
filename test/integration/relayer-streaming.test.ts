import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { PoktHttpResponse } from "../../src/chain/proto/http-envelope.ts";
import { MinedRelayMessage } from "../../src/chain/proto/mined-relay.ts";
import { Relay, RelayResponse } from "../../src/chain/proto/service.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { verifyResponse } from "../../src/chain/protocol/response-signature.ts";
import { openRedis, type RedisConnections } from "../../src/runtime/redis/connect.ts";
import { redisKeys } from "../../src/runtime/redis/keys.ts";
import { type Meter, openMeter } from "../../src/runtime/redis/meter.ts";
import { type Network, quiet, startNetwork } from "../kit/network.ts";
import { post, until } from "../kit/post.ts";
import { streamEntries } from "../kit/stream.ts";
import { openStream, type StreamRead } from "../kit/stream-reader.ts";

const SSE = { "content-type": "text/event-stream; charset=utf-8" };
const STREAMING = { enabled: true, idle_seconds: 5, max_megabytes: 40 };

/** A chain that stands still, so that all relays are of one session. */
async function halted(mode: "eager" | "optimistic", streaming: Record<string, unknown>, relay = {}) {
  const network = await startNetwork(mode, {
    service: { streaming },
    relayer: { relay: { verify_workers: 0, ...relay } },
  });
  await network.devnet.control("halt", {});
  return { network, header: await network.header() };
}

let ids = 0;
let network: Network;
let header: SessionHeader;
const relay = () => network.sign(header, JSON.stringify({ id: ++ids }));
const read = (): Promise<StreamRead> => openStream(network, relay()).done;
const stored = async () => (await streamEntries(network, 0)).length;

/** What was stored last: the hash of its answer's payload, and what it weighs. */
async function lastStored(atLeast: number) {
  const entry = MinedRelayMessage.decode((await streamEntries(network, atLeast)).at(-1) ?? new Uint8Array());
  const { res } = Relay.decode(entry.relayBytes);
  if (res === undefined) throw new Error("a relay without its response");
  expect(verifyResponse(res, network.supplier.publicKey)).toBe(true);
  expect(res.payload).toHaveLength(0);
  return {
    payloadHash: Buffer.from(res.payloadHash ?? []).toString("hex"),
    weight: entry.computeUnitsPerRelay,
  };
}

const hashOf = (text: string) => createHash("sha256").update(text, "latin1").digest("hex");
const latin1 = (text: string) => Buffer.from(text).toString("latin1");

/** What the backend does with the next requests, and its side of the last one. */
function backend(act: (response: ServerResponse) => void) {
  const state: { response?: ServerResponse; closed: boolean } = { closed: false };
  network.setBackend((_, response) => {
    state.response = response;
    response.once("close", () => {
      state.closed = true;
    });
    act(response);
  });
  return state;
}

describe("a service that streams, in eager mode", () => {
  let redis: RedisConnections;
  let meter: Meter;
  const consumed = async () =>
    (await meter.read({ sessionId: header.sessionId, supplier: network.supplier.address })).consumed;
  beforeAll(async () => {
    ({ network, header } = await halted("eager", STREAMING, { streaming: { max_streams: 3 } }));
    redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
    meter = openMeter({ redis, keys: redisKeys(network.namespace), clock: systemClock, ttlSeconds: 100 });
  });
  afterAll(async () => {
    await redis.close();
    await network.close();
  });

  test("lines come while the backend says nothing more; the stream is one relay with the service's weight", async () => {
    const { response } = await begun((answer) => {
      answer.writeHead(200, { ...SSE, "x-model": "m", "set-cookie": ["a=1", "b=2"] });
      answer.write("data: one\r\n\r\ndata: tw");
    });
    const before = await stored();
    const charged = await consumed();
    expect(response.stream.batches.map(({ body }) => body)).toEqual(["data: one\n\n"]);
    response.backend.end("o\n\ndata: three");
    const { status, headers, whole, text } = await response.stream.done;
    expect({ status, whole, text }).toEqual({
      status: 200,
      whole: true,
      text: "data: one\n\ndata: two\n\ndata: three\n",
    });
    expect(headers).toMatchObject({
      "content-type": SSE["content-type"],
      "x-model": "m",
      "set-cookie": ["a=1", "b=2"],
      connection: "close",
    });
    expect(await lastStored(before + 1)).toEqual({ payloadHash: hashOf(text), weight: 7n });
    expect(await stored()).toBe(before + 1);
    expect(await consumed()).toBe(charged);
  });

  test("characters cut anywhere, a line of a megabyte, and the delimiter itself come through as they are", async () => {
    const body = `data: grüße 🚀\n\n${"x".repeat(1_000_000)}\n{"a":"||POKT_STREAM||","b":"||POKT_STREAM||POKT_STREAM||"}\n`;
    backend((response) => {
      response.writeHead(200, { "content-type": "application/x-ndjson" });
      const bytes = Buffer.from(body);
      void (async () => {
        for (let at = 0; at < 20; at++) {
          response.write(bytes.subarray(at, at + 1));
          await sleep(2);
        }
        response.end(bytes.subarray(20));
      })();
    });
    const before = await stored();
    const { text, whole, batches } = await read();
    expect(whole).toBe(true);
    expect(text === latin1(body)).toBe(true);
    expect(batches.length).toBeGreaterThan(5);
    expect(await lastStored(before + 1)).toMatchObject({ payloadHash: hashOf(text) });
  });

  test("a flood goes no faster than its client reads, and all of it comes", async () => {
    const line = `data: ${"y".repeat(1_018)}\n`;
    const total = 24 * 1_024;
    let sent = 0;
    backend((response) => {
      response.writeHead(200, SSE);
      const more = () => {
        while (sent < total) {
          sent += 1;
          if (!response.write(line)) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    });
    const before = await stored();
    const stream = openStream(network, relay());
    await until(
      async () => stream.batches.length,
      (batches) => batches > 0,
    );
    stream.hold(true);
    const first = await settled(async () => sent);
    // What sockets and one batch hold is a few megabytes at most.
    expect(first).toBeLessThan(total * 0.6);
    stream.hold(false);
    const { text, whole } = await stream.done;
    expect(whole).toBe(true);
    expect(text.length).toBe(total * line.length);
    expect(await lastStored(before + 1)).toMatchObject({ payloadHash: hashOf(text) });
  }, 30_000);

  test.each([404, 200])("a status of %i is the stream's", async (status) => {
    backend((response) => response.writeHead(status, { "content-type": "application/x-ndjson" }).end("{}\n"));
    expect(await read()).toMatchObject({ status, text: "{}\n", whole: true });
  });

  test("an answer of which no line comes is a relay like any other", async () => {
    backend((response) => response.writeHead(200, SSE).end());
    const before = await stored();
    const { inner } = await post(network, relay());
    expect(inner?.bodyBz).toHaveLength(0);
    expect(inner?.header.get("Content-Type")?.values).toEqual([SSE["content-type"]]);
    expect(await stored()).toBe(before + 1);
  });

  test("an encoded answer is read whole", async () => {
    backend((response) =>
      response.writeHead(200, { ...SSE, "content-encoding": "gzip" }).end(gzipSync("data: 1\n\n")),
    );
    expect(String(Buffer.from((await post(network, relay())).inner?.bodyBz ?? []))).toBe("data: 1\n\n");
  });

  describe("earns nothing and costs nothing", () => {
    let before = 0;
    let charged = 0n;
    beforeEach(async () => {
      before = await stored();
      charged = await consumed();
    });
    afterEach(async () => {
      expect(await until(consumed, (now) => now === charged)).toBe(charged);
      expect(await stored()).toBe(before);
    });

    test("when the backend refuses", async () => {
      backend((response) => response.writeHead(503, SSE).end("data: no\n\n"));
      expect(await post(network, relay())).toMatchObject({ status: 503 });
    });

    test("when the backend breaks off: before the first line it is a 502, afterwards the client sees it", async () => {
      backend((response) => {
        response.writeHead(200, SSE).write("dat");
        setTimeout(() => response.destroy(), 50);
      });
      expect(await post(network, relay())).toMatchObject({ status: 502 });
      const { response } = await begun((answer) => void answer.writeHead(200, SSE).write("data: 1\n\nda"));
      response.backend.destroy();
      expect(await response.stream.done).toMatchObject({ status: 200, whole: false, text: "data: 1\n\n" });
    });

    test("when the backend falls silent", async () => {
      const state = backend((response) => void response.writeHead(200, SSE).write("data: 1\n\n"));
      expect(await read()).toMatchObject({ whole: false, text: "data: 1\n\n" });
      expect(await until(async () => state.closed, Boolean)).toBe(true);
    });

    test("when it is larger than it may be", async () => {
      const line = `${"z".repeat(65_535)}\n`;
      const state = backend((response) => {
        response.writeHead(200, SSE);
        const more = () => {
          while (!response.destroyed) if (!response.write(line)) return void response.once("drain", more);
        };
        more();
      });
      const { whole, text } = await read();
      expect(whole).toBe(false);
      expect(text.length).toBeLessThanOrEqual(40 * 1_048_576);
      expect(await until(async () => state.closed, Boolean)).toBe(true);
    }, 30_000);

    test("when the client goes: the backend is let go within a second", async () => {
      const { response, state } = await begun((answer) => {
        answer.writeHead(200, SSE).write("data: 1\n\n");
      });
      response.stream.request.destroy();
      expect(await until(async () => state.closed, Boolean, 1_000)).toBe(true);
    });
  });

  test("more streams than there may be are refused, and one that ends makes room", async () => {
    const open: ServerResponse[] = [];
    backend((response) => {
      response.writeHead(200, SSE).write("data: 1\n\n");
      open.push(response);
    });
    const streams = Array.from({ length: 3 }, () => openStream(network, relay()));
    for (const { batches } of streams)
      await until(
        async () => batches.length,
        (count) => count === 1,
      );
    expect(await post(network, relay())).toMatchObject({ status: 503 });
    for (const response of open) response.end();
    for (const { done } of streams) expect(await done).toMatchObject({ whole: true });
    backend((response) => response.writeHead(200, SSE).end("data: 1\n"));
    expect(await read()).toMatchObject({ whole: true });
  });
});

describe("a service that streams, in optimistic mode", () => {
  beforeAll(async () => {
    ({ network, header } = await halted("optimistic", STREAMING));
  });
  afterAll(() => network.close());

  test("a stream is stored after its end", async () => {
    backend((response) => response.writeHead(200, SSE).end("data: 1\n\n"));
    const before = await stored();
    const { whole, text } = await read();
    expect({ whole, text }).toEqual({ whole: true, text: "data: 1\n\n" });
    expect(await lastStored(before + 1)).toEqual({ payloadHash: hashOf(text), weight: 7n });
  });

  test("one of which no line comes is answered, and stored once", async () => {
    backend((response) => response.writeHead(200, SSE).end());
    const before = await stored();
    expect(await post(network, relay())).toMatchObject({ status: 200 });
    await lastStored(before + 1);
    expect(await stored()).toBe(before + 1);
  });

  test("one whose signature is not valid is broken off while it runs, and not stored", async () => {
    const state = backend((response) => void response.writeHead(200, SSE).write("data: 1\n\n"));
    const forged = network.sign(header, JSON.stringify({ id: ++ids }), { signer: network.newcomer });
    const before = await stored();
    await openStream(network, forged).done.catch(() => undefined);
    expect(await until(async () => state.closed, Boolean, 1_500)).toBe(true);
    expect(await stored()).toBe(before);
  });
});

test("a service that was not told to stream answers with one signed response", async () => {
  ({ network, header } = await halted("eager", {}));
  backend((response) => response.writeHead(200, SSE).end("data: 1\n\ndata: 2\n\n"));
  const { bytes } = await read();
  const response = RelayResponse.decode(bytes);
  expect(verifyResponse(response, network.supplier.publicKey)).toBe(true);
  expect(String(Buffer.from(PoktHttpResponse.decode(response.payload).bodyBz))).toBe(
    "data: 1\n\ndata: 2\n\n",
  );
  await network.close();
});

/** A stream of which the first batch is there. */
async function begun(act: (response: ServerResponse) => void) {
  const state = backend(act);
  const stream = openStream(network, relay());
  await until(
    async () => stream.batches.length,
    (batches) => batches === 1,
  );
  if (state.response === undefined) throw new Error("the backend was not asked");
  return { state, response: { stream, backend: state.response } };
}

/** A figure when it has stopped changing. */
async function settled(ask: () => Promise<number>): Promise<number> {
  let last = await ask();
  for (;;) {
    await sleep(300);
    const now = await ask();
    if (now === last) return now;
    last = now;
  }
}
