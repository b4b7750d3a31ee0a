import type { IncomingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fromUtf8, utf8 } from "../../src/base/bytes.ts";
import { RelayRequest } from "../../src/chain/proto/service.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { type Network, startNetwork } from "../kit/network.ts";
import { post, until } from "../kit/post.ts";
import { streamEntries } from "../kit/stream.ts";

const QUICK = { request_seconds: 4, response_header_seconds: 4, dial_seconds: 4 };

let network: Network;
let header: SessionHeader;
beforeAll(async () => {
  network = await startNetwork("eager", { relayer: { timeout_profiles: { fast: QUICK } } });
  await network.devnet.control("halt", {});
  header = await network.header();
});
afterAll(() => network.close());

let ids = 0;
const relay = (how = {}) => post(network, network.sign(header, JSON.stringify({ id: ++ids }), how));
const stored = async () => (await streamEntries(network, 0)).length;

/** The status of a relay that earns nothing, which is the same as not being stored. */
async function statusUnpaid(): Promise<number> {
  const before = await stored();
  const { status } = await relay();
  expect(await stored()).toBe(before);
  return status;
}

test("a backend that answers too late is a 504, one that stops in the middle too", async () => {
  network.setBackend(() => undefined);
  expect(await statusUnpaid()).toBe(504);
  network.setBackend((_, response) => void response.write("half"));
  expect(await statusUnpaid()).toBe(504);
});

test("a backend that breaks the connection is a 502", async () => {
  network.setBackend((request) => request.socket.destroy());
  expect(await statusUnpaid()).toBe(502);
  network.setBackend((request, response) => {
    response.writeHead(200, { "content-length": 100 }).write("half");
    request.socket.destroySoon();
  });
  expect(await statusUnpaid()).toBe(502);
});

test("header values beyond ASCII are the same bytes on both sides, as with the Go peer", async () => {
  const bytes = Buffer.from("日本 é", "utf8").toString("latin1");
  let heard: unknown;
  network.setBackend((request, response) => {
    heard = request.headers["x-name"];
    response.setHeader("x-name", bytes).end(Buffer.from("{}"));
  });
  const { inner } = await relay({ headers: [["X-Name", "日本 é"]] });
  expect(heard).toBe(bytes);
  expect(inner?.header.get("X-Name")?.values).toEqual(["日本 é"]);
});

test.each([500, 503, 599])(
  "a backend's %i goes to the client as it is, unsigned and unpaid",
  async (status) => {
    network.setBackend((_, response) => response.writeHead(status).end("secret details of the backend"));
    const before = await stored();
    const answer = await relay();
    expect(answer).toMatchObject({ status, error: "the backend failed" });
    expect(await stored()).toBe(before);
  },
);

test.each([200, 204, 404, 499])(
  "a backend's %i is a paid relay, signed, with the status inside",
  async (status) => {
    network.setBackend((_, response) => response.writeHead(status, { "x-one": "1" }).end());
    const before = await stored();
    const { inner } = await relay();
    expect(inner).toMatchObject({ statusCode: status });
    expect(inner?.header.get("X-One")?.values).toEqual(["1"]);
    expect(await streamEntries(network, before + 1)).toHaveLength(before + 1);
  },
);

