import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import type { Clock } from "../../base/clock.ts";
import type { BackendKind } from "../config/backends.ts";
import { readAnswer } from "./answer.ts";
import type { RelayTransport } from "./http-transport.ts";
import { RPC_TYPES } from "./kinds.ts";
import { badAnswer, type Failure, failed, type Outcome, printable } from "./outcome.ts";
import type { SignedRelay } from "./sign.ts";

export type GrpcOptions = {
  /** http for gRPC without TLS, https with it; the path is not used. */
  readonly url: string;
  readonly kind: BackendKind;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly headers?: Readonly<Record<string, string>>;
};

/** The one method of a relayer (relay-path 6.5). */
const SEND_RELAY = "/pocket.service.RelayService/SendRelay";
const MAX_ANSWER_BYTES = 100 * 1_048_576;

/** Relays as unary gRPC calls over one HTTP/2 connection. */
export class GrpcTransport implements RelayTransport {
  readonly #client: Client;
  readonly #options: GrpcOptions;
  readonly #metadata = new Metadata();

  constructor(options: GrpcOptions) {
    const { protocol, hostname, port } = new URL(options.url);
    const secure = protocol === "https:" || protocol === "grpcs:";
    const address = `${hostname}:${port === "" ? (secure ? "443" : "80") : port}`;
    this.#options = options;
    this.#client = new Client(address, secure ? credentials.createSsl() : credentials.createInsecure(), {
      "grpc.max_receive_message_length": MAX_ANSWER_BYTES,
    });
    this.#metadata.set("rpc-type", String(RPC_TYPES[options.kind]));
    for (const [name, value] of Object.entries(options.headers ?? {}))
      this.#metadata.set(name.toLowerCase(), value);
  }

  send(relay: SignedRelay): Promise<Outcome> {
    const { clock, timeoutMs } = this.#options;
    const start = clock.monotonic();
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(
        SEND_RELAY,
        (bytes: Uint8Array) => Buffer.from(bytes),
        (bytes: Buffer) => new Uint8Array(bytes),
        relay.bytes,
        this.#metadata,
        { deadline: new Date(clock.now() + timeoutMs) },
        (error: ServiceError | null, bytes?: Uint8Array) => {
          if (error !== null) return resolve(failed(callFailure(error)));
          const read = readAnswer(relay, bytes ?? new Uint8Array(), "http");
          if ("problem" in read) return resolve(failed(badAnswer(read.problem)));
          return resolve({ kind: "answered", latencyMs: clock.monotonic() - start, answers: [read.answer] });
        },
      );
    });
  }

  close(): void {
    this.#client.close();
  }
}

/** What may pass by itself; all other codes are a verdict on this very relay (relay-path 6.5). */
const MAY_PASS: ReadonlySet<number> = new Set([
  status.UNAVAILABLE,
  status.RESOURCE_EXHAUSTED,
  status.DEADLINE_EXCEEDED,
  status.INTERNAL,
  status.CANCELLED,
  status.UNKNOWN,
]);

function callFailure({ code, details }: ServiceError): Failure {
  const words = printable(details).slice(0, 200);
  // What the library says of a connection, and not the relayer of a relay.
  const noConnection =
    code === status.UNAVAILABLE && /ECONN|ENOTFOUND|No connection|name resolution/i.test(words);
  if (code === status.DEADLINE_EXCEEDED)
    return { kind: "timeout", reason: "no answer in time", final: false, maybeStored: true };
  return {
    kind: noConnection ? "unreachable" : "refused",
    reason: noConnection ? words : `${status[code]} ${words === "" ? "(no reason given)" : words}`,
    status: code,
    final: !MAY_PASS.has(code),
    maybeStored: MAY_PASS.has(code) && !/ECONNREFUSED/.test(words),
  };
}
