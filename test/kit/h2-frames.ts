import { connect, type Socket } from "node:net";
import { runningTime } from "./running-time.ts";

/** Frames of HTTP/2 by hand, for what no client would send (RFC 9113, 4.1). */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

const TYPES = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const;
export const END_HEADERS = 4;

export function frame(type: keyof typeof TYPES, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = TYPES[type];
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export const NOTHING = new Uint8Array(0);
/** CANCEL. */
export const CANCEL = Uint8Array.of(0, 0, 0, 8);
/** HPACK: POST, http, /, and an authority of one letter. */
export const POST_HEAD = Uint8Array.of(0x83, 0x86, 0x84, 0x41, 1, 0x78);
export const HELLO = Buffer.concat([PREFACE, frame("settings", 0, 0, NOTHING)]);

export type RawEnd = { readonly received: Buffer; readonly ms: number; readonly closed: boolean };

type Pieces = Iterable<Uint8Array | string> | AsyncIterable<Uint8Array | string>;

/** Sends bytes on a connection of its own and reads until the other side closes it, or for `patienceMs` of this process. */
export function sendRaw(url: string, pieces: Pieces, patienceMs = 8_000): Promise<RawEnd> {
  const { hostname, port } = new URL(url);
  const started = performance.now();
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const socket: Socket = connect(Number(port), hostname);
    const end = (closed: boolean) => {
      clearInterval(timer);
      socket.destroy();
      resolve({ received: Buffer.concat(received), ms: performance.now() - started, closed });
    };
    const deadline = runningTime() + patienceMs;
    const timer = setInterval(() => runningTime() > deadline && end(false), 10);
    socket.on("data", (chunk) => received.push(chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => end(true));
    socket.once("connect", () => void writeAll(socket, pieces));
  });
}

async function writeAll(socket: Socket, pieces: Pieces): Promise<void> {
  for await (const piece of pieces) {
    if (socket.destroyed) return;
    if (socket.write(piece)) continue;
    await new Promise<void>((resolve) => {
      socket.once("drain", resolve);
      socket.once("close", () => resolve());
    });
  }
}
