import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Writable } from "node:stream";
import type { Call, Port } from "./call.ts";
import { headProblem } from "./head.ts";
import { Line } from "./line.ts";

const CLOSING = { connection: "close" } as const;
/** A client that is still sending when it is answered has so long to notice; what it sends is thrown away. */
const LINGER_MS = 1_000;

/** Up to so many bytes, an answer goes out in one string with its head: node:http makes a list of two pieces of it otherwise, which costs more. */
const ONE_PIECE_BYTES = 4_096;

/** A request of HTTP/1.1. */
export class Http1Call implements Call {
  readonly source: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #port: Port;
  received: Call["received"];
  /** None at first: node:http has one of its own for requests. */
  deadline = Number.POSITIVE_INFINITY;
  /** No other request of the connection is answered after this one. */
  #isLast = false;

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
    const problem = headProblem(this.source);
    // Where the next request begins is as doubtful as the head.
    if (problem !== undefined) this.#beLast();
    return problem;
  }

  /** Whether this one is served, with so many others in line before it at most. The first that is too many is to be refused, and is the last. */
  standInLine(limit: number): "in" | "full" | "over" {
    const found =
      this.#response.socket === null ? Line.of(this.source.socket).join(this.#response, limit) : "in";
    if (found === "full") {
      this.#beLast();
      this.source.socket.pause();
    }
    return found;
  }

  send(status: number, headers: OutgoingHttpHeaders, body: Uint8Array): void {
    if (this.answered) return;
    headers["content-length"] = body.length;
    this.#response.writeHead(status, this.#closing() ? { ...headers, ...CLOSING } : headers);
    if (this.#isAllHere()) endWith(this.#response, body);
    else this.#endWhenRead(body);
    this.#sending();
  }

  /** The connection of a client that is still sending is not closed at once: it would get a reset in place of its answer. */
  #endWhenRead(body: Uint8Array): void {
    const response = this.#response;
    const end = () => void response.end();
    response.write(body);
    response.once("close", this.#port.clock.after(LINGER_MS, end));
    this.source.once("end", end).resume();
  }

  begin(status: number, headers: OutgoingHttpHeaders): Writable | undefined {
    if (this.answered) return undefined;
    this.#response.writeHead(status, { ...headers, ...CLOSING });
    return this.#response;
  }

  end(): void {
    this.#response.end();
    this.#sending();
  }

  breakOff(): void {
    this.#response.destroy();
  }

  whenClosed(act: (how: "whole" | "broken") => void): void {
    const response = this.#response;
    const closed = () => act(response.writableFinished ? "whole" : "broken");
    response.on("close", closed);
    if (response.socket !== null) return;
    Line.of(this.source.socket).whenLost(response, () => {
      response.off("close", closed);
      closed();
    });
  }

  /** What the client sends after this request is not served, also what is here already. */
  #beLast(): void {
    this.#isLast = true;
    Line.of(this.source.socket).end();
  }

  /** What was not read of a request is not read any more: the connection cannot be used again. */
  #closing(): boolean {
    return this.#port.stopping || this.#isLast || !this.#isAllHere();
  }

  /** A request without a body is, also while node:http has not got to its end. */
  #isAllHere(): boolean {
    const { complete, headers } = this.source;
    return (
      complete || (headers["transfer-encoding"] === undefined && (headers["content-length"] ?? "0") === "0")
    );
  }

  /** What the system did not take at once waits for the client; of almost all answers that is nothing. */
  #sending(): void {
    const response = this.#response;
    const bytes = response.writableLength;
    if (bytes === 0) return;
    this.#port.unsent.add(this, bytes);
    response.once("close", () => this.#port.unsent.remove(this));
  }
}

function endWith(response: ServerResponse, body: Uint8Array): void {
  if (body.length > ONE_PIECE_BYTES) response.end(body);
  else response.end(Buffer.from(body.buffer, body.byteOffset, body.length).toString("latin1"), "latin1");
}
