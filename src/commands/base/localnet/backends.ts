import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Server as NetServer } from "node:net";
import type { Clock } from "../../../base/clock.ts";
import type { Closable } from "../../../base/close-stack.ts";
import { AppError, toError } from "../../../base/errors.ts";
import { type Answered, type Asked, HTTP_ANSWERS, ticksOf } from "./demo-answers.ts";
import { startGrpcBackend } from "./grpc-backend.ts";
import type { PlannedService } from "./plan.ts";
import { attachWebSocket } from "./websocket-backend.ts";

export type Backend = Closable & { readonly service: string; readonly url: string };

const MAX_BODY_BYTES = 1_048_576;

/** A demo backend on a free loopback port. No answer has a Date: its headers are the same every time, too. Throws AppError LISTEN_FAILED. */
export async function startBackend({ id, kind }: PlannedService, clock: Clock): Promise<Backend> {
  const { server, scheme, close } = kind === "grpc" ? startGrpcBackend() : httpServer(kind, clock);
  const port = await listen(server, id);
  return { service: id, url: `${scheme}://127.0.0.1:${port}`, close };
}

type Started = { readonly server: NetServer; readonly scheme: string; readonly close: () => Promise<void> };

function httpServer(kind: Exclude<PlannedService["kind"], "grpc">, clock: Clock): Started {
  const server = createServer((request, response) => {
    const served =
      kind === "stream"
        ? stream(request, response, clock)
        : answer(request, response, HTTP_ANSWERS[kind === "websocket" ? "jsonrpc" : kind]);
    served.catch(() => response.destroy());
  });
  server.keepAliveTimeout = 120_000;
  const sockets = kind === "websocket" ? attachWebSocket(server, clock) : undefined;
  return {
    server,
    scheme: kind === "websocket" ? "ws" : "http",
    close: () => {
      void sockets?.close();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Server-Sent Events, one by one. */
async function stream(request: IncomingMessage, response: ServerResponse, clock: Clock): Promise<void> {
  const url = new URL(request.url ?? "/", "http://backend");
  request.resume();
  const { count, everyMs, tick } = ticksOf(url);
  response.sendDate = false;
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (let number = 1; number <= count && !response.destroyed; number++) {
    response.write(tick(number));
    if (everyMs > 0 && number < count) await clock.sleep(everyMs);
  }
  response.end();
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  respond: (asked: Asked) => Answered,
): Promise<void> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return void response.destroy();
    chunks.push(chunk);
  }
  const asked = {
    method: request.method ?? "GET",
    url: new URL(request.url ?? "/", "http://backend"),
    body: Buffer.concat(chunks).toString("utf8"),
  };
  const { status, body } = attempt(() => respond(asked));
  const bytes = Buffer.from(JSON.stringify(body), "utf8");
  response.sendDate = false;
  response.writeHead(status, { "content-type": "application/json", "content-length": bytes.length });
  response.end(bytes);
}

function attempt(respond: () => Answered): Answered {
  try {
    return respond();
  } catch (thrown) {
    return { status: 400, body: { error: toError(thrown).message } };
  }
}

const listen = (server: NetServer, service: string): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once("error", (error) =>
      reject(new AppError("LISTEN_FAILED", `The backend of ${service} cannot be opened`, {}, error)),
    );
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
