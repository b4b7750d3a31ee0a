import { createServer, type Http2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { framed } from "./grpc-frames.ts";

export type GrpcBackend = {
  readonly port: number;
  /** Connections so far. */
  readonly connections: () => number;
  close(): void;
};

/** A gRPC backend that answers every call with the same message after `delayMs`. */
export async function startGrpcBackend(delayMs = 0): Promise<GrpcBackend> {
  let connections = 0;
  const open = new Set<Http2Session>();
  const server = createServer();
  server.on("session", (session) => {
    connections += 1;
    open.add(session);
    session.once("close", () => open.delete(session));
  });
  server.on("stream", (stream) => {
    stream.on("error", () => undefined);
    setTimeout(() => {
      if (stream.destroyed) return;
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(framed(new Uint8Array([1])));
    }, delayMs);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    close: () => {
      for (const session of open) session.destroy();
      server.close();
    },
  };
}
