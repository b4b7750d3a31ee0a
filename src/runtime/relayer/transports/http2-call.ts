import type { OutgoingHttpHeaders } from "node:http";
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Writable } from "node:stream";
import type { Call, Port } from "./call.ts";
import { givenTwice } from "./head.ts";
import { receiveMs, sendMs } from "./patience.ts";

/** All names and values of one request, as for HTTP/1.1 (reliability 7). */
const MAX_HEAD_BYTES = 16_384;

export type Http2Head = {
  readonly headers: IncomingHttpHeaders;
  readonly raw: readonly string[];
};

/** A request on a stream of HTTP/2. The listener looks at `deadline` now and then: a stream has no timer of its own. */
export class Http2Call implements Call {
  readonly headers: Http2Head["headers"];
  readonly source: ServerHttp2Stream;
  /** For the request to be there, and for the answer to be read. */
  deadline: number;
  /** Of the answer. A stream that the client broke off counts as finished for Node. */
  #phase: "open" | "ended" = "open";
  readonly #raw: readonly string[];
  readonly #port: Port;
  received: Call["received"];
  /** Of the answer's body. */
  sentBytes = 0;
  /** Whether it was this side that broke the stream off, if anybody did. */
  #endedBy: "client" | "us" = "client";

  constructor(stream: ServerHttp2Stream, { headers, raw }: Http2Head, port: Port) {
    this.source = stream;
    this.headers = headers;
    this.#raw = raw;
    this.#port = port;
    this.deadline = port.clock.monotonic() + receiveMs(port.bodies.limit);
    stream.once("end", () => {
      if (!this.answered) this.deadline = Number.POSITIVE_INFINITY;
    });
  }

  get answered(): boolean {
    return this.source.headersSent || this.source.destroyed || this.source.closed;
  }

  /** The client broke the stream off. */
  get isReset(): boolean {
    return this.source.rstCode !== constants.NGHTTP2_NO_ERROR && this.#endedBy === "client";
  }

  /** Breaks the stream off, here and now. */
  cancel(): void {
    this.#close(constants.NGHTTP2_CANCEL);
  }

  headProblem(): string | undefined {
    const { ":path": path, ":authority": authority, host } = this.headers;
    if (path?.startsWith("/") !== true) return "the target is not a path";
    if (host !== undefined && authority !== undefined && host !== authority)
      return "the header host is not the authority";
    let bytes = 0;
    for (const text of this.#raw) bytes += text.length;
    if (bytes > MAX_HEAD_BYTES) return "the headers are too large";
    return givenTwice(this.#raw);
  }

  send(status: number, headers: OutgoingHttpHeaders, body: Uint8Array): void {
    if (!this.#begin(status, { ...headers, "content-length": body.length }, body.length)) return;
    this.#end(body);
  }

  /** An answer of gRPC: a body and trailers after it. Without a body there are only trailers, in the head. */
  sendWithTrailers(
    headers: OutgoingHttpHeaders,
    body: Uint8Array | undefined,
    trailers: OutgoingHttpHeaders,
  ) {
    if (body === undefined) {
      if (this.#begin(200, { ...headers, ...trailers }, 0, { endStream: true })) this.#phase = "ended";
      return;
    }
    if (!this.#begin(200, headers, body.length, { waitForTrailers: true })) return;
    this.source.once("wantTrailers", () => this.source.sendTrailers(trailers));
    this.#end(body);
  }

  begin(status: number, headers: OutgoingHttpHeaders): Writable | undefined {
    // With trailers to come, Node ends the stream only when it is told to: an answer that is broken off does not look whole.
    if (!this.#begin(status, inOneLine(headers), 0, { waitForTrailers: true })) return undefined;
    this.source.once("wantTrailers", () => {
      if (this.#phase === "ended") this.source.sendTrailers({});
    });
    // Whoever writes the pieces sees to it that they are read.
    this.deadline = Number.POSITIVE_INFINITY;
    return this.source;
  }

  end(): void {
    this.#end();
    this.deadline = this.#port.clock.monotonic() + sendMs(0);
  }

  breakOff(): void {
    this.#closeLater(constants.NGHTTP2_INTERNAL_ERROR);
  }

  whenClosed(act: (how: "whole" | "broken") => void): void {
    this.source.once("close", () => act(this.#phase === "ended" ? "whole" : "broken"));
  }

  #end(last?: Uint8Array): void {
    this.#phase = "ended";
    if (last === undefined) this.source.end();
    else this.source.end(last);
  }

  #begin(
    status: number,
    headers: OutgoingHttpHeaders,
    bytes: number,
    how: { waitForTrailers?: boolean; endStream?: boolean } = {},
  ) {
    if (this.answered) return false;
    const stream = this.source;
    stream.respond({ ":status": status, ...headers }, how);
    this.sentBytes = bytes;
    this.#port.unsent.add(this, bytes);
    stream.once("close", () => this.#port.unsent.remove(this));
    // What was not read of a request is not read any more; the client is told that this is no error.
    if (!stream.readableEnded) stream.once("finish", () => this.#closeLater(constants.NGHTTP2_NO_ERROR));
    return true;
  }

  /** After the connection has been read: inside the parser, Node would send what waits, and that frees the stream being read if its end waits. */
  #closeLater(code: number): void {
    setImmediate(() => this.#close(code));
  }

  #close(code: number): void {
    if (!this.source.closed) this.#endedBy = "us";
    this.source.close(code);
  }
}

/** What a backend gave twice, in one line: node:http2 throws for many a header that has two. */
function inOneLine(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const lines: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers))
    lines[name] = Array.isArray(value) && name !== "set-cookie" ? value.join(", ") : value;
  return lines;
}
