import { WebSocket } from "ws";
import { EMPTY } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import type { Closable } from "../../base/close-stack.ts";
import { type Answer, readAnswer } from "./answer.ts";
import { RPC_TYPES } from "./kinds.ts";
import { badAnswer, connectionFailure, type Failure, printable, refusedByStatus } from "./outcome.ts";
import { type AnsweringSupplier, type SignedRelay, type Signers, signRequest } from "./sign.ts";

/** v2 names session and supplier and is signed; v1 only names service and application (relay-path 6.6). */
export type Handshake = "v1" | "v2";

/** The headers with which PATH opens a connection (relay-path 6.6). */
export function handshakeHeaders(
  signers: Signers,
  supplier: AnsweringSupplier,
  version: Handshake,
): Record<string, string> {
  const { header } = signers;
  const v1 = {
    "Target-Service-Id": header.serviceId,
    "App-Address": header.applicationAddress,
    "Rpc-Type": String(RPC_TYPES.websocket),
  };
  if (version === "v1") return v1;
  const { meta } = signRequest(signers, { supplier: supplier.address, payload: EMPTY });
  return {
    ...v1,
    "Pocket-Session-Id": header.sessionId,
    "Pocket-Session-Start-Height": String(header.sessionStartBlockHeight),
    "Pocket-Session-End-Height": String(header.sessionEndBlockHeight),
    "Pocket-Supplier-Address": supplier.address,
    "Pocket-Signature": Buffer.from(meta.signature).toString("base64"),
  };
}

export type WebSocketOptions = {
  /** http, https, ws or wss. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** For the handshake, and for each frame that is waited for. */
  readonly timeoutMs: number;
  /** PATH sends what its user sent, mostly text frames, although the bytes are no UTF-8 (relay-path 6.6). */
  readonly frames: "text" | "binary";
};

/** One frame from the relayer: an answer to the latest request or a push, which look alike; or why there is none. */
export type Received =
  | { readonly kind: "answer"; readonly answer: Answer; readonly atMs: number }
  | { readonly kind: "failed"; readonly failure: Failure };

const MAX_FRAME_BYTES = 16 * 1_048_576;
/** What a relayer signs before it closes a connection whose session is over (relay-path 6.6). */
const GONE = 410;
const SESSION_OVER: Failure = {
  kind: "refused",
  reason: "the session is over (410)",
  status: GONE,
  final: true,
  maybeStored: false,
};
/** Of the body of a refusal; what comes after them is not read. */
const MAX_REFUSAL_CHUNKS = 16;
/** Frames that came and nobody has asked for yet. */
const MAX_WAITING = 1_024;

/** A WebSocket to a relayer, on which every message is a relay. */
export class RelaySocket implements Closable {
  readonly #options: WebSocketOptions;
  readonly #socket: WebSocket;
  readonly #waiting: { readonly bytes: Uint8Array; readonly atMs: number }[] = [];
  #wake: (() => void) | undefined;
  #ended: Failure | undefined;

