import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Closable } from "../../../base/close-stack.ts";
import { AppError, toError } from "../../../base/errors.ts";
import type { HttpKind } from "../../../runtime/config/backends.ts";
import type { PlannedService } from "./plan.ts";

export type Backend = Closable & { readonly service: string; readonly url: string; served(): number };

type Asked = { readonly method: string; readonly url: URL; readonly body: string };
type Answer = { readonly status: number; readonly body: unknown };

const MAX_BODY_BYTES = 1_048_576;

/**
 * A demo backend on a free loopback port. Its answer depends on the request alone, the headers too (no Date): a relay that is sent twice
 * is the same relay twice, as its bytes decide its leaf. Throws AppError LISTEN_FAILED.
 */
export async function startBackend({ id, rpcType }: PlannedService): Promise<Backend> {
  let served = 0;
  const server = createServer((request, response) => {
    served += 1;
    answer(request, response, ANSWERS[rpcType]).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 120_000;
  const port = await listen(server, id);
  return {
    service: id,
    url: `http://127.0.0.1:${port}`,
    served: () => served,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** What a relay of this service asks, as method, URL and body; `id` makes it distinct, also in its answer. */
export function demoRequest(rpcType: HttpKind, id: string): { method: string; url: string; body: string } {
  if (rpcType === "rest") return { method: "GET", url: `/v1/forecast?station=${id}`, body: "" };
  if (rpcType === "cometbft")
    return { method: "GET", url: `/abci_query?path=%22/demo%22&data=%22${id}%22`, body: "" };
  return {
    method: "POST",
    url: "/",
    body: JSON.stringify({ jsonrpc: "2.0", id, method: "eth_call", params: [] }),
  };
}

/** Whether a body is the answer to the request with that id. */
export const answersRequest = (id: string, body: string): boolean => body.includes(`"${digestOf(id)}"`);

const ANSWERS: Readonly<Record<HttpKind, (asked: Asked) => Answer>> = {
  jsonrpc: ({ method, body }) => {
    if (method !== "POST") return { status: 405, body: { error: "POST only" } };
    const { id } = JSON.parse(body) as { id?: unknown };
    return { status: 200, body: { jsonrpc: "2.0", id, result: digestOf(String(id)) } };
  },
  cometbft: ({ url }) => {
    if (url.pathname === "/status")
      return { status: 200, body: { jsonrpc: "2.0", id: -1, result: { node_info: { network: "demo" } } } };
    const data = (url.searchParams.get("data") ?? "").replaceAll('"', "");
    return { status: 200, body: { jsonrpc: "2.0", id: -1, result: { response: { value: digestOf(data) } } } };
  },
  rest: ({ url }) => {
    if (url.pathname === "/") return { status: 200, body: { try: "/v1/forecast?station=<any text>" } };
    const station = url.searchParams.get("station");
    if (url.pathname !== "/v1/forecast" || station === null)
      return { status: 404, body: { error: "not found" } };
    return { status: 200, body: { station, forecast: digestOf(station) } };
  },
};

const digestOf = (id: string): string => `0x${createHash("sha256").update(id).digest("hex")}`;

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  respond: (asked: Asked) => Answer,
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

function attempt(respond: () => Answer): Answer {
  try {
    return respond();
  } catch (thrown) {
    return { status: 400, body: { error: toError(thrown).message } };
  }
}

const listen = (server: Server, service: string): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once("error", (error) =>
      reject(new AppError("LISTEN_FAILED", `The backend of ${service} cannot be opened`, {}, error)),
    );
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
