import { gzipSync } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import { framed, openFrames } from "../kit/grpc-frames.ts";
import { h2Request, h2Session } from "../kit/h2-client.ts";
import { openTestPort, type TestPort } from "../kit/port.ts";
import { runningTime } from "../kit/running-time.ts";

const PATH = "/pocket.service.RelayService/SendRelay";
const MIB = 1_048_576;

let port: TestPort;
const got: Uint8Array[] = [];
const open = async () => {
  port = await openTestPort(async (exchange) => {
    got.push(exchange.body);
    exchange.reply(new Uint8Array(1), 0);
  });
  return port;
};
afterEach(async () => {
  got.length = 0;
  await port.listener.close();
});

/** A body of gRPC-Web as text, and the status that it is answered with. */
async function webText(text: string): Promise<string> {
  const response = await fetch(`${port.url}${PATH}`, {
    method: "POST",
    headers: { "content-type": "application/grpc-web-text" },
    body: text,
  });
  const bytes = new Uint8Array(Buffer.from(await response.text(), "base64"));
  return /grpc-status: (\d+)/.exec(openFrames(bytes).trailers)?.[1] ?? "none";
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

test("gRPC-Web as text may come in pieces with padding of their own, but not in millions", async () => {
  await open();
  const whole = framed(new Uint8Array(1_000).fill(7));
  expect(await webText(base64(whole))).toBe("0");
  expect(await webText(base64(whole.subarray(0, 5)) + base64(whole.subarray(5)))).toBe("0");
  expect(got.map((body) => body.length)).toEqual([1_000, 1_000]);
  const start = process.cpuUsage();
  expect(await webText("A=".repeat(4 * MIB))).toBe("3");
  expect(await webText("=".repeat(8 * MIB))).toBe("3");
  expect(await webText("AAAA".repeat(2 * MIB))).toBe("3");
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1_000).toBeLessThan(2_000);
});

test("many small messages that inflate to the largest there may be take no more memory than is set aside", async () => {
  await open();
  const zipped = gzipSync(new Uint8Array(10 * MIB - 100));
  const bomb = framed(zipped);
  bomb[0] = 1;
  const headers = { ":path": PATH, "content-type": "application/grpc", "grpc-encoding": "gzip" };
  const session = h2Session(port.url, { settings: { enablePush: false } });
  await h2Request(session, headers, bomb);
  const before = process.memoryUsage().rss;
  let most = 0;
  const looking = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 5);
  const answers = await Promise.all(Array.from({ length: 150 }, () => h2Request(session, headers, bomb)));
  clearInterval(looking);
  // RESOURCE_EXHAUSTED, or served.
  const statuses = new Set(answers.map((answer) => answer.headers["grpc-status"]));
  expect(statuses.has("8")).toBe(true);
  expect(port.refused).toContain("overloaded");
  expect((most - before) / MIB).toBeLessThan(500);
  // Nothing is left over: there is room again.
  got.length = 0;
  expect((await h2Request(session, headers, bomb)).status).toBe(200);
  expect(got[0]?.length).toBe(10 * MIB - 100);
  session.destroy();
});

test("a client that pings as often as data comes, as Go's gRPC does to measure its connection, keeps it", async () => {
  await open();
  const session = h2Session(port.url);
  const headers = { ":path": PATH, "content-type": "application/grpc" };
  const ping = () => new Promise((resolve) => void session.ping(resolve));
  const start = runningTime();
  for (let sent = 0; sent < 200; sent++) {
    expect((await h2Request(session, headers, framed(new Uint8Array(10)))).status).toBe(200);
    for (let each = 0; each < 3; each++) await ping();
  }
  // Or the limit of a second was never near.
  expect(600 / ((runningTime() - start) / 1_000)).toBeGreaterThan(200);
  expect(session.closed).toBe(false);
  session.close();
});
