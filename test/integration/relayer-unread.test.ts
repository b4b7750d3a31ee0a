import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import type { Exchange } from "../../src/runtime/relayer/exchange.ts";
import { h2Request, h2Session } from "../kit/h2-client.ts";
import { CANCEL, END_HEADERS, frame, HELLO, POST_HEAD } from "../kit/h2-frames.ts";
import { openTestPort, type TestPort } from "../kit/port.ts";
import { until } from "../kit/post.ts";
import { ranFor } from "../kit/running-time.ts";

/** Longer than any answer here may take to be read. */
const TOO_LONG = 60_000;
const MB = 1_000_000;
const REQUEST = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx";
const END_STREAM = 1;
/** No test here is about how many requests may wait. */
const LONG_LINE = { pipelined_requests: 1_000 };

const sockets: Socket[] = [];
let opened: TestPort | undefined;
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await opened?.listener.close();
  opened = undefined;
});

/** Requests that were answered. */
let answered = 0;
const untilAnswered = (count: number) =>
  until(
    async () => answered,
    (seen) => seen >= count,
  );

/** A port whose answers have so many bytes. */
async function portOf(bytes: number, limits: Readonly<Record<string, number>> = {}): Promise<TestPort> {
  answered = 0;
  const answer = async (exchange: Exchange) => {
    exchange.reply(new Uint8Array(bytes).fill(97), 0);
    answered += 1;
  };
  opened = await openTestPort(answer, { limits });
  return opened;
}

/** A client that sends and reads nothing until it is resumed. */
function silent({ port }: TestPort): Socket {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => undefined);
  socket.pause();
  sockets.push(socket);
  return socket;
}

/** Whether the other side has closed: to be called at the end, since it reads what is left. */
function isClosed(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    socket.once("close", () => resolve(true));
    socket.resume();
    setTimeout(() => resolve(false), 3_000);
  });
}

/** Resolves when so many were broken off for what they did not read. */
async function closings(port: TestPort, least: number): Promise<void> {
  const count = await until(
    () => port.closed("unread_answer"),
    (broken) => broken >= least,
    20_000,
  );
  expect(count).toBeGreaterThanOrEqual(least);
}

describe("over HTTP/1.1", () => {
  test("small answers that are not read end their connection after their time; one that only waits does not", async () => {
    const port = await portOf(50_000, LONG_LINE);
    const unread = silent(port);
    unread.write(REQUEST.repeat(400));
    const waiting = silent(port);
    waiting.write(REQUEST);
    await untilAnswered(2);
    await ranFor(500);
    expect(await port.closed("unread_answer")).toBe(0);
    port.later(TOO_LONG);
    await closings(port, 1);
    expect(await isClosed(unread)).toBe(true);
    expect(await isClosed(waiting)).toBe(false);
  });

  test("health paths are no way around it: so many do not wait", async () => {
    const port = await portOf(1);
    const unread = silent(port);
    for (let turn = 0; turn < 40; turn++)
      unread.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1_000));
    expect(await isClosed(unread)).toBe(true);
    expect(await port.closed("pipelined")).toBe(1);
  });

  test("requests in a row are over when their connection is, also those whose turn had not come", async () => {
    let gone = 0;
    let answer: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    opened = await openTestPort(
      async (exchange) => {
        exchange.client.whenGone(() => (gone += 1));
        await answered;
        exchange.reply(new Uint8Array(10), 0);
      },
      { limits: LONG_LINE },
    );
    const client = silent(opened);
    client.write(REQUEST.repeat(20));
    await ranFor(300);
    client.destroy();
    await until(
      async () => gone,
      (count) => count === 20,
      5_000,
    );
    answer();
    const start = performance.now();
    await opened.listener.idle(10_000);
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});

