import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RelayRequest } from "../../src/chain/proto/service.ts";
import { h2Session } from "../kit/h2-client.ts";
import { type Network, startNetwork } from "../kit/network.ts";

let network: Network;
beforeAll(async () => {
  network = await startNetwork("eager", { relayer: { relay: { verify_workers: 0 } } });
});
afterAll(() => network.close());

test("a body that trickles in is closed after its first seconds, on both protocols; a slow one that comes is read", async () => {
  const start = performance.now();
  const [overHttp1, overHttp2, steady] = await Promise.all([
    http1(1, 1_000),
    http2(),
    // Not a relay, but read whole: it is refused as one.
    http1(1_000, 120),
  ]);
  expect(overHttp1.answer).toBe("");
  expect(overHttp1.endedAt - start).toBeGreaterThan(9_000);
  expect(overHttp2 - start).toBeGreaterThan(9_000);
  expect(steady.answer).toContain("HTTP/1.1 400");
  expect(steady.endedAt - start).toBeGreaterThan(11_000);
}, 40_000);

/** Sends a body of so many pieces, one every tenth of a second, until it is whole or the other side closes the connection. */
async function http1(bytes: number, pieces: number) {
  const { hostname, port } = new URL(network.url);
  const socket = connect(Number(port), hostname);
  let answer = "";
  socket.on("error", () => undefined);
  socket.on("data", (data) => {
    answer += String(data);
  });
  const closed = new Promise<number>((resolve) => socket.once("close", () => resolve(performance.now())));
  socket.write(
    `POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${bytes * pieces}\r\n\r\n`,
  );
  for (let piece = 0; piece < pieces && !socket.destroyed; piece++) {
    socket.write(Buffer.alloc(bytes, 0xff));
    await sleep(100);
  }
  return { answer, endedAt: await closed };
}

async function http2(): Promise<number> {
  const session = h2Session(network.url);
  const stream = session.request({ ":method": "POST", ":path": "/", "rpc-type": "3" });
  stream.on("error", () => undefined);
  const closed = new Promise<number>((resolve) => stream.once("close", () => resolve(performance.now())));
  const relay = RelayRequest.encode(network.sign(await network.header(), "{}"));
  for (const byte of relay) {
    if (stream.closed) break;
    stream.write(Uint8Array.of(byte));
    await sleep(100);
  }
  const at = await closed;
  session.destroy();
  return at;
}
