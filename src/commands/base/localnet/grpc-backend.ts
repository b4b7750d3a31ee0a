import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { digestOf } from "./demo-answers.ts";

const MAX_BODY_BYTES = 1_048_576;
const HEALTH = "/grpc.health.v1.Health/Check";
const ASK = "/demo.Oracle/Ask";
const UNIMPLEMENTED = 12;
const INVALID_ARGUMENT = 3;
/** HealthCheckResponse{status: SERVING}. */
const SERVING = Buffer.from([0x08, 0x01]);

// Without a Date: a relay that is sent twice must be the same relay twice.
const WITH_TRAILERS = { waitForTrailers: true, sendDate: false };
const ENDED = { endStream: true, sendDate: false };

export type GrpcBackend = {
  readonly server: Http2Server;
  readonly scheme: string;
  readonly close: () => Promise<void>;
};

/** A gRPC server of two unary methods, over HTTP/2 without TLS; it is not listening yet. */
export function startGrpcBackend(): GrpcBackend {
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, headers) => serve(stream, String(headers[":path"])));
  return {
    server,
    scheme: "http",
    close: () => {
      for (const session of sessions) session.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function serve(stream: ServerHttp2Stream, path: string): void {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on("error", () => stream.destroy());
  stream.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) stream.destroy();
    else chunks.push(chunk);
  });
  stream.on("end", () => {
    const body = Buffer.concat(chunks);
    if (path !== HEALTH && path !== ASK) return refuse(stream, UNIMPLEMENTED, `no method ${path}`);
    if (body.length < 5 || body.readUInt32BE(1) !== body.length - 5)
      return refuse(stream, INVALID_ARGUMENT, "one message, please");
    return reply(stream, path === HEALTH ? SERVING : Buffer.from(digestOf(body.toString("utf8", 5))));
  });
}

/** Headers, one message in its frame, trailers. */
function reply(stream: ServerHttp2Stream, message: Buffer): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, WITH_TRAILERS);
  stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([frame, message]));
}

function refuse(stream: ServerHttp2Stream, status: number, message: string): void {
  const headers = { ":status": 200, "content-type": "application/grpc" };
  const trailers = { "grpc-status": String(status), "grpc-message": encodeURIComponent(message) };
  stream.respond({ ...headers, ...trailers }, ENDED);
}
