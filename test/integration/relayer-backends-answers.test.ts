import { createServer, type Server, type Socket } from "node:net";
import { createGzip, gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Reject } from "../../src/runtime/relayer/rejects.ts";
import { startBackend, type TestBackend } from "../kit/backend.ts";
import { poolOf } from "../kit/pool.ts";
import { until } from "../kit/post.ts";

const MB = 1_048_576;

let backend: TestBackend;
/** Says on its socket whatever the test wants, once for each request. */
let raw: Server;
let rawUrl: string;
let say: (socket: Socket, nth: number) => void = () => undefined;
const sockets = new Set<Socket>();
beforeAll(async () => {
  backend = await startBackend("backend");
  let nth = 0;
  raw = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    socket.on("data", () => say(socket, nth++));
  });
  await new Promise<void>((resolve) => raw.listen(0, "127.0.0.1", resolve));
  const address = raw.address();
  rawUrl = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
});
afterAll(async () => {
  await backend.close();
  for (const socket of sockets) socket.destroy();
  raw.close();
});

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});
const open = (over: Partial<Parameters<typeof poolOf>[0]> = {}) => {
  const pool = poolOf({ yaml: { url: backend.url }, ...over });
  opened.push(pool);
  return pool;
};
const openRaw = () => open({ yaml: { url: rawUrl }, reach: { requestMs: 10_000 } });
const answer = (body: string, headers = `Content-Length: ${body.length}`) =>
  `HTTP/1.1 200 OK\r\n${headers}\r\n\r\n${body}`;

test.each([
  ["no HTTP at all", "SSH-2.0-OpenSSH_9.6\r\n"],
  ["a status that is none", "HTTP/1.1 abc OK\r\n\r\n"],
  ["a header without a name", "HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 0\r\n\r\n"],
  ["a chunk without a size", answer("zz\r\nxx\r\n", "Transfer-Encoding: chunked")],
  ["length and chunks", answer("0\r\n\r\n", "Content-Length: 5\r\nTransfer-Encoding: chunked")],
  ["two lengths", answer("xx", "Content-Length: 1\r\nContent-Length: 2")],
  ["a negative length", answer("xx", "Content-Length: -1")],
  ["headers without end", `HTTP/1.1 200 OK\r\n${"X-A: aaaaaaaaaaaaaaaa\r\n".repeat(2_000)}`],
  [
    "another protocol, unasked",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
  ],
])("an answer with %s is a backend's error", async (_, text) => {
  const { outcome, memory } = openRaw();
  say = (socket) => void socket.write(text);
  expect(await outcome()).toBe("backend_error");
  expect(memory.held).toBe(0);
});

test("an answer that is shorter than it says is an error, not half an answer", async () => {
  const { outcome } = openRaw();
  say = (socket) => void socket.end(answer("half", "Content-Length: 100"));
  expect(await outcome()).toBe("backend_error");
});

test.each([
  ["more bytes than it says", "and more"],
  ["a second answer", answer('{"forged":1}')],
  ["an answer to the next request", `\r\n${answer('{"forged":1}')}`],
])("after an answer with %s the next one is the next request's own", async (_, rest) => {
  const { outcome } = openRaw();
  say = (socket, nth) => void socket.write(nth % 2 === 0 ? answer("first") + rest : answer("second"));
  const seen = [await outcome(), await outcome(), await outcome(), await outcome()];
  expect(seen.filter((text) => text.includes("forged"))).toEqual([]);
  expect(seen.filter((text) => text === "200 first").length).toBeGreaterThan(0);
});

test("interim answers are not the answer", async () => {
  const { outcome } = openRaw();
  say = (socket) => void socket.write(`${"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(500)}${answer("real")}`);
  expect(await outcome()).toBe("200 real");
});

test("an answer without end, or too large, is given up at the bound, and the connection with it", async () => {
  const { outcome, memory } = open({ maxBytes: 2 * MB });
  let isOpen = true;
  backend.set((_, response) => {
    response.once("close", () => {
      isOpen = false;
    });
    const more = (): void => {
      while (isOpen) if (!response.write(Buffer.alloc(65_536))) return void response.once("drain", more);
    };
    more();
  });
  expect(await outcome()).toBe("response_too_large");
  await until(
    async () => isOpen,
    (open) => !open,
  );
  expect(isOpen).toBe(false);
  expect(memory.held).toBe(0);
  backend.set((_, response) => response.end(Buffer.alloc(2 * MB)));
  expect(await outcome()).toMatch(/^200 /);
  backend.set((_, response) => response.end(Buffer.alloc(2 * MB + 1)));
  expect(await outcome()).toBe("response_too_large");
});

