import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fastify } from "fastify";
import type { Clock } from "../../../base/clock.ts";
import type { Closable } from "../../../base/close-stack.ts";
import { AppError, toError } from "../../../base/errors.ts";
import type { Exchange } from "../exchange.ts";
import { Presence } from "../presence.ts";
import { Reject } from "../rejects.ts";
import { Bodies, readBody } from "./body.ts";
import { headProblem } from "./head.ts";
import { streamReply } from "./stream-reply.ts";

export type Health = {
  /** The relay port's answer to /health, /healthz and /ready (relay-path 6.2, step 1). */
  readonly status: () => { readonly ready: boolean; readonly blockHeight: bigint };
  /** What /ready/<service> answers; undefined when the service is not served. */
  readonly readiness: (service: string) => { readonly ready: boolean } | undefined;
};

type Options = {
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  readonly maxBodyBytes: number;
  readonly handle: (exchange: Exchange) => Promise<void>;
  /** A request that was refused before it was an exchange. */
  readonly refused: (reject: Reject) => void;
  readonly health: Health;
};

export type HttpTransport = Closable & {
  readonly address: AddressInfo;
  /** No new connections or relays; those in work go on. */
  stopAccepting(): void;
  /** Resolves when every answer has left this process, or after `timeoutMs`. */
  idle(timeoutMs: number): Promise<void>;
};

/** The listener's state that each request needs. */
type Port = Options & { readonly bodies: Bodies; readonly open: Set<ServerResponse>; stopping: boolean };

const OPERATOR_PATHS = /^\/(health|healthz|ready|ready\/[^/?]*)\/?(\?|$)/;
const MAX_ACCEPT_LENGTH = 256;
/** A request must be there after this time and that much for each megabyte it may have: slow senders hold no memory for long. */
const RECEIVE_MS = 30_000;
const MS_PER_MEGABYTE = 1_000;
/** Answers larger than this have a time limit, too; smaller ones are in the socket's buffer at once. */
const LARGE_ANSWER_BYTES = 65_536;
const SEND_MS = 30_000;

/**
 * The relay port: every method and path is a relay, but for the health paths, which fastify answers on the same server.
 * Throws AppError LISTEN_FAILED.
 */
export async function openHttpTransport(options: Options): Promise<HttpTransport> {
  const operator = operatorRoutes(options.health);
  await operator.ready();
  const port: Port = {
    ...options,
    bodies: new Bodies(options.maxBodyBytes),
    open: new Set(),
    stopping: false,
  };
  const server = createServer(SERVER_LIMITS, (request, response) => {
    port.open.add(response);
    if (request.method === "GET" && OPERATOR_PATHS.test(request.url ?? ""))
      operator.routing(
        request,
        response.once("close", () => port.open.delete(response)),
      );
    else void relay(request, response, port);
  });
  server.requestTimeout = RECEIVE_MS + forMegabytes(options.maxBodyBytes);
  server.maxConnections = 4_096;
  server.maxRequestsPerSocket = 0;
  server.maxHeadersCount = 200;
  await listen(server, options);
  return {
    address: server.address() as AddressInfo,
    stopAccepting: () => {
      port.stopping = true;
      server.close();
      server.closeIdleConnections();
    },
    idle: (timeoutMs) => untilIdle(port, timeoutMs),
    close: async () => {
      const closed = new Promise<void>((resolve) => server.once("close", () => resolve()));
      if (server.listening) server.close();
      else server.emit("close");
      server.closeAllConnections();
      await closed;
      await operator.close();
    },
  };
}

const forMegabytes = (bytes: number): number => Math.ceil(bytes / 1_048_576) * MS_PER_MEGABYTE;

async function untilIdle({ open, clock }: Port, timeoutMs: number): Promise<void> {
  const deadline = clock.monotonic() + timeoutMs;
  while (open.size > 0 && clock.monotonic() < deadline) await clock.sleep(10);
}

