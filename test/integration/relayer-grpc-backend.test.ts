import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PoktHttpResponse } from "../../src/chain/proto/http-envelope.ts";
import type { SessionHeader } from "../../src/chain/proto/session.ts";
import { headerPairs } from "../../src/chain/protocol/http-headers.ts";
import { type GrpcClient, grpcClient } from "../kit/grpc-client.ts";
import { framed, openFrames } from "../kit/grpc-frames.ts";
import { type Network, startNetwork } from "../kit/network.ts";
import { post } from "../kit/post.ts";

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

const inner = (words: string, of: Network, at: SessionHeader = header) =>
  of.sign(at, message(words), { path: "/kit.Echo/Say", contentType: "application/grpc" });

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
  const well = (stream: ServerHttp2Stream) =>
    stream.respond({ ":status": 200, "grpc-status": "0" }, { endStream: true });
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
