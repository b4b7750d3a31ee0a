import { promisify } from "node:util";
import { createGunzip, gzip } from "node:zlib";
import { REJECTS, Reject } from "../rejects.ts";
import type { Body } from "./body.ts";

/** The framing of gRPC over HTTP/2 and of gRPC-Web: messages, status, deadlines. Nothing here knows a connection. */

/** pocket.service.RelayService (relay-path 6.5). */
export const SEND_RELAY = "/pocket.service.RelayService/SendRelay";

/** Flag and length in front of each message. */
const FRAME_HEAD_BYTES = 5;
const COMPRESSED = 1;
const TRAILERS = 0x80;

const STATUS = {
  OK: 0,
  Canceled: 1,
  Unknown: 2,
  InvalidArgument: 3,
  DeadlineExceeded: 4,
  NotFound: 5,
  AlreadyExists: 6,
  PermissionDenied: 7,
  ResourceExhausted: 8,
  FailedPrecondition: 9,
  Aborted: 10,
  OutOfRange: 11,
  Unimplemented: 12,
  Internal: 13,
  Unavailable: 14,
  DataLoss: 15,
  Unauthenticated: 16,
} as const;

export type Status = { readonly code: number; readonly message: string };
export const OK: Status = { code: STATUS.OK, message: "" };
export const DEADLINE_EXCEEDED: Status = {
  code: STATUS.DeadlineExceeded,
  message: "the relay took longer than its grpc-timeout",
};
export const unimplemented = (message: string): CallEnded =>
  new CallEnded({ code: STATUS.Unimplemented, message });

/** What a refusal is over gRPC (relay-path 6.5). */
export const statusOf = (reject: Reject): Status => ({
  code: STATUS[REJECTS[reject.code].grpc],
  message: reject.message,
});

/** The two trailers. The message is percent-encoded, as gRPC wants it: printable ASCII without "%" stays. */
export const statusTrailers = ({
  code,
  message,
}: Status): { "grpc-status": string; "grpc-message"?: string } => ({
  "grpc-status": String(code),
  ...(message !== "" && { "grpc-message": percentEncoded(message) }),
});

function percentEncoded(text: string): string {
  let encoded = "";
  for (const byte of Buffer.from(text, "utf8"))
    encoded +=
      byte < 0x20 || byte > 0x7e || byte === 0x25
        ? `%${byte.toString(16).toUpperCase().padStart(2, "0")}`
        : String.fromCharCode(byte);
  return encoded;
}

const zip = promisify(gzip);

/**
 * The one message of a unary request. Compressed, it is inflated into `room`. Throws Reject bad_request, body_too_large, overloaded when
 * there is no room; CallEnded when the message is compressed in a way that is not known here.
 */
export async function openMessage(
  frames: Uint8Array,
  encoding: string | undefined,
  { maxBytes, room }: { readonly maxBytes: number; readonly room: Body },
): Promise<Uint8Array> {
  const [flag] = frames;
  if (flag === undefined || frames.length < FRAME_HEAD_BYTES)
    throw new Reject("bad_request", "there is no message");
  const length = new DataView(frames.buffer, frames.byteOffset).getUint32(1);
  if (length > maxBytes) throw new Reject("body_too_large");
  if (length !== frames.length - FRAME_HEAD_BYTES)
    throw new Reject("bad_request", "the call has not exactly one whole message");
  const message = frames.subarray(FRAME_HEAD_BYTES);
  if (flag === 0) return message;
  if (flag !== COMPRESSED) throw new Reject("bad_request", "the message has an unknown flag");
  if (encoding !== "gzip")
    throw unimplemented(`grpc-encoding ${encoding ?? "(none)"} is not known here; gzip and identity are`);
  await inflate(message, room);
  return room.bytes();
}

/** Stops as soon as there is no room: a bomb is not blown up any further. Throws Reject bad_request, and as `room.add` does. */
function inflate(message: Uint8Array, room: Body): Promise<void> {
  const gunzip = createGunzip();
  return new Promise((resolve, reject) => {
    gunzip.on("data", (chunk: Buffer) => {
      try {
        room.add(chunk);
      } catch (thrown) {
        reject(thrown);
        gunzip.destroy();
      }
    });
    gunzip.once("error", () => reject(new Reject("bad_request", "the message is not gzip")));
    gunzip.once("end", resolve);
    gunzip.end(message);
  });
}

/** A call that ends with a status which no refusal of a relay has. */
export class CallEnded extends Error {
  readonly status: Status;

  constructor(status: Status) {
    super(status.message);
    this.status = status;
  }
}

/** One message with its head. Compressed if asked for. */
export async function messageFrame(message: Uint8Array, how: "plain" | "gzip"): Promise<Buffer> {
  return how === "gzip" ? framed(COMPRESSED, await zip(message)) : framed(0, message);
}

/** The trailers of gRPC-Web, which come in the body. */
export function trailersFrame(status: Status): Buffer {
  const lines = Object.entries(statusTrailers(status)).map(([name, value]) => `${name}: ${value}\r\n`);
  return framed(TRAILERS, Buffer.from(lines.join(""), "latin1"));
}

function framed(flag: number, bytes: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEAD_BYTES + bytes.length);
  frame[0] = flag;
  frame.writeUInt32BE(bytes.length, 1);
  frame.set(bytes, FRAME_HEAD_BYTES);
  return frame;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};
/** Longer than any backend may take; timers cannot hold more than 24 days. */
const MAX_TIMEOUT_MS = 3_600_000;

/** A grpc-timeout in milliseconds, undefined without one. Throws Reject bad_request. */
export function timeoutMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, digits, unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(text) ?? [];
  if (digits === undefined) throw new Reject("bad_request", "the grpc-timeout is not valid");
  return Math.min(Number(digits) * (UNIT_MS[unit] ?? 1), MAX_TIMEOUT_MS);
}