  private constructor(options: WebSocketOptions, socket: WebSocket) {
    this.#options = options;
    this.#socket = socket;
    socket.on("message", (data) => this.#received(data as Buffer));
    socket.on("close", (code, reason) => this.#end(closeFailure(code, reason)));
    socket.on("error", (error) => this.#end(connectionFailure(error)));
  }

  /** Opens one; a refusal of the handshake is a failure with the relayer's status and words. */
  static open(options: WebSocketOptions): Promise<RelaySocket | Failure> {
    const { url, headers, timeoutMs, clock } = options;
    return new Promise((resolve) => {
      const socket = new WebSocket(url.replace(/^http/, "ws"), {
        headers,
        handshakeTimeout: timeoutMs,
        maxPayload: MAX_FRAME_BYTES,
        perMessageDeflate: false,
        skipUTF8Validation: true,
        followRedirects: false,
      });
      const opened = new RelaySocket(options, socket);
      socket.once("open", () => resolve(opened));
      socket.once("error", (error) => resolve(handshakeFailure(error)));
      socket.once("unexpected-response", (request, response) => {
        const chunks: Buffer[] = [];
        const told = () => {
          disarm();
          resolve(refusedByStatus(response.statusCode ?? 0, new Uint8Array(Buffer.concat(chunks))));
          request.destroy();
        };
        const disarm = clock.after(timeoutMs, told);
        response.on("data", (chunk: Buffer) => {
          chunks.push(chunk);
          if (chunks.length >= MAX_REFUSAL_CHUNKS) told();
        });
        response.on("error", told);
        response.on("end", told);
      });
    });
  }

  send({ bytes }: SignedRelay): void {
    this.#socket.send(bytes, { binary: this.#options.frames === "binary" });
  }

  /** The next frame, checked against the latest request that was sent; waits for `withinMs` at most. Never rejects. */
  async next(latest: SignedRelay, withinMs: number = this.#options.timeoutMs): Promise<Received> {
    if (this.#waiting.length === 0 && this.#ended === undefined) await this.#frame(withinMs);
    const frame = this.#waiting.shift();
    if (frame !== undefined) {
      const read = readAnswer(latest, frame.bytes, "raw");
      if ("problem" in read)
        return { kind: "failed", failure: read.code === GONE ? SESSION_OVER : badAnswer(read.problem) };
      return { kind: "answer", answer: read.answer, atMs: frame.atMs };
    }
    const silent: Failure = {
      kind: "timeout",
      reason: "no message in time",
      final: false,
      maybeStored: true,
    };
    return { kind: "failed", failure: this.#ended ?? silent };
  }

  async close(): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise<void>((resolve) => this.#socket.once("close", () => resolve()));
    this.#socket.close(1000);
    const disarm = this.#options.clock.after(1_000, () => this.#socket.terminate());
    await closed;
    disarm();
  }

  async #frame(withinMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const disarm = this.#options.clock.after(withinMs, resolve);
      this.#wake = () => {
        disarm();
        resolve();
      };
    });
    this.#wake = undefined;
  }

  #received(data: Buffer): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#end({ ...badAnswer("more messages than are read"), final: false });
      this.#socket.terminate();
      return;
    }
    this.#waiting.push({ bytes: new Uint8Array(data), atMs: this.#options.clock.monotonic() });
    this.#wake?.();
  }

  #end(failure: Failure): void {
    this.#ended ??= failure;
    this.#wake?.();
  }
}

const handshakeFailure = (error: Error): Failure =>
  error.message.includes("handshake has timed out")
    ? { kind: "timeout", reason: "no handshake in time", final: false, maybeStored: false }
    : connectionFailure(error);

/** 4xxx and 1008 are verdicts of the relayer; the rest may pass (relay-path 6.6). */
function closeFailure(code: number, reason: Buffer): Failure {
  const text = printable(reason.toString("utf8")).slice(0, 123);
  const verdict = code >= 4_000 || code === 1_008 || code === 1_009;
  return {
    kind: verdict || code === 1_013 ? "refused" : "unreachable",
    reason: `closed with ${code}${text === "" ? "" : ` ${text}`}`,
    status: code,
    final: verdict,
    maybeStored: true,
  };
}

/**
 * Whether a message answers the request rather than being a push: JSON-RPC answers bear an id, notifications have none. Where the request
 * has no id, whatever comes next is taken for its answer.
 */
export function isAnswerTo(asked: Uint8Array, message: Uint8Array): boolean {
  if (idOf(asked) === undefined) return true;
  return idOf(message) !== undefined || !isJson(message);
}

function idOf(message: Uint8Array): unknown {
  const read = jsonOf(message);
  return typeof read === "object" && read !== null && "id" in read ? (read.id ?? undefined) : undefined;
}

const isJson = (message: Uint8Array): boolean => jsonOf(message) !== undefined;

function jsonOf(message: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(message));
  } catch {
    return undefined;
  }
}

/** Whether a connection ended only because its session did: 410, or the close code 4000 (relay-path 6.6). */
export const isSessionEnd = ({ status }: Failure): boolean => status === GONE || status === 4_000;
