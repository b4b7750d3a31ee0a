import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { afterEach, expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { RelaySocket } from "./websocket.ts";

let server: Server | undefined;
const sockets: Duplex[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server?.close();
});

/** A relayer's port, with what it does to who asks for a WebSocket. */
async function relayer(act: (socket: Duplex) => void): Promise<string> {
  const listening = createServer().on("upgrade", (_, socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    act(socket);
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

const open = (url: string) =>
  RelaySocket.open({ url, headers: {}, clock: systemClock, timeoutMs: 2_500, frames: "binary" });

test("a refusal without end is told after its time, or its beginning", { timeout: 30_000 }, async () => {
  const head = "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 1000000000\r\n\r\n";
  const drips = await relayer((socket) => {
    socket.write(head);
    const drip = setInterval(() => socket.write("no "), 250);
    socket.once("close", () => clearInterval(drip));
  });
  const start = performance.now();
  expect(await open(drips)).toMatchObject({ kind: "refused", status: 403 });
  expect(performance.now() - start).toBeLessThan(15_000);
  server?.close();
  const floods = await relayer((socket) => {
    socket.write(head);
    for (let piece = 0; piece < 400; piece++) socket.write(Buffer.alloc(65_536, "x"));
  });
  expect(await open(floods)).toMatchObject({ kind: "refused", status: 403 });
});
