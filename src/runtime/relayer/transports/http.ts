import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fastify } from "fastify";
import type { Clock } from "../../../base/clock.ts";
import type { Closable } from "../../../base/close-stack.ts";
import { AppError, toError } from "../../../base/errors.ts";
import type { Exchange } from "../exchange.ts";
import { Reject } from "../rejects.ts";

export type Health = {
  /** The relay port's answer to /health, /healthz and /ready (relay-path 6.2, step 1). */
  readonly status: () => { readonly healthy: boolean; readonly blockHeight: bigint };
  /** The endpoints of a service by backend, or undefined when it is not served. */
  readonly backendsOf: (service: string) => Readonly<Record<string, readonly string[]>> | undefined;
};

type Options = {
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  readonly maxBodyBytes: number;
  readonly requestTimeoutMs: number;
  readonly handle: (exchange: Exchange) => Promise<void>;
  readonly health: Health;
};

export type HttpTransport = Closable & {
  readonly address: AddressInfo;
  /** No new connections or relays; those in work go on. */
  stopAccepting(): void;
};

const OPERATOR_PATHS = /^\/(health|healthz|ready|ready\/[^/?]*)\/?(\?|$)/;
const MAX_ACCEPT_LENGTH = 256;

/**
 * The relay port: every method and path is a relay, but for the health paths, which fastify answers on the same server.
 * Throws AppError LISTEN_FAILED.
 */
export async function openHttpTransport(options: Options): Promise<HttpTransport> {
  const operator = operatorRoutes(options.health);
  await operator.ready();
  const server = createServer(SERVER_LIMITS, (request, response) => {
    if (request.method === "GET" && OPERATOR_PATHS.test(request.url ?? ""))
      operator.routing(request, response);
    else void relay(request, response, options);
  });
  server.requestTimeout = options.requestTimeoutMs + 5_000;
  server.maxConnections = 4_096;
  server.maxRequestsPerSocket = 0;
  await listen(server, options);
  return {
    address: server.address() as AddressInfo,
    stopAccepting: () => {
      server.close();
      server.closeIdleConnections();
    },
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
      const { healthy, blockHeight } = health.status();
      const ready = healthy || path !== "/ready";
      return reply
        .code(ready ? 200 : 503)
        .send({ status: ready ? "healthy" : "not ready", block_height: Number(blockHeight) });
    });
  app.get<{ Params: { service: string } }>("/ready/:service", async (request, reply) => {
    const { service } = request.params;
    if (service === "") return reply.code(400).send({ error: "no service id" });
    const backends = health.backendsOf(service);
    if (backends === undefined) return reply.code(404).send({ error: "the service is not served here" });
    return reply.send({ service, status: "healthy", backends });
  });
  return app;
}

/** One relay from socket to socket. Never rejects: whatever goes wrong is told to the client or the client is gone. */
async function relay(request: IncomingMessage, response: ServerResponse, options: Options): Promise<void> {
  const receivedAt = options.clock.monotonic();
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gone.abort();
  });
  request.on("error", () => gone.abort());
  response.on("error", () => gone.abort());
  try {
    const body = await readBody(request, options.maxBodyBytes);
    await options.handle(exchangeOf(request, response, body, gone.signal, receivedAt));
  } catch (thrown) {
    refuse(
      response,
      thrown instanceof Reject ? thrown : new Reject("internal", undefined, { cause: toError(thrown) }),
    );
  }
}

function exchangeOf(
  request: IncomingMessage,
  response: ServerResponse,
  body: Uint8Array,
  signal: AbortSignal,
  receivedAt: number,
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
    signal,
    receivedAt,
    reply: (bytes) => {
      if (response.headersSent || response.destroyed) return;
      response.writeHead(200, {
        "content-type": contentType(header("accept")),
        "content-length": bytes.length,
      });
      response.end(bytes);
    },
    refuse: (reject) => refuse(response, reject),
  };
}

/** The Accept header given back as it came, as the Go peer does (relay-path 6.2). */
const contentType = (accept: string | undefined): string =>
  accept === undefined || accept === "*/*" || accept === "" || accept.length > MAX_ACCEPT_LENGTH
    ? "application/json"
    : accept;

function refuse(response: ServerResponse, reject: Reject): void {
  if (response.headersSent || response.destroyed) return;
  const body = Buffer.from(JSON.stringify({ error: reject.message }), "utf8");
  const headers: Record<string, string | number> = {
    "content-type": "application/json",
    "content-length": body.length,
  };
  // The rest of a body that is too large is not read: the connection cannot be used again.
  if (reject.status === 413) headers["connection"] = "close";
  response.writeHead(reject.status, headers);
  response.end(body);
}

/** The whole body, whatever the method. Throws Reject body_too_large as soon as the limit is passed, client_gone when it breaks off. */
function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const declared = Number(request.headers["content-length"] ?? 0);
    const tooLarge = () => {
      request.pause();
      reject(new Reject("body_too_large"));
    };
    if (declared > limit) return tooLarge();
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) tooLarge();
      else chunks.push(chunk);
    });
    request.once("end", () =>
      resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size)),
    );
    request.once("error", (error) => reject(new Reject("client_gone", undefined, { cause: error })));
    request.once("close", () => reject(new Reject("client_gone")));
  });
}
