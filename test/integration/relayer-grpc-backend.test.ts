import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PoktHttpResponse } from "../../src/chain/proto/http-envelope.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { headerPairs } from "../../src/chain/protocol/http-headers.ts";
import { type GrpcClient, grpcClient } from "../kit/grpc-client.ts";
import { framed, openFrames } from "../kit/grpc-frames.ts";
import { type Network, startNetwork } from "../kit/network.ts";
import { post } from "../kit/post.ts";
import { ranFor } from "../kit/running-time.ts";
import { until } from "../kit/websocket.ts";

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
const message = (words: string) => framed(new TextEncoder().encode(words));

/** A real gRPC server: /kit.Echo/Say gives back what it got, and who asks. */
async function echoServer(): Promise<{ port: number; close: () => void }> {
  const server = new Server();
  const asIs = (bytes: Buffer) => bytes;
  server.addService(
    {
      Say: {
        path: "/kit.Echo/Say",
        requestStream: false,
        responseStream: false,
        requestSerialize: asIs,
        requestDeserialize: asIs,
        responseSerialize: asIs,
        responseDeserialize: asIs,
      },
    },
    {
      // biome-ignore lint/suspicious/noExplicitAny: the types of a handler are made for generated services
      Say: (call: any, answer: any) => {
        const words = String(call.request);
        if (words === "missing") return answer({ code: 5, details: "no such thing" });
        const who = String(call.metadata.get("pocket-application")[0] ?? "nobody");
        return answer(null, Buffer.from(`${words} from ${who}`));
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, found) =>
      error ? reject(error) : resolve(found),
    ),
  );
  return { port, close: () => server.forceShutdown() };
}

