import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { ClientHttp2Session } from "node:http2";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { MinedRelayMessage } from "../../src/chain/proto/mined-relay.ts";
import { Relay } from "../../src/chain/proto/service.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { openRedis, type RedisConnections } from "../../src/runtime/redis/connect.ts";
import { redisKeys } from "../../src/runtime/redis/keys.ts";
import { type Meter, openMeter } from "../../src/runtime/redis/meter.ts";
import { h2Session } from "../kit/h2-client.ts";
import { type Network, quiet, startNetwork } from "../kit/network.ts";
import { until } from "../kit/post.ts";
import { streamEntries } from "../kit/stream.ts";
import { type OpenH2Stream, openH2Stream } from "../kit/stream-reader.ts";

const SSE = { "content-type": "text/event-stream" };
const COST = 294n;

describe.each(["eager", "optimistic"] as const)("streamed answers over HTTP/2, in %s mode", (mode) => {
  let network: Network;
  let header: SessionHeader;
  let redis: RedisConnections;
  let meter: Meter;
  let session: ClientHttp2Session;
  let ids = 0;
  const consumed = async () =>
    (await meter.read({ sessionId: header.sessionId, supplier: network.supplier.address })).consumed;
  const stored = async () => (await streamEntries(network, 0)).length;

  beforeAll(async () => {
    network = await startNetwork(mode, { service: { streaming: { enabled: true } } });
    await network.devnet.control("halt", {});
    header = await network.header();
    redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
    meter = openMeter({ redis, keys: redisKeys(network.namespace), clock: systemClock, ttlSeconds: 100 });
    session = h2Session(network.url);
  });
  afterEach(() => expect(session.closed).toBe(false));
  afterAll(async () => {
    session.destroy();
    await redis.close();
    await network.close();
  });

  /** A stream whose first line has come, with the backend's side of it. */
  async function begun(): Promise<{
    readonly stream: OpenH2Stream;
    readonly answer: ServerResponse;
    readonly isClosed: () => boolean;
  }> {
    const asked = new Promise<ServerResponse>((resolve) =>
      network.setBackend((_, response) => {
        response.writeHead(200, SSE).write("data: 0\n\n");
        resolve(response);
      }),
    );
    const stream = openH2Stream(network, session, network.sign(header, JSON.stringify({ id: ++ids })));
    const answer = await asked;
    let closed = false;
    answer.once("close", () => {
      closed = true;
    });
    await batches(stream, 1);
    return { stream, answer, isClosed: () => closed };
  }

  const batches = async (stream: OpenH2Stream, count: number) =>
    expect(
      await until(
        async () => stream.batches.length,
        (length) => length >= count,
      ),
    ).toBe(count);

  test("each batch comes while the backend waits; two streams of a connection are two relays, each stored and paid for once", async () => {
    const [storedBefore, paidBefore] = [await stored(), await consumed()];
    const streams = [await begun(), await begun()];
    for (let line = 1; line < 5; line++)
      for (const { stream, answer } of streams) {
        answer.write(`data: ${line}\n\n`);
        await batches(stream, line + 1);
      }
    for (const { answer } of streams) answer.end("data: last");
    for (const { stream } of streams) {
      const { status, headers, whole, text } = await stream.done;
      expect({ status, whole }).toEqual({ status: 200, whole: true });
      expect(headers["content-type"]).toBe(SSE["content-type"]);
      expect(text).toBe("data: 0\n\ndata: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\ndata: last\n");
      const digest = createHash("sha256").update(text, "latin1").digest("hex");
      const entries = await streamEntries(network, storedBefore + 2);
      expect(entries.slice(storedBefore).map(payloadHashOf)).toEqual([digest, digest]);
    }
    expect(await stored()).toBe(storedBefore + 2);
    expect(await until(consumed, (now) => now === paidBefore + 2n * COST)).toBe(paidBefore + 2n * COST);
  });

  test("a client that resets its stream: the backend is let go within a second, and nothing is stored or paid for", async () => {
    const [storedBefore, paidBefore] = [await stored(), await consumed()];
    const other = await begun();
    const { stream, answer, isClosed } = await begun();
    answer.write("data: 1\n\n");
    await batches(stream, 2);
    stream.reset();
    expect(await until(async () => isClosed(), Boolean, 1_000)).toBe(true);
    expect((await stream.done).whole).toBe(false);
    // Another stream of the connection goes on.
    other.answer.end("data: last\n\n");
    expect(await other.stream.done).toMatchObject({ whole: true, text: "data: 0\n\ndata: last\n\n" });
    expect(await streamEntries(network, storedBefore + 1)).toHaveLength(storedBefore + 1);
    expect(await until(consumed, (now) => now === paidBefore + COST)).toBe(paidBefore + COST);
    expect(await stored()).toBe(storedBefore + 1);
  });

  test("a backend that breaks off: the client sees that the answer is not whole, and nothing is stored or paid for", async () => {
    const [storedBefore, paidBefore] = [await stored(), await consumed()];
    const { stream, answer } = await begun();
    answer.destroy();
    expect((await stream.done).whole).toBe(false);
    expect(await until(consumed, (now) => now === paidBefore)).toBe(paidBefore);
    expect(await stored()).toBe(storedBefore);
  });

  test("a backend that gives headers twice, or a connection's, streams all the same", async () => {
    const twice = { "content-type": SSE["content-type"], date: "Mon, 30 Nov 2026 00:00:00 GMT", "x-a": "1" };
    const headers = [...Object.entries(twice), ...Object.entries(twice)].flat();
    network.setBackend((_, response) =>
      response.writeHead(200, [...headers, "proxy-connection", "keep-alive"]).end("data: 0\n\n"),
    );
    const stream = openH2Stream(network, session, network.sign(header, JSON.stringify({ id: ++ids })));
    const answer = await stream.done;
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 200, text: "data: 0\n\n" });
    expect(answer.headers).toMatchObject({ "x-a": "1, 1" });
    expect(answer.headers["proxy-connection"]).toBeUndefined();
  });
});

function payloadHashOf(entry: Uint8Array): string {
  const { res } = Relay.decode(MinedRelayMessage.decode(entry).relayBytes);
  return Buffer.from(res?.payloadHash ?? []).toString("hex");
}
