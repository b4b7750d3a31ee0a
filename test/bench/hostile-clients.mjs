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
/** Between what one connection sends. slowhttptest, whose kinds these are, waits ten seconds by default. */
const SLOW_MS = 1_000;
const FLOOD_MS = 100;
/** Of those that flood, only a few connect; each comes back after this. */
const BACK_MS = 100;
const FLOODERS = 4;
/** New connections a second, of those that stay: a tool such as slowhttptest opens fewer. */
const OPENED_PER_SECOND = 200;

/** What a connection sends first, what it sends at each tick, and whether a few that flood are as many as one needs. */
export const HOSTILE = {
  "slow heads": { first: "POST / HTTP/1.1\r\nhost: x\r\n", tick: () => "a" },
  "slow bodies": { first: head(5_000_000), tick: () => "a" },
  // As many requests at once as one connection may have.
  "slow readers": {
    first: "GET /health HTTP/1.1\r\nhost: x\r\n\r\n".repeat(11),
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

/** `url` of a relayer; `connections` of slow clients. */
function start({ kind, url, connections }) {
  const { hostname, port } = new URL(url);
  const { first, tick, few = false, reads = true } = HOSTILE[kind];
  running = { sockets: new Set(), sent: 0, closed: 0, stopped: false };
  const mine = running;
  const tickMs = few ? FLOOD_MS : SLOW_MS;
  const open = () => {
    if (mine.stopped) return;
    mine.sent += 1;
    const socket = connect(Number(port), hostname);
    let turn = 0;
    let timer;
    // Each in its own time: together they would be one large request ten times a second.
    const begin = setTimeout(() => {
      timer = setInterval(() => {
        if (socket.writableLength < 1_000_000) socket.write(tick(turn++));
      }, tickMs);
    }, Math.random() * tickMs);
    mine.sockets.add(socket);
    socket.on("error", () => undefined);
    if (reads) socket.resume();
    socket.once("close", () => {
      clearTimeout(begin);
      clearInterval(timer);
      mine.sockets.delete(socket);
      if (!mine.stopped) mine.closed += 1;
      setTimeout(open, BACK_MS);
    });
    socket.write(first);
  };
  if (few) for (let index = 0; index < FLOODERS; index++) open();
  else mine.opening = openSlowly(open, connections);
}

function openSlowly(open, connections) {
  let left = connections;
  const timer = setInterval(() => {
    open();
    left -= 1;
    if (left === 0) clearInterval(timer);
  }, 1000 / OPENED_PER_SECOND);
  return timer;
}

function stop() {
  running.stopped = true;
  clearInterval(running.opening);
  for (const socket of running.sockets) socket.destroy();
  return { sent: running.sent, closed: running.closed };
}

if (process.send) answerCalls({ start: async (how) => start(how), stop: async () => stop() });
