import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Writable } from "node:stream";
import { type Call, type Port, sendMs } from "./call.ts";
import { headProblem } from "./head.ts";

/** Answers larger than this have a time limit, too; smaller ones are in the socket's buffer at once. */
const LARGE_ANSWER_BYTES = 65_536;
const CLOSING = { connection: "close" } as const;

/** A request of HTTP/1.1. */
export class Http1Call implements Call {
  readonly source: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #port: Port;
  receivedBytes: Call["receivedBytes"];

  constructor(request: IncomingMessage, response: ServerResponse, port: Port) {
    this.source = request;
    this.#response = response;
    this.#port = port;
  }

  get headers() {
    return this.source.headers;
  }

  get answered(): boolean {
    return this.#response.headersSent || this.#response.destroyed;
  }

  headProblem(): string | undefined {
    return headProblem(this.source);
  }

  send(status: number, headers: OutgoingHttpHeaders, body: Uint8Array): void {
    if (this.answered) return;
    headers["content-length"] = body.length;
    this.#response.writeHead(status, this.#closing() ? { ...headers, ...CLOSING } : headers);
    this.#response.end(body);
    if (body.length > LARGE_ANSWER_BYTES) this.#endIn(sendMs(body.length));
  }

  begin(status: number, headers: OutgoingHttpHeaders): Writable | undefined {
    if (this.answered) return undefined;
    this.#response.writeHead(status, { ...headers, ...CLOSING });
    return this.#response;
  }

  end(): void {
    this.#response.end();
    this.#endIn(sendMs(0));
  }

  breakOff(): void {
    this.#response.destroy();
  }

  whenClosed(act: (how: "whole" | "broken") => void): void {
    this.#response.once("close", () => act(this.#response.writableFinished ? "whole" : "broken"));
  }

  /** What was not read of a request is not read any more: the connection cannot be used again. */
  #closing(): boolean {
    return this.#port.stopping || !this.source.complete;
  }

  #endIn(ms: number): void {
    const response = this.#response;
    response.once(
      "close",
      this.#port.clock.after(ms, () => response.destroy()),
    );
  }
}
