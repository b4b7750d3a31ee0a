import type { IncomingMessage, ServerResponse } from "node:http";
import { failure, parseBody, type RpcAnswer, type RpcCall, success } from "./envelope.ts";
import type { Methods } from "./methods.ts";
import { internalError, invalidRequest, methodNotFound, RpcError } from "./rpc-error.ts";

const MAX_BODY_BYTES = 1_000_000;

/** Answers one HTTP request as a node's RPC listener does: POST / is JSON-RPC, GET /<method> the URI form, GET / the list (chain 2.1). */
export async function answerHttp(
  methods: Methods,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://devnet");
  if (url.pathname === "/" && request.method === "POST") return answerPost(methods, request, response);
  if (url.pathname === "/") return sendText(response, 200, "text/html", routes(methods));
  const method = methods.get(url.pathname.slice(1));
  if (method === undefined)
    return sendText(response, 404, "text/plain; charset=utf-8", "404 page not found\n");
  try {
    sendJson(response, 200, success(-1, await method.get(url.searchParams)));
  } catch (thrown) {
    sendJson(response, 500, failure(-1, thrown));
  }
}

async function answerPost(
  methods: Methods,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let calls: readonly RpcCall[];
  try {
    const text = await readBody(request);
    if (text === "") return sendText(response, 200, "text/html", routes(methods));
    calls = parseBody(text).calls;
  } catch (thrown) {
    return sendJson(
      response,
      500,
      failure(undefined, thrown instanceof RpcError ? thrown : internalError(String(thrown))),
    );
  }
  const answers = await Promise.all(calls.map((call) => answerCall(methods, call)));
  const sent = answers.filter((answer) => answer !== undefined);
  if (sent.length === 0) return void response.writeHead(200).end();
  sendJson(response, 200, sent.length === 1 ? sent[0] : sent);
}

/** Undefined for a notification, which a node neither runs nor answers. */
export async function answerCall(
  methods: Methods,
  { id, method: name, params }: RpcCall,
): Promise<RpcAnswer | undefined> {
  if (id === undefined) return undefined;
  const method = methods.get(name);
  if (method === undefined) return failure(id, methodNotFound());
  try {
    return success(id, await method.post(params));
  } catch (thrown) {
    return failure(id, thrown);
  }
}

/** Throws RpcError for a body over the node's default limit. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > MAX_BODY_BYTES)
      throw invalidRequest("error reading request body: http: request body too large");
    chunks.push(bytes);
  }
  return Buffer.concat(chunks, size).toString("utf8");
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  sendText(response, status, "application/json", JSON.stringify(value));
}

function sendText(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { "content-type": type }).end(text);
}

function routes(methods: Methods): string {
  const links = [...methods].map(([name, method]) => {
    const query = method.names.map((param) => `${param}=_`).join("&");
    const path = query === "" ? `/${name}` : `/${name}?${query}`;
    return `<a href="${path}">${path}</a></br>`;
  });
  return `<html><body><br>Available endpoints:<br>${links.join("\n")}</body></html>`;
}