test("many large answers at once fill the memory that is set aside for them and no more", async () => {
  const { outcome, memory } = open({ maxBytes: 8 * MB, memoryBytes: 20 * MB, reach: { connections: 50 } });
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, memory.held);
  }, 1);
  const rest: (() => void)[] = [];
  backend.set((_, response) => {
    response.write(Buffer.alloc(4 * MB));
    rest.push(() => response.end(Buffer.alloc(2 * MB)));
  });
  let settled = 0;
  const asked = Array.from({ length: 12 }, () => outcome().finally(() => settled++));
  // Of what came so far five are as much as there is room for.
  await until(
    async () => settled,
    (count) => count >= 7,
  );
  for (const end of rest) end();
  const outcomes = await Promise.all(asked);
  clearInterval(watch);
  const served = outcomes.filter((text) => text.startsWith("200"));
  expect(outcomes.filter((text) => text === "overloaded").length).toBe(12 - served.length);
  expect(served.length).toBeGreaterThanOrEqual(1);
  expect(served.length).toBeLessThanOrEqual(5);
  expect(most).toBeGreaterThan(10 * MB);
  expect(most).toBeLessThanOrEqual(20 * MB);
  expect(memory.held).toBe(0);
});

/** So many megabytes of zeros, a thousandth of that as gzip. */
async function bomb(megabytes: number): Promise<Buffer> {
  const gzip = createGzip({ level: 9 });
  const chunks: Buffer[] = [];
  gzip.on("data", (chunk) => chunks.push(chunk));
  const done = new Promise((resolve) => gzip.once("end", resolve));
  const zeros = Buffer.alloc(MB);
  for (let each = 0; each < megabytes; each++) gzip.write(zeros);
  gzip.end();
  await done;
  return Buffer.concat(chunks);
}

test("a gzip bomb is not blown up beyond the bound, however many come at once: 502, and memory stays flat", async () => {
  const bytes = await bomb(300);
  expect(bytes.length).toBeLessThan(MB);
  const { outcome, ask, memory } = open({
    maxBytes: 8 * MB,
    memoryBytes: 64 * MB,
    reach: { connections: 20 },
  });
  backend.set((_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(bytes));
  const reject = await ask().catch((thrown) => thrown);
  expect(reject).toBeInstanceOf(Reject);
  expect(reject).toMatchObject({ code: "response_too_large", status: 502 });
  const before = process.memoryUsage().rss;
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss - before);
  }, 5);
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => outcome()));
  clearInterval(watch);
  for (const one of outcomes) expect(["response_too_large", "overloaded"]).toContain(one);
  expect(memory.held).toBe(0);
  // Twenty of them are 6 GB.
  expect(most).toBeLessThan(400 * MB);
});

test("an inflated answer may be just as large as one that came so", async () => {
  const { ask } = open({ maxBytes: 2 * MB });
  backend.set((_, response) =>
    response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(2 * MB))),
  );
  expect((await ask()).body.length).toBe(2 * MB);
  backend.set((_, response) => response.end(gzipSync(Buffer.alloc(2 * MB + 1))));
  await expect(ask()).rejects.toMatchObject({ code: "response_too_large" });
});

test("gzip that is cut off, or is none, goes on as it came", async () => {
  const { ask } = open();
  const cut = gzipSync("x".repeat(10_000)).subarray(0, 30);
  for (const body of [cut, Buffer.from("plain")]) {
    backend.set((_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(body));
    const { body: came, headers } = await ask();
    expect(Buffer.from(came)).toEqual(body);
    expect(headers).toContainEqual(["content-encoding", "gzip"]);
  }
});

test.each([
  "http://169.254.169.254/latest/meta-data/",
  "file:///etc/passwd",
  "//other.example/",
  "/elsewhere",
])("a redirect to %s is an answer and is not followed", async (location) => {
  const { ask } = open();
  for (const status of [301, 302, 303, 307, 308]) {
    backend.heard.length = 0;
    backend.set((_, response) => response.writeHead(status, { location }).end("moved"));
    const { status: came, headers } = await ask();
    expect(came).toBe(status);
    expect(headers).toContainEqual(["location", location]);
    expect(backend.heard.length).toBe(1);
  }
});
