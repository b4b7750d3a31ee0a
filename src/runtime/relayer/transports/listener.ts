import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Clock } from "../../../base/clock.ts";
import type { Closable } from "../../../base/close-stack.ts";
import { AppError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import type { CompressionConfig, LimitsConfig, TlsConfig } from "../../config/listener.ts";
import type { Exchange } from "../exchange.ts";
import type { ListenerMetrics } from "../metrics.ts";
import type { Reject } from "../rejects.ts";
import { Bodies } from "./body.ts";
import type { Port, Protocol } from "./call.ts";
import { Compression } from "./compression.ts";
import { Sources, sniff } from "./connections.ts";
import { Dispatch } from "./dispatch.ts";
import { MAX_HEADERS } from "./head.ts";
import type { Health } from "./health.ts";
import { Http2Sessions } from "./http2-sessions.ts";
import { receiveMs } from "./patience.ts";
import { SlowBodies } from "./slow-bodies.ts";
import { LOOK_MS, openTls } from "./tls.ts";
import { Unsent } from "./unsent.ts";
import { takeUpgrades } from "./upgrades.ts";
import type { Upgrade } from "./websocket.ts";

type Options = {
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ListenerMetrics;
  readonly maxBodyBytes: number;
  readonly tls: TlsConfig | undefined;
  readonly limits: LimitsConfig;
  /** Of pages that may call gRPC-Web: origins, or "*". */
  readonly origins: readonly string[];
  readonly compression: CompressionConfig;
  readonly handle: (exchange: Exchange) => Promise<void>;
  /** A request that was refused before it was an exchange. */
  readonly refused: (reject: Reject) => void;
  /** Takes sockets whose client asks for a WebSocket. */
  readonly upgrade: Upgrade;
  readonly health: Health;
};

export type Listener = Closable & {
  readonly address: AddressInfo;
  /** No new connections or relays; those in work go on. */
  stopAccepting(): void;
  /** Resolves when every answer has left this process, or after `timeoutMs`. */
  idle(timeoutMs: number): Promise<void>;
};

/** For the first bytes of a connection, and for the head of a request (reliability 7). */
const HEAD_MS = 10_000;
const SWEEP_MS = 1_000;
/** Request bodies in memory at once, of all relays in work; and what those of them that are compressed become. */
const MAX_BODIES_BYTES = 256 * 1024 * 1024;
const MAX_INFLATED_BYTES = 64 * 1024 * 1024;
const BYTES_PER_MB = 1_048_576;

/**
 * The relay port. HTTP/1.1, HTTP/2 without TLS, gRPC and gRPC-Web come over the same one, with TLS over the same code: what a connection
 * speaks is seen from its first bytes, or agreed on with TLS. Every method and path is a relay, but for the health paths.
 * Throws AppError LISTEN_FAILED, TLS_INVALID.
 */
export async function openListener(options: Options): Promise<Listener> {
  const { clock, maxBodyBytes } = options;
  const unsent = new Unsent({
    clock,
    limit: options.limits.unread_mb * BYTES_PER_MB,
    onUnread: () => options.metrics.closed.inc({ reason: "unread_answer" }),
  });
  const port: Port = {
    ...options,
    unsent,
    bodies: new Bodies(maxBodyBytes, MAX_BODIES_BYTES, clock),
    inflated: new Bodies(maxBodyBytes, MAX_INFLATED_BYTES, clock),
    compression: options.compression.enabled ? new Compression(options.compression) : undefined,
    open: new Set(),
    stopping: false,
  };
  const dispatch = new Dispatch({ ...options, port, pipelined: options.limits.pipelined_requests });
  const server = http1Server(options, dispatch);
  const sessions = new Http2Sessions({
    port,
    limits: options.limits,
    closedFor: (reason) => options.metrics.closed.inc({ reason }),
    refused: (reason) => options.metrics.refused.inc({ reason }),
    serve: (call, protocol) => dispatch.http2(call, protocol),
  });
  const accepting = acceptConnections(server, sessions, options);
  const slowBodies = new SlowBodies();
  const callOff = every(SWEEP_MS, clock, () => {
    unsent.sweep();
    sessions.sweep();
    slowBodies.sweep(port, () => options.metrics.closed.inc({ reason: "slow_body" }));
  });
  await listen(server, options);
  return {
    address: server.address() as AddressInfo,
    stopAccepting: () => {
      port.stopping = true;
      server.close();
      server.closeIdleConnections();
      sessions.stop();
    },
    idle: (timeoutMs) => untilIdle(port, timeoutMs),
    close: async () => {
      callOff();
      accepting.callOff();
      const closed = new Promise<void>((resolve) => server.once("close", () => resolve()));
      if (server.listening) server.close();
      else server.emit("close");
      sessions.close();
      for (const socket of accepting.sockets) socket.destroy();
      await closed;
    },
  };
}

function http1Server({ tls, maxBodyBytes, limits }: Options, dispatch: Dispatch): Server {
  const protocol: Protocol = tls ? "https1" : "http1";
  const server = createServer(SERVER_LIMITS, (request, response) =>
    dispatch.http1(request, response, protocol),
  );
  server.requestTimeout = receiveMs(maxBodyBytes);
  server.maxConnections = limits.connections;
  server.maxRequestsPerSocket = 0;
  server.maxHeadersCount = MAX_HEADERS;
  return server;
}

type Accepting = { readonly sockets: ReadonlySet<Socket>; callOff(): void };

/** Every connection goes to the server of what it speaks. */
function acceptConnections(server: Server, sessions: Http2Sessions, options: Options): Accepting {
  const { clock, limits, metrics } = options;
  const sources = new Sources(limits.connections_per_source);
  const sockets = new Set<Socket>();
  // What node:http does with a connection; with TLS it is done with the decrypted one.
  const [serveHttp1] = server.listeners("connection");
  server.removeAllListeners("connection");
  const serve = (socket: Socket) => {
    serveHttp1?.call(server, socket);
    socket.resume();
  };
  server.on("upgrade", takeUpgrades({ webSocket: options.upgrade, serve }));
  const start = (socket: Socket, isHttp2: boolean, protocol: Protocol) => {
    if (isHttp2) return sessions.accept(socket, protocol);
    serve(socket);
  };
  const secure =
    options.tls &&
    openTls(options.tls, options.logger, (socket) =>
      start(socket, socket.alpnProtocol === "h2", socket.alpnProtocol === "h2" ? "h2" : "https1"),
    );
  server.on("drop", () => metrics.refused.inc({ reason: "connections" }));
  server.on("connection", (socket) => {
    if (!sources.admit(socket)) {
      metrics.refused.inc({ reason: "connections_per_source" });
      return void socket.destroy();
    }
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    if (secure) secure.accept(socket);
    else
      sniff(socket, { clock, patienceMs: HEAD_MS }, (found) =>
        start(socket, found === "http2", found === "http2" ? "h2c" : "http1"),
      );
  });
  const callOff = secure ? every(LOOK_MS, clock, secure.look) : () => undefined;
  return { sockets, callOff };
}

function every(ms: number, clock: Clock, act: () => void): () => void {
  let callOff = clock.after(ms, turn);
  function turn() {
    act();
    callOff = clock.after(ms, turn);
  }
  return () => callOff();
}

async function untilIdle({ open, clock }: Port, timeoutMs: number): Promise<void> {
  const deadline = clock.monotonic() + timeoutMs;
  while (open.size > 0 && clock.monotonic() < deadline) await clock.sleep(10);
}

/** reliability 7. */
const SERVER_LIMITS = {
  maxHeaderSize: 16_384,
  headersTimeout: HEAD_MS,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 2_000,
  // node:http would refuse it by itself, and go on with what comes behind: headProblem does.
  requireHostHeader: false,
} as const;

async function listen(server: Server, { host, port }: Options): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const failed = (error: Error) =>
      reject(new AppError("LISTEN_FAILED", `The relay port ${host}:${port} cannot be opened`, {}, error));
    server.once("error", failed);
    server.listen(port, host, () => {
      server.off("error", failed);
      resolve();
    });
  });
}
