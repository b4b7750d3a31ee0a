/** Clients that mean no good, in a process of their own: each kind keeps its connections going, and opens a new one for each that is closed. */
import { connect } from "node:net";
import { answerCalls } from "./child.mjs";

const frame = (type, flags, stream, payload) => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};
const HELLO = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1"),
  frame(4, 0, 0, Buffer.alloc(0)),
]);
const POST_HEAD = Buffer.of(0x83, 0x86, 0x84, 0x41, 1, 0x78);
const head = (length) => `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n`;
/** A tenth of a second between what one connection sends; of those that flood, only a few connect. */
const TICK_MS = 100;
const FLOODERS = 4;

/** What a connection sends first, what it sends at each tick, and whether a few of them are as many as one needs. */
export const HOSTILE = {
  "slow heads": { first: "POST / HTTP/1.1\r\nhost: x\r\n", tick: () => "a" },
  "slow bodies": { first: head(5_000_000), tick: () => "a" },
  "slow readers": {
    first: "GET /health HTTP/1.1\r\nhost: x\r\n\r\n".repeat(50),
    tick: () => "",
    reads: false,
  },
  "oversized bodies": { first: head(1_000_000_000), tick: () => Buffer.alloc(100_000), few: true },
  "malformed requests": {
    first: "POST http://x/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    tick: () => "",
    few: true,
  },
  "rapid resets": {
    first: HELLO,
    tick: (turn) =>
      Buffer.concat(
        Array.from({ length: 500 }, (_, index) => {
          const stream = (turn * 500 + index) * 2 + 1;
          return Buffer.concat([frame(1, 4, stream, POST_HEAD), frame(3, 0, stream, Buffer.of(0, 0, 0, 8))]);
        }),
      ),
    few: true,
  },
  continuations: {
    first: Buffer.concat([HELLO, frame(1, 0, 1, POST_HEAD)]),
    tick: () => Buffer.concat(Array.from({ length: 100 }, () => frame(9, 0, 1, Buffer.alloc(1_000, 0x40)))),
    few: true,
  },
  pings: {
    first: HELLO,
    tick: () => Buffer.concat(Array.from({ length: 1_000 }, () => frame(6, 0, 0, Buffer.alloc(8)))),
    few: true,
  },
};

let running;

function start({ kind, url, connections }) {
  const { hostname, port } = new URL(url);
  const { first, tick, few = false, reads = true } = HOSTILE[kind];
  running = { sockets: new Set(), sent: 0, closed: 0, stopped: false };
  const mine = running;
  const open = () => {
    if (mine.stopped) return;
    mine.sent += 1;
    const socket = connect(Number(port), hostname);
    let turn = 0;
    const timer = setInterval(() => {
      if (socket.writableLength < 1_000_000) socket.write(tick(turn++));
    }, TICK_MS);
    mine.sockets.add(socket);
    socket.on("error", () => undefined);
    if (reads) socket.resume();
    socket.once("close", () => {
      clearInterval(timer);
      mine.sockets.delete(socket);
      if (!mine.stopped) mine.closed += 1;
      setTimeout(open, TICK_MS);
    });
    socket.write(first);
  };
  for (let index = 0; index < (few ? FLOODERS : connections); index++) open();
}

function stop() {
  running.stopped = true;
  for (const socket of running.sockets) socket.destroy();
  return { sent: running.sent, closed: running.closed };
}

if (process.send) answerCalls({ start: async (how) => start(how), stop: async () => stop() });