/** Anything that speaks HTTP/2. */
async function rawServer(): Promise<{
  server: Http2Server;
  port: number;
  act: { now: (stream: ServerHttp2Stream, turn: number) => void };
  turns: () => number;
}> {
  let turn = 0;
  const act = { now: (stream: ServerHttp2Stream, _: number) => stream.close() };
  const server = createServer().on("stream", (stream) => {
    turn += 1;
    stream.on("error", () => undefined);
    act.now(stream, turn);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, port: (server.address() as AddressInfo).port, act, turns: () => turn };
}

let echo: Awaited<ReturnType<typeof echoServer>>;
let raw: Awaited<ReturnType<typeof rawServer>>;
let network: Network;
let faulty: Network;
let header: SessionHeader;
let grpc: GrpcClient;
beforeAll(async () => {
  echo = await echoServer();
  raw = await rawServer();
  const serviceOf = (port: number) => ({
    default_backend: "grpc",
    timeout_profile: "fast",
    backends: { grpc: { url: `127.0.0.1:${port}`, recovery_timeout_seconds: 0 } },
  });
  const timeout_profiles = { fast: { request_seconds: 1 } };
  network = await startNetwork("eager", { service: serviceOf(echo.port) });
  faulty = await startNetwork("eager", { service: serviceOf(raw.port), relayer: { timeout_profiles } });
  for (const { devnet } of [network, faulty]) await devnet.control("halt", {});
  header = await network.header();
  grpc = grpcClient(network.url);
});
afterAll(async () => {
  grpc.close();
  await network.close();
  await faulty.close();
  echo.close();
  raw.server.close();
});

const inner = (
  words: string,
  of: Network,
  at: SessionHeader = header,
  headers: readonly (readonly [string, string])[] = [],
) => of.sign(at, message(words), { path: "/kit.Echo/Say", contentType: "application/grpc", headers });

const well = (stream: ServerHttp2Stream) =>
  stream.respond({ ":status": 200, "grpc-status": "0" }, { endStream: true });
/** Sessions that the server had, and those that are open. */
const counted = (server: Http2Server) => {
  const sessions = new Set<ServerHttp2Session>();
  const count = { all: 0, open: () => sessions.size };
  server.on("session", (session) => {
    count.all += 1;
    sessions.add(session);
    session.on("error", () => undefined);
    session.once("close", () => sessions.delete(session));
  });
  return count;
};

test("an inner call goes to the gRPC backend, and its answer and trailers come back signed", async () => {
  const { code, response } = await grpc.call(inner("hello", network));
  expect(code).toBe(0);
  const {
    statusCode,
    header: headers,
    bodyBz,
  } = PoktHttpResponse.decode(response?.payload ?? new Uint8Array());
  expect(statusCode).toBe(200);
  expect(text(openFrames(bodyBz).messages[0])).toBe(`hello from ${network.application.address}`);
  expect(new Map(headerPairs(headers)).get("Grpc-Status")).toBe("0");
});

test("a status that the application meant is an answer like another, also over HTTP/1.1", async () => {
  const answer = await post(network, inner("missing", network), { headers: { "rpc-type": "1" } });
  const headers = new Map(headerPairs(answer.inner?.header ?? new Map()));
  expect([answer.status, headers.get("Grpc-Status"), headers.get("Grpc-Message")]).toEqual([
    200,
    "5",
    "no%20such%20thing",
  ]);
});

test.each<[string, number, (stream: ServerHttp2Stream, turn: number) => void]>([
  [
    "answers with trailers only",
    200,
    (stream) => stream.respond({ ":status": 200, "grpc-status": "8" }, { endStream: true }),
  ],
  ["resets the stream", 502, (stream) => stream.close(2)],
  ["closes the connection", 502, (stream) => stream.session?.destroy()],
  ["never answers", 504, () => undefined],
  ["fails", 503, (stream) => stream.respond({ ":status": 503 }, { endStream: true })],
])("a backend that %s: %i, and nothing hangs", async (_, expected, act) => {
  raw.act.now = act;
  const started = performance.now();
  const answer = await post(faulty, inner("x", faulty, await faulty.header()));
  expect(answer.status).toBe(expected);
  expect(performance.now() - started).toBeLessThan(10_000);
});

test("user and password of a backend's URL are its credentials", async () => {
  let authorization: unknown;
  const server = createServer().on("stream", (stream, headers) => {
    authorization = headers["authorization"];
    stream.respond({ ":status": 200, "grpc-status": "0" }, { endStream: true });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const backends = { grpc: { url: `grpc://user:pass@127.0.0.1:${port}` } };
  try {
    const url = await network.another({ services: { "kit-svc": { default_backend: "grpc", backends } } });
    expect((await post(network, inner("who", network), { url })).status).toBe(200);
    expect(authorization).toBe(`Basic ${Buffer.from("user:pass").toString("base64")}`);
  } finally {
    server.close();
  }
});

test("what the backend did not take on is asked once more: refused streams, and a connection that said goodbye", async () => {
  const first = raw.turns() + 1;
  raw.act.now = (stream, turn) => (turn === first ? stream.close(7) : well(stream));
  expect((await post(faulty, inner("y", faulty, await faulty.header()))).status).toBe(200);
  expect(raw.turns()).toBe(first + 1);
  raw.act.now = (stream) => {
    well(stream);
    stream.session?.goaway();
  };
  for (let id = 0; id < 3; id++)
    expect((await post(faulty, inner(`z${id}`, faulty, await faulty.header()))).status).toBe(200);
});

test.each<[string, readonly (readonly [string, string])[]]>([
  [
    "a header twice that may come once",
    [
      ["User-Agent", "a"],
      ["User-Agent", "b"],
    ],
  ],
  ["more headers than a server takes", [["X-Large", "x".repeat(70_000)]]],
])("a request with %s is refused, and the others on the connection go on", async (_, headers) => {
  const at = await faulty.header();
  raw.act.now = well;
  expect((await post(faulty, inner("before", faulty, at))).status).toBe(200);
  const sessions = counted(raw.server);
  const arrived = new Promise<ServerHttp2Stream>((resolve) => {
    raw.act.now = resolve;
  });
  const pending = post(faulty, inner("pending", faulty, at));
  const stream = await arrived;
  raw.act.now = well;
  expect((await post(faulty, inner("bad", faulty, at, headers))).status).toBe(400);
  well(stream);
  expect((await pending).status).toBe(200);
  expect((await post(faulty, inner("after", faulty, at))).status).toBe(200);
  expect(sessions.all).toBe(0);
});

test("a connection that is lost late takes none with it that was dialled since", async () => {
  const at = await faulty.header();
  const sockets: Socket[] = [];
  raw.server.on("connection", (socket: Socket) => sockets.push(socket));
  const ask = async (words: string) => (await post(faulty, inner(words, faulty, at))).status;
  // The next request has a connection of its own.
  raw.act.now = (stream) => {
    well(stream);
    stream.session?.goaway();
  };
  await ask("goodbye");
  raw.act.now = (stream) => stream.session?.goaway();
  const lost = ask("kept waiting");
  await until(() => sockets.length === 1, "the first connection");
  await ranFor(200);
  raw.act.now = well;
  expect(await ask("over a new connection")).toBe(200);
  expect(sockets).toHaveLength(2);
  sockets[0]?.resetAndDestroy();
  expect(await lost).toBe(502);
  expect(await ask("over the same")).toBe(200);
  expect(sockets).toHaveLength(2);
});

test("answers are bounded, each and all together", async () => {
  raw.act.now = (stream) => {
    stream.respond({ ":status": 200 });
    stream.end(Buffer.alloc(2_000_000));
  };
  const backends = { grpc: { url: `127.0.0.1:${raw.port}` } };
  const services = { "kit-svc": { default_backend: "grpc", backends } };
  const asked = async (backend_limits: Readonly<Record<string, number>>) => {
    const url = await network.another({ relay: { backend_limits }, services });
    return (await post(network, inner("large", network, await network.header()), { url })).status;
  };
  expect(await asked({ max_response_mb: 1 })).toBe(502);
  expect(await asked({ max_buffered_mb: 1 })).toBe(503);
  expect(await asked({})).toBe(200);
});
