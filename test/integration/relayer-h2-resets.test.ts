import { afterEach, expect, test } from "vitest";
import type { Exchange } from "../../src/runtime/relayer/exchange.ts";
import { h2Request, h2Session } from "../kit/h2-client.ts";
import { CANCEL, END_HEADERS, frame, HELLO, POST_HEAD, sendRaw } from "../kit/h2-frames.ts";
import { openTestPort, type TestPort } from "../kit/port.ts";

const [GOAWAY, ENHANCE_YOUR_CALM] = [7, 11];
const MOST_RESETS = 5;
const LIMITS = { limits: { resets_per_second: MOST_RESETS, flood_penalty_seconds: 0 } };
const HEAD_BYTES = 9;

let port: TestPort | undefined;
afterEach(() => port?.listener.close());

/** The error codes of the goodbyes among the frames. */
function goodbyes(bytes: Buffer): number[] {
  const codes: number[] = [];
  for (let at = 0; at + HEAD_BYTES <= bytes.length; at += HEAD_BYTES + bytes.readUIntBE(at, 3))
    if (bytes[at + 3] === GOAWAY) codes.push(bytes.readUInt32BE(at + HEAD_BYTES + 4));
  return codes;
}

const reset = (stream: number) =>
  Buffer.concat([frame("headers", END_HEADERS, stream, POST_HEAD), frame("reset", 0, stream, CANCEL)]);

test("a client that breaks off too many streams is told to calm down", async () => {
  port = await openTestPort(async (exchange) => exchange.reply(new Uint8Array(1), 0), LIMITS);
  const resets = Array.from({ length: MOST_RESETS + 1 }, (_, index) => reset(1 + 2 * index));
  const { received, closed } = await sendRaw(port.url, [HELLO, ...resets]);
  expect(closed).toBe(true);
  expect(goodbyes(received)).toEqual([ENHANCE_YOUR_CALM]);
  expect(await port.closed("h2_resets")).toBe(1);
});

test("streams that we break off are not the client's", async () => {
  port = await openTestPort(async (exchange: Exchange) => {
    if (exchange.header("rpc-type") === undefined) exchange.stream(200, []).breakOff();
    else exchange.reply(new Uint8Array(1), 0);
  }, LIMITS);
  const session = h2Session(port.url);
  for (let sent = 0; sent < 2 * MOST_RESETS; sent++) {
    const stream = session.request({ ":method": "POST", ":path": "/" }).on("error", () => undefined);
    stream.end();
    await new Promise((resolve) => stream.once("close", resolve));
    expect(stream.rstCode).not.toBe(0);
  }
  expect((await h2Request(session, { "rpc-type": "3" })).status).toBe(200);
  expect(await port.closed("h2_resets")).toBe(0);
  session.destroy();
});
