import { Agent, type Dispatcher } from "undici";
import type { Clock } from "../../base/clock.ts";
import type { Closable } from "../../base/close-stack.ts";
import { toError } from "../../base/errors.ts";
import type { BackendKind } from "../config/backends.ts";
import { type Answer, readAnswer } from "./answer.ts";
import { RPC_TYPES } from "./kinds.ts";
import {
  answerFailure,
  badAnswer,
  connectionFailure,
  failed,
  type Outcome,
  refusedByStatus,
} from "./outcome.ts";
import type { SignedRelay } from "./sign.ts";
import { StreamReader } from "./stream-reader.ts";

/** Brings relays to one relayer, as many at a time as it has connections. */
export type RelayTransport = Closable & {
  /** Never rejects. */
  send(relay: SignedRelay): Promise<Outcome>;
};

export type HttpOptions = {
  readonly url: string;
  readonly kind: BackendKind;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Relays that may be in flight: each has a connection of its own. */
  readonly connections: number;
  /** Besides what PATH sends: the key id of a simulated relay. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Told of each batch of a stream as soon as it is there and good. */
  readonly onBatch?: (answer: Answer) => void;
};

/** Longest answer that is read: what PATH reads (relay-path 6.1). */
const MAX_ANSWER_BYTES = 100 * 1_048_576;
const STREAMED = /^(text\/event-stream|application\/x-ndjson)\b/i;

/** Relays over HTTP/1.1 with keep-alive, as PATH posts them (relay-path 6.1); an answer may be a stream of signed batches (6.4). */
export class HttpTransport implements RelayTransport {
  readonly #agent: Agent;
  readonly #options: HttpOptions;
  readonly #target: { readonly origin: string; readonly path: string };

  constructor(options: HttpOptions) {
    const url = new URL(options.url);
    this.#options = options;
    this.#target = { origin: url.origin, path: `${url.pathname}${url.search}` };
    this.#agent = new Agent({
      connections: options.connections,
      pipelining: 1,
      connectTimeout: Math.min(options.timeoutMs, 5_000),
      headersTimeout: options.timeoutMs,
      bodyTimeout: options.timeoutMs,
      maxResponseSize: MAX_ANSWER_BYTES,
    });
  }

  async send(relay: SignedRelay): Promise<Outcome> {
    const { clock, kind, headers, timeoutMs } = this.#options;
    const start = clock.monotonic();
    const deadline = new AbortController();
    const disarm = clock.after(timeoutMs, () => deadline.abort(new DOMException("too late", "TimeoutError")));
    let failureOf = connectionFailure;
    try {
      const answer = await this.#agent.request({
        ...this.#target,
        method: "POST",
        headers: { "content-type": "application/json", "rpc-type": String(RPC_TYPES[kind]), ...headers },
        body: relay.bytes,
        signal: deadline.signal,
      });
      failureOf = answerFailure;
      return await this.#read(relay, answer, start);
    } catch (thrown) {
      return failed(failureOf(toError(thrown)));
    } finally {
      disarm();
    }
  }

  async #read(
    relay: SignedRelay,
    { statusCode, headers, body }: Dispatcher.ResponseData,
    start: number,
  ): Promise<Outcome> {
    const type = String(headers["content-type"] ?? "");
    if (STREAMED.test(type)) return this.#readStream(relay, body, start);
    const bytes = new Uint8Array(await body.arrayBuffer());
    if (statusCode !== 200) return failed(refusedByStatus(statusCode, bytes));
    const read = readAnswer(relay, bytes, "http");
    if ("problem" in read) return failed(badAnswer(read.problem));
    return { kind: "answered", latencyMs: this.#options.clock.monotonic() - start, answers: [read.answer] };
  }

  async #readStream(relay: SignedRelay, body: AsyncIterable<Uint8Array>, start: number): Promise<Outcome> {
    const { clock, onBatch } = this.#options;
    const reader = new StreamReader(relay);
    let firstMs: number | undefined;
    for await (const chunk of body) {
      const before = reader.answers.length;
      reader.push(chunk);
      if (reader.answers.length > 0) firstMs ??= clock.monotonic() - start;
      for (const answer of reader.answers.slice(before)) onBatch?.(answer);
    }
    const problem = reader.end();
    if (problem !== undefined) return failed(badAnswer(problem));
    const latencyMs = clock.monotonic() - start;
    return { kind: "answered", latencyMs, answers: reader.answers, firstMs: firstMs ?? latencyMs };
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}
