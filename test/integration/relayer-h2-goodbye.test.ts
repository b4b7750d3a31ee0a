import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { h2Request, h2Session } from "../kit/h2-client.ts";
import { END_HEADERS, frame, HELLO, POST_HEAD, sendRaw } from "../kit/h2-frames.ts";
import { openTestPort } from "../kit/port.ts";

const END_STREAM = 1;
const GOODBYE = frame("goaway", 0, 0, new Uint8Array(8));
const post = (stream: number) => frame("headers", END_HEADERS | END_STREAM, stream, POST_HEAD);

// Where the first and the last of these fail there may be no error: the process of this file is aborted.
test("a goodbye, a request after it and a frame of a wrong size do not end the process", async () => {
  const port = await openTestPort(async (exchange) => exchange.reply(new Uint8Array(1), 0));
  for (const wrong of [frame("ping", 0, 0, new Uint8Array(3)), frame("reset", 0, 1, new Uint8Array(3))])
    await sendRaw(port.url, [Buffer.concat([HELLO, GOODBYE, post(1), wrong])], 500);
  const session = h2Session(port.url);
  expect((await h2Request(session, {})).status).toBe(200);
  session.destroy();
  await port.listener.close();
});

test("requests behind a client's goodbye in the same packet are answered, then the connection is closed", async () => {
  const port = await openTestPort(async (exchange) => {
    await sleep(20);
    exchange.reply(Buffer.from("answer"), 0);
  });
  const bytes = Buffer.concat([HELLO, post(1), GOODBYE, post(3)]);
  const { received, closed } = await sendRaw(port.url, [bytes], 4_000);
  expect(received.toString("latin1").split("answer")).toHaveLength(3);
  expect(closed).toBe(true);
  await port.listener.close();
});

test("answers that break off while the next request is read do not break the heap", async () => {
  let held: { readonly breakOff: () => void }[] = [];
  let broken = 0;
  const port = await openTestPort(async (exchange) => {
    const mine = exchange.stream(200, []);
    if (held.push(mine) < 16) return;
    // The end of the newest waits to be sent when the last one's is; as many before it as the allocator keeps aside.
    const [last, ...others] = held;
    for (const one of others) one.breakOff();
    last?.breakOff();
    held = [];
    broken += 1;
  });
  const posts = Buffer.concat(Array.from({ length: 16 }, (_, index) => post(1 + 2 * index)));
  for (let turn = 0; turn < 60; turn++) {
    const socket = connect(port.port, "127.0.0.1").on("error", () => undefined);
    socket.write(HELLO);
    await once(socket, "data");
    socket.write(posts);
    await vi.waitFor(() => expect(broken).toBe(turn + 1), { interval: 1, timeout: 30_000 });
    socket.destroy();
  }
  await port.listener.close();
});