describe("over HTTP/2", () => {
  const post = (stream: number) => frame("headers", END_HEADERS | END_STREAM, stream, POST_HEAD);
  /** SETTINGS_INITIAL_WINDOW_SIZE of 2^31-1, and as much for the connection. */
  const wideOpen = Buffer.concat([
    frame("settings", 0, 0, Uint8Array.of(0, 4, 0x7f, 0xff, 0xff, 0xff)),
    frame("window", 0, 0, Uint8Array.of(0x7f, 0xff, 0, 0)),
  ]);

  test("a stream whose window stays shut is reset after its time, and the connection serves on", async () => {
    const port = await portOf(200_000);
    const session = h2Session(port.url, { settings: { initialWindowSize: 1_000 } });
    const stuck = session.request({ ":method": "POST", ":path": "/" }, { endStream: true });
    const over = new Promise<number | undefined>((resolve) =>
      stuck.once("close", () => resolve(stuck.rstCode)),
    );
    stuck.on("error", () => undefined);
    await untilAnswered(1);
    await ranFor(500);
    port.later(TOO_LONG);
    expect(await over).not.toBe(0);
    expect((await h2Request(session, {})).bytes).toHaveLength(200_000);
    session.destroy();
  });

  test("a connection of which nothing is read is closed after its time, whatever windows it gave", async () => {
    const port = await portOf(2 * MB);
    const unread = silent(port);
    unread.write(
      Buffer.concat([HELLO, wideOpen, ...Array.from({ length: 20 }, (_, index) => post(2 * index + 1))]),
    );
    await untilAnswered(20);
    await ranFor(500);
    expect(await port.closed("unread_answer")).toBe(0);
    port.later(TOO_LONG);
    await closings(port, 1);
    expect(await isClosed(unread)).toBe(true);
  });

  test("answers that we broke off allow for no control frames", async () => {
    const port = await portOf(2 * MB, { control_frames_per_second: 100 });
    const pings = Buffer.concat(Array.from({ length: 600 }, () => frame("ping", 0, 0, new Uint8Array(8))));
    const client = silent(port);
    let seen = Buffer.alloc(0);
    client.on("data", (chunk: Buffer) => (seen = Buffer.concat([seen, chunk])));
    client.resume();
    client.write(Buffer.concat([HELLO, ...Array.from({ length: 5 }, (_, index) => post(2 * index + 1))]));
    await untilAnswered(5);
    await ranFor(500);
    port.later(TOO_LONG);
    const resets = () =>
      Array.from({ length: 5 }, (_, index) => frame("reset", 0, 2 * index + 1, CANCEL)).filter((each) =>
        seen.includes(each),
      ).length;
    await until(
      async () => resets(),
      (count) => count === 5,
      5_000,
    );
    client.write(pings);
    expect(await isClosed(client)).toBe(true);
    expect(await port.closed("h2_control_frames")).toBe(1);
  });

  test("one that is told to go and does not close is closed", async () => {
    const port = await portOf(10);
    const silentOne = silent(port);
    silentOne.write(Buffer.concat([HELLO, post(1)]));
    await untilAnswered(1);
    await ranFor(300);
    port.listener.stopAccepting();
    await ranFor(300);
    port.later(TOO_LONG);
    await ranFor(1_500);
    expect(await connectionsOf(silentOne)).toBe("closed");
  });
});

test("more than so much in all is not kept: who has waited longest is broken off, and who reads is served", async () => {
  const port = await portOf(3 * MB, { unread_mb: 20 });
  const session = h2Session(port.url);
  const before = silent(port);
  before.write(REQUEST.repeat(4));
  await untilAnswered(1);
  await ranFor(300);
  for (let index = 0; index < 6; index++) silent(port).write(REQUEST.repeat(4));
  await closings(port, 1);
  expect(await isClosed(before)).toBe(true);
  expect((await h2Request(session, {})).bytes).toHaveLength(3 * MB);
  session.destroy();
});

/** Whether a write to the other side comes back as an error. */
async function connectionsOf(socket: Socket): Promise<"open" | "closed"> {
  const closed = new Promise<"closed">((resolve) => socket.once("close", () => resolve("closed")));
  for (let turn = 0; turn < 3 && !socket.destroyed; turn++) {
    socket.write(frame("ping", 0, 0, new Uint8Array(8)));
    await sleep(200);
  }
  return Promise.race([closed, sleep(1_000).then((): "open" => "open")]);
}