test("a gzip answer is opened, and what only says that it is gzip goes on as it came", async () => {
  network.setBackend((request, response) => {
    expect(request.headers["accept-encoding"]).toBe("identity");
    response.writeHead(200, { "content-encoding": "GZIP" }).end(gzipSync('{"result":"0x2"}'));
  });
  const opened = (await relay()).inner;
  expect(fromUtf8(opened?.bodyBz ?? utf8(""))).toBe('{"result":"0x2"}');
  expect(opened?.header.has("Content-Encoding")).toBe(false);
  network.setBackend((_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end("plain"));
  const plain = (await relay()).inner;
  expect(fromUtf8(plain?.bodyBz ?? utf8(""))).toBe("plain");
  expect(plain?.header.get("Content-Encoding")?.values).toEqual(["gzip"]);
});

test("a redirect is an answer and is not followed", async () => {
  const before = network.backendCalls();
  network.setBackend((request, response) =>
    response.writeHead(302, { location: `http://${request.headers.host}/elsewhere` }).end(),
  );
  expect((await relay()).inner?.statusCode).toBe(302);
  expect(network.backendCalls()).toBe(before + 1);
});

test("an answer without end is given up at 100 MiB", async () => {
  const chunk = Buffer.alloc(1024 * 1024, "x");
  let sent = 0;
  let gone = false;
  network.setBackend((_, response) => {
    response.once("close", () => {
      gone = true;
    });
    const more = () => {
      while (!gone) {
        sent += chunk.length;
        if (!response.write(chunk)) return void response.once("drain", more);
      }
    };
    more();
  });
  const status = await statusUnpaid();
  expect([502, 504]).toContain(status);
  expect(await until(async () => gone, Boolean)).toBe(true);
  expect(sent).toBeLessThan(120 * 1024 * 1024);
});

test("when the client goes away the backend is let go at once and nothing is stored", async () => {
  const before = await stored();
  let [asked, letGo] = [false, false];
  network.setBackend((_, response) => {
    asked = true;
    response.once("close", () => {
      letGo = true;
    });
  });
  const body = Buffer.from(RelayRequest.encode(network.sign(header, '{"id":"gone"}')));
  const leaving = new AbortController();
  const answer = fetch(network.url, { method: "POST", body, signal: leaving.signal }).catch(() => "left");
  await until(async () => asked, Boolean);
  leaving.abort();
  expect(await answer).toBe("left");
  expect(await until(async () => letGo, Boolean, 3_000)).toBe(true);
  expect(await stored()).toBe(before);
});

test("the backend hears of the supplier, and nothing that a client smuggles in", async () => {
  let heard: IncomingHttpHeaders = {};
  let url: string | undefined;
  network.setBackend((request, response) => {
    ({ headers: heard, url } = request);
    response.end("{}");
  });
  const headers = [
    ["Host", "169.254.169.254"],
    ["Authorization", "Bearer stolen"],
    ["Cookie", "session=stolen"],
    ["Transfer-Encoding", "chunked"],
    ["Content-Length", "3"],
    ["Connection", "close, X-Hop"],
    ["X-Hop", "1"],
    ["X-Forwarded-For", "10.0.0.1"],
    ["Pocket-Supplier", "somebody else"],
    ["X-Split", "a\r\nX-Injected: 1"],
    ["X-Kept", "yes"],
  ];
  expect((await relay({ headers, path: "//evil.example/x?y=1" })).status).toBe(200);
  expect(url).toBe("/evil.example/x?y=1");
  expect(heard).toMatchObject({
    "x-kept": "yes",
    "pocket-supplier": network.supplier.address,
    "pocket-application": network.application.address,
    "pocket-service": header.serviceId,
  });
  for (const name of ["authorization", "cookie", "x-hop", "x-forwarded-for", "x-split", "x-injected"])
    expect(heard[name]).toBeUndefined();
  expect(heard.host).toMatch(/^127\.0\.0\.1:/);
});

test.each([
  ["a tunnel", { method: "CONNECT" }],
  ["its own headers", { method: "TRACE" }],
  ["a path above the base", { path: "/a/%2e%2e/b" }],
])("whoever asks the backend for %s gets a 400", async (_, how) => {
  const before = network.backendCalls();
  expect((await relay(how)).status).toBe(400);
  expect(network.backendCalls()).toBe(before);
});

/** Raw bytes to the relay port; what comes back until it closes or falls silent. */
const raw = (text: string): Promise<string> =>
  new Promise((resolve) => {
    let answer = "";
    const socket = connect(Number(new URL(network.url).port), "127.0.0.1", () => socket.write(text));
    socket.setTimeout(5_000, () => socket.destroy());
    socket.on("data", (data) => (answer += String(data)));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer));
  });

test("a client that sends all of a body that is too large before it looks gets its 413", async () => {
  const size = 12_582_912;
  const socket = connect(Number(new URL(network.url).port), "127.0.0.1");
  let answer = "";
  socket.on("data", (data) => (answer += String(data)));
  const failure = await new Promise<Error | undefined>((resolve) => {
    socket.once("error", resolve).once("close", () => resolve(undefined));
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
    socket.write(Buffer.alloc(size));
  });
  expect(failure).toBeUndefined();
  expect(answer).toMatch(/^HTTP\/1\.1 413 [\s\S]*"the body is too large"}$/);
});

test("a body that is too large is refused while it comes, whatever it said of its length", async () => {
  const size = 10_485_760;
  const declared = await raw(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size + 1}\r\n\r\n`);
  expect(declared).toMatch(/^HTTP\/1\.1 413 /);
  const chunk = `100000\r\n${"x".repeat(0x100000)}\r\n`;
  const chunked = await raw(
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(11)}`,
  );
  expect(chunked).toMatch(/^HTTP\/1\.1 413 /);
  network.setBackend((_, response) => response.end("{}"));
  expect((await relay()).status).toBe(200);
});
