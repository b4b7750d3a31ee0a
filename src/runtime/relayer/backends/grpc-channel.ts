import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";
import type { Clock } from "../../../base/clock.ts";
import { endAfterReading } from "../../../base/http2-ends.ts";
import type { Presence } from "../presence.ts";
import { Reject } from "../rejects.ts";
import type { AnswerLimits } from "./answer-limits.ts";

const STREAM_WINDOW = 1024 * 1024;
const CONNECTION_WINDOW = 8 * 1024 * 1024;

export type ChannelAnswer = {
  readonly status: number;
  /** Of the head and of the trailers, lower-case names. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
};

/** The backend did not begin with the request: it may be sent again, to it or to another. */
export class NotTaken extends Reject {}

type Settings = {
  readonly clock: Clock;
  readonly dialMs: number;
  readonly requestMs: number;
  readonly limits: AnswerLimits;
};

/** The connection to one gRPC endpoint, HTTP/2 with TLS or without: dialled when it is needed, and again when it ended. */
export class GrpcChannel {
  readonly #origin: string;
  readonly #settings: Settings;
  #session: Promise<ClientHttp2Session> | undefined;

  constructor(origin: string, settings: Settings) {
    this.#origin = origin;
    this.#settings = settings;
  }

  /** Whether there is a connection, or one is being dialled. */
  get isOpen(): boolean {
    return this.#session !== undefined;
  }

  /** Throws Reject backend_error, NotTaken among them, backend_timeout, response_too_large, overloaded, bad_request, client_gone. */
  async ask(headers: OutgoingHttpHeaders, body: Uint8Array, client: Presence): Promise<ChannelAnswer> {
    const session = await this.#connected();
    if (client.gone) throw new Reject("client_gone");
    let stream: ClientHttp2Stream;
    try {
      stream = session.request(headers, { endStream: body.length === 0 });
    } catch (thrown) {
      // It is the request's doing, and none of the connection's, where others have theirs.
      if (!session.closed && !session.destroyed)
        throw new Reject("bad_request", "its headers cannot be sent over HTTP/2", { cause: thrown });
      this.#forget(session);
      throw new NotTaken("backend_error", undefined, { cause: thrown });
    }
    if (body.length > 0) stream.end(body);
    try {
      return await this.#answerOf(stream, client);
    } catch (thrown) {
      // Nothing came: the connection may be dead. Those that others wait on are left to them.
      if (thrown instanceof Reject && thrown.code === "backend_timeout") this.#forget(session);
      throw thrown;
    }
  }

  async close(): Promise<void> {
    const session = await this.#session?.catch(() => undefined);
    session?.destroy();
  }

  #connected(): Promise<ClientHttp2Session> {
    this.#session ??= this.#dial();
    return this.#session;
  }

  #dial(): Promise<ClientHttp2Session> {
    const { clock, dialMs } = this.#settings;
    return new Promise((resolve, reject) => {
      const session = connect(this.#origin, {
        settings: { enablePush: false, initialWindowSize: STREAM_WINDOW },
      });
      endAfterReading(session);
      let phase: "dialling" | "over" = "dialling";
      const failed = (cause: Error) => {
        // Of a connection that was there, "close" tells.
        if (phase === "over") return;
        phase = "over";
        callOff();
        this.#session = undefined;
        session.destroy();
        reject(new NotTaken("backend_error", undefined, { cause }));
      };
      const callOff = clock.after(dialMs, () => failed(new Error("no connection in time")));
      session.on("error", failed);
      session.once("goaway", () => this.#forget(session));
      session.once("close", () => this.#forget(session));
      session.once("connect", () => {
        phase = "over";
        callOff();
        session.setLocalWindowSize(CONNECTION_WINDOW);
        resolve(session);
      });
    });
  }

  /** The next request gets a new connection; those in work on this one go on. */
  #forget(session: ClientHttp2Session): void {
    const held = this.#session;
    void held?.then(
      (known) => {
        if (known === session && this.#session === held) this.#session = undefined;
      },
      () => undefined,
    );
    if (!session.destroyed) session.close();
  }

  #answerOf(stream: ClientHttp2Stream, client: Presence): Promise<ChannelAnswer> {
    const { clock, requestMs, limits } = this.#settings;
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let size = 0;
      let head: IncomingHttpHeaders | undefined;
      let trailers: IncomingHttpHeaders = {};
      const abandon = (why: Reject) => {
        reject(why);
        stream.close(constants.NGHTTP2_CANCEL);
      };
      const callOff = clock.after(requestMs, () => abandon(new Reject("backend_timeout")));
      client.whenGone(() => abandon(new Reject("client_gone")));
      stream.on("response", (headers) => {
        head = headers;
      });
      stream.on("trailers", (headers) => {
        trailers = headers;
      });
      stream.on("data", (chunk: Buffer) => {
        if (stream.closed) return;
        if (size + chunk.length > limits.maxBytes) return abandon(new Reject("response_too_large"));
        if (!limits.memory.take(chunk.length))
          return abandon(new Reject("overloaded", "too many large answers at once"));
        size += chunk.length;
        chunks.push(chunk);
      });
      stream.on("error", () => undefined);
      stream.once("close", () => {
        callOff();
        client.whenGone(undefined);
        limits.memory.release(size);
        if (stream.rstCode === constants.NGHTTP2_NO_ERROR && head !== undefined)
          resolve({
            status: Number(head[":status"]),
            headers: [...flat(head), ...flat(trailers)],
            body: Buffer.concat(chunks, size),
          });
        else reject(broken(stream.rstCode));
      });
    });
  }
}

const broken = (code: number): Reject =>
  code === constants.NGHTTP2_REFUSED_STREAM
    ? new NotTaken("backend_error")
    : new Reject("backend_error", undefined, { fields: { h2_error: code } });

function flat(headers: IncomingHttpHeaders): [string, string][] {
  const pairs: [string, string][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(":") || value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) pairs.push([name, one]);
  }
  return pairs;
}
