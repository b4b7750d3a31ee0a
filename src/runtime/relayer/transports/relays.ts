import type { OutgoingHttpHeaders } from "node:http";
import { toError } from "../../../base/errors.ts";
import type { Exchange } from "../exchange.ts";
import { Presence } from "../presence.ts";
import { Reject } from "../rejects.ts";
import { readBody } from "./body.ts";
import type { Call, Port } from "./call.ts";
import { streamReply } from "./stream-reply.ts";

const MAX_ACCEPT_LENGTH = 256;

/** One plain relay from socket to socket. Never rejects: whatever goes wrong is told to the client or the client is gone. */
export async function relay(call: Call, port: Port): Promise<void> {
  const receivedAt = port.clock.monotonic();
  const client = presenceOf(call, port);
  const body = port.bodies.hold();
  call.received = body;
  try {
    const problem = call.headProblem();
    if (problem !== undefined) throw new Reject("bad_request", problem);
    await readBody(call.source, call.headers["content-length"], body);
    await port.handle(new HttpExchange(call, port, { body: body.bytes(), client, receivedAt }));
  } catch (thrown) {
    const reject = asReject(thrown);
    port.refused(reject);
    refuse(call, reject);
  } finally {
    body.release();
  }
}

/** Whether the client is there, and the call among the open ones for as long as it is. */
export function presenceOf(call: Call, port: Port): Presence {
  const client = new Presence();
  port.open.add(call);
  call.whenClosed((how) => {
    port.open.delete(call);
    if (how === "broken") client.leave();
  });
  return client;
}

export const asReject = (thrown: unknown): Reject =>
  thrown instanceof Reject ? thrown : new Reject("internal", undefined, { cause: toError(thrown) });

type Received = Pick<Exchange, "body" | "client" | "receivedAt">;

/** A relay over HTTP, whatever its version. One object, since many wait at once for a slow backend (docs/performance.md, "The young generation"). */
class HttpExchange implements Exchange {
  readonly transport = "http";
  readonly body: Uint8Array;
  readonly client: Presence;
  readonly receivedAt: number;
  readonly #call: Call;
  readonly #port: Port;

  constructor(call: Call, port: Port, { body, client, receivedAt }: Received) {
    this.#call = call;
    this.#port = port;
    this.body = body;
    this.client = client;
    this.receivedAt = receivedAt;
  }

  get rpcType(): string | undefined {
    return one(this.#call.headers["rpc-type"]);
  }

  header(name: string): string | undefined {
    return one(this.#call.headers[name]);
  }

  pocketHeaders() {
    return pocketHeaders(this.#call);
  }

  reply(bytes: Uint8Array, retries: number, type: string = contentType(this.#call.headers.accept)): void {
    const told: OutgoingHttpHeaders = { "content-type": type };
    if (retries > 0) told["backend-retries"] = String(retries);
    const { compression } = this.#port;
    if (compression === undefined) this.#call.send(200, told, bytes);
    else compression.send(this.#call, told, bytes);
  }

  stream(status: number, headers: readonly (readonly [string, string])[]) {
    return streamReply(this.#call, status, headers);
  }

  refuse(reject: Reject): void {
    refuse(this.#call, reject);
  }
}

export const one = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value;

export const pocketHeaders = ({ headers }: Call): (readonly [string, string])[] =>
  Object.keys(headers)
    .filter((name) => name.startsWith("pocket-"))
    .map((name) => [name, one(headers[name]) ?? ""] as const);

/** The Accept header given back as it came, as the Go peer does (relay-path 6.2). */
const contentType = (accept: string | undefined): string =>
  accept === undefined || accept === "*/*" || accept === "" || accept.length > MAX_ACCEPT_LENGTH
    ? "application/json"
    : accept;

export function refuse(call: Call, reject: Reject): void {
  const body = Buffer.from(JSON.stringify({ error: reject.message, ...reject.told }), "utf8");
  const headers: OutgoingHttpHeaders = { "content-type": "application/json" };
  if (reject.retryAfter !== undefined) headers["retry-after"] = String(reject.retryAfter);
  call.send(reject.status, headers, body);
}