/** reliability 7. */
const SERVER_LIMITS = {
  maxHeaderSize: 16_384,
  headersTimeout: 10_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 2_000,
  requireHostHeader: true,
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

function operatorRoutes(health: Health) {
  const app = fastify({ logger: false, routerOptions: { ignoreTrailingSlash: true } });
  for (const path of ["/health", "/healthz", "/ready"])
    app.get(path, async (_request, reply) => {
      const { ready, blockHeight } = health.status();
      const isWell = ready || path !== "/ready";
      return reply
        .code(isWell ? 200 : 503)
        .send({ status: isWell ? "healthy" : "not ready", block_height: Number(blockHeight) });
    });
  app.get<{ Params: { service: string } }>("/ready/:service", async (request, reply) => {
    const { service } = request.params;
    if (service === "") return reply.code(400).send({ error: "no service id" });
    const told = health.readiness(service);
    if (told === undefined) return reply.code(404).send({ error: "the service is not served here" });
    return reply.code(told.ready ? 200 : 503).send(told);
  });
  return app;
}

/** One relay from socket to socket. Never rejects: whatever goes wrong is told to the client or the client is gone. */
async function relay(request: IncomingMessage, response: ServerResponse, port: Port): Promise<void> {
  const receivedAt = port.clock.monotonic();
  const client = new Presence();
  const gone = () => client.leave();
  response.once("close", () => {
    port.open.delete(response);
    if (!response.writableFinished) client.leave();
  });
  request.on("error", gone);
  response.on("error", gone);
  const body = port.bodies.hold();
  try {
    const problem = headProblem(request);
    if (problem !== undefined) throw new Reject("bad_request", problem);
    await readBody(request, body);
    await port.handle(exchangeOf(request, response, { body: body.bytes(), client, receivedAt, port }));
  } catch (thrown) {
    const reject =
      thrown instanceof Reject ? thrown : new Reject("internal", undefined, { cause: toError(thrown) });
    port.refused(reject);
    refuse(request, response, reject, port);
  } finally {
    body.release();
  }
}

type Received = {
  readonly body: Uint8Array;
  readonly client: Presence;
  readonly receivedAt: number;
  readonly port: Port;
};

function exchangeOf(
  request: IncomingMessage,
  response: ServerResponse,
  { body, client, receivedAt, port }: Received,
): Exchange {
  const header = (name: string): string | undefined => {
    const value = request.headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  return {
    transport: "http",
    body,
    rpcType: header("rpc-type"),
    header,
    pocketHeaders: () =>
      Object.keys(request.headers)
        .filter((name) => name.startsWith("pocket-"))
        .map((name) => [name, header(name) ?? ""] as const),
    client,
    receivedAt,
    reply: (bytes) => {
      if (response.headersSent || response.destroyed) return;
      response.writeHead(200, {
        "content-type": contentType(header("accept")),
        "content-length": bytes.length,
        ...(port.stopping && CLOSING),
      });
      response.end(bytes);
      if (bytes.length > LARGE_ANSWER_BYTES) endInTime(response, SEND_MS + forMegabytes(bytes.length), port);
    },
    stream: (status, headers) =>
      streamReply(response, status, headers, () => endInTime(response, SEND_MS, port)),
    refuse: (reject) => refuse(request, response, reject, port),
  };
}

const CLOSING = { connection: "close" } as const;

/** A client that reads slowly, or not at all, does not keep an answer in memory for ever. */
function endInTime(response: ServerResponse, ms: number, { clock }: Port): void {
  const sent = new AbortController();
  response.once("close", () => sent.abort());
  void clock.sleep(ms, sent.signal).then(() => {
    if (!sent.signal.aborted) response.destroy();
  });
}

/** The Accept header given back as it came, as the Go peer does (relay-path 6.2). */
const contentType = (accept: string | undefined): string =>
  accept === undefined || accept === "*/*" || accept === "" || accept.length > MAX_ACCEPT_LENGTH
    ? "application/json"
    : accept;

function refuse(request: IncomingMessage, response: ServerResponse, reject: Reject, port: Port): void {
  if (response.headersSent || response.destroyed) return;
  const body = Buffer.from(JSON.stringify({ error: reject.message, ...reject.told }), "utf8");
  response.writeHead(reject.status, {
    "content-type": "application/json",
    "content-length": body.length,
    ...(reject.retryAfter !== undefined && { "retry-after": String(reject.retryAfter) }),
    // What was not read of a request is not read any more: the connection cannot be used again.
    ...((port.stopping || !request.complete) && CLOSING),
  });
  response.end(body);
}
