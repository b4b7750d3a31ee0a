import type { IncomingHttpHeaders } from "node:http";
import { type Dispatcher, errors, type Pool } from "undici";
import { EMPTY } from "../../../base/bytes.ts";
import type { Presence } from "../presence.ts";
import { Reject } from "../rejects.ts";
import type { AnswerLimits } from "./answer-limits.ts";
import type { Outcome } from "./circuit.ts";
import { isStreamed, UndiciBody } from "./streaming-body.ts";

export type Ask = {
  readonly path: string;
  readonly method: string;
  readonly headers: Record<string, string | string[]>;
  readonly body: Uint8Array;
};

export type Asked = {
  readonly status: number;
  /** Lower-case names; a header that came twice has a list. */
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
  /** Instead of the body, for an answer that is wanted as it comes. */
  readonly stream?: UndiciBody;
};

type Until = {
  /** From the request to the last byte of the answer, waiting for a connection included. */
  readonly timeoutMs: number;
  readonly client: Presence;
  readonly limits: AnswerLimits;
  /** Which answers are wanted as they come, and what is called when such a one is over. The timeout and the client are then the reader's. */
  readonly streamed?: { readonly types: ReadonlySet<string>; readonly onOver: () => void } | undefined;
};

/** undici wants an error to end a request with; what the relay is refused with is another matter. */
const ENDED = new Error("the request is not wanted any more");

/**
 * One answer of a backend, whole, or from its head on. Throws Reject backend_timeout, backend_error, response_too_large, overloaded, client_gone; nothing of it stays
 * when it is over, neither timer nor listener.
 */
export function askOf(pool: Pool, ask: Ask, until: Until): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const asking = new Asking(resolve, reject, until);
    const { path, headers, body } = ask;
    const method = ask.method as Dispatcher.HttpMethod;
    const request = { path, method, headers, body: body.length === 0 ? null : body };
    // A stream may be silent for as long as its reader lets it.
    pool.dispatch(until.streamed === undefined ? request : { ...request, bodyTimeout: 0 }, asking);
  });
}

/** What undici calls as the answer comes: one object for each request, and no stream (performance 6). */
class Asking implements Dispatcher.DispatchHandler {
  readonly #resolve: (asked: Asked) => void;
  readonly #reject: (reject: Reject) => void;
  readonly #client: Presence;
  readonly #limits: AnswerLimits;
  readonly #streamed: Until["streamed"];
  #stream: UndiciBody | undefined;
  readonly #callOff: () => void;
  #controller: Dispatcher.DispatchController | undefined;
  #phase: "asking" | "over" = "asking";
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  readonly #chunks: Buffer[] = [];
  #size = 0;

  constructor(resolve: (asked: Asked) => void, reject: (reject: Reject) => void, until: Until) {
    const { timeoutMs, client, limits, streamed } = until;
    this.#streamed = streamed;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#client = client;
    this.#limits = limits;
    this.#callOff = limits.clock.after(timeoutMs, () => this.#abandon(new Reject("backend_timeout")));
    client.whenGone(() => this.#abandon(new Reject("client_gone")));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Given up while it waited for a connection.
    if (this.#phase === "over") controller.abort(ENDED);
  }

  /** Comes again for each interim answer (1xx) before the real one. */
  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    this.#status = status;
    this.#headers = headers;
    if (this.#streamed === undefined || !isStreamed(status, headers, this.#streamed.types)) return;
    if (!this.#end()) return;
    this.#stream = new UndiciBody(controller, this.#streamed.onOver);
    this.#resolve({ status, headers, body: EMPTY, stream: this.#stream });
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#stream !== undefined) {
      this.#stream.chunk(chunk);
      return;
    }
    if (this.#phase === "over") return;
    const { maxBytes, memory } = this.#limits;
    if (this.#size + chunk.length > maxBytes) this.#abandon(new Reject("response_too_large"));
    else if (memory.take(chunk.length)) {
      this.#chunks.push(chunk);
      this.#size += chunk.length;
    } else this.#abandon(new Reject("overloaded", "too many large answers at once"));
  }

  onResponseEnd(): void {
    this.#stream?.over(undefined);
    if (!this.#end()) return;
    this.#resolve({ status: this.#status, headers: this.#headers, body: this.#body() });
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#stream?.over(asReject(error));
    if (this.#end()) this.#reject(asReject(error));
  }

  /** A copy: what undici gives are views of a buffer much larger than most answers. */
  #body(): Uint8Array {
    const body = new Uint8Array(this.#size);
    let at = 0;
    for (const chunk of this.#chunks) {
      body.set(chunk, at);
      at += chunk.length;
    }
    return body;
  }

  #abandon(reject: Reject): void {
    if (!this.#end()) return;
    this.#controller?.abort(ENDED);
    this.#reject(reject);
  }

  /** False if it was over before. */
  #end(): boolean {
    if (this.#phase === "over") return false;
    this.#phase = "over";
    this.#callOff();
    this.#client.whenGone(undefined);
    this.#limits.memory.release(this.#size);
    return true;
  }
}

/** Whether an endpoint is to blame for what `askOf` threw: one that cannot be reached is, one that is late is not (go-peers 1.9, B4). */
export function outcomeOf(thrown: unknown): Outcome {
  if (!(thrown instanceof Reject)) return "other";
  const { code, cause } = thrown;
  if (code === "backend_error")
    return cause instanceof errors.ResponseExceededMaxSizeError ? "other" : "server_fault";
  return cause instanceof errors.ConnectTimeoutError ? "server_fault" : "other";
}

function asReject(error: Error): Reject {
  const late =
    error instanceof errors.HeadersTimeoutError ||
    error instanceof errors.BodyTimeoutError ||
    error instanceof errors.ConnectTimeoutError;
  return new Reject(late ? "backend_timeout" : "backend_error", undefined, { cause: error });
}
