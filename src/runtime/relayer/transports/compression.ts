import type { OutgoingHttpHeaders } from "node:http";
import { constants, gzip } from "node:zlib";
import type { CompressionConfig } from "../../config/listener.ts";
import type { Call } from "./call.ts";

/** Answers that are compressed at once; more are sent as they are, for a client waits for each. */
const AT_ONCE = 16;
/** Relays are small and waited for: the fastest level takes a tenth of the time of the smallest output. */
const HOW = { level: constants.Z_BEST_SPEED };

/** Compresses answers for clients that take gzip, in the threads of Node, never more than a few at once (go-peers 1.1, T14). */
export class Compression {
  readonly #minBytes: number;
  #inWork = 0;

  constructor({ min_size_bytes }: CompressionConfig) {
    this.#minBytes = min_size_bytes;
  }

  /** Answers 200 with the bytes, compressed if that is wanted and there is room. */
  send(call: Call, headers: OutgoingHttpHeaders, bytes: Uint8Array): void {
    const isLarge = bytes.length >= this.#minBytes;
    // A cache in between must not give one client what another asked for.
    if (isLarge) headers["vary"] = "accept-encoding";
    if (isLarge && this.#inWork < AT_ONCE && takesGzip(call.headers["accept-encoding"]))
      this.#zip(call, headers, bytes);
    else call.send(200, headers, bytes);
  }

  #zip(call: Call, headers: OutgoingHttpHeaders, bytes: Uint8Array): void {
    this.#inWork += 1;
    gzip(bytes, HOW, (error, zipped) => {
      this.#inWork -= 1;
      if (error === null) headers["content-encoding"] = "gzip";
      call.send(200, headers, error === null ? zipped : bytes);
    });
  }
}

/** Whether an Accept-Encoding names gzip, or anything, and does not refuse it with a weight of 0 (RFC 9110, 12.5.3). */
export function takesGzip(accept: string | string[] | undefined): boolean {
  if (accept === undefined || Array.isArray(accept)) return false;
  let any = false;
  for (const part of accept.toLowerCase().split(",")) {
    const [name = "", ...parameters] = part.split(";").map((text) => text.trim());
    const isRefused = parameters.some((text) => /^q=0(\.0*)?$/.test(text));
    if (name === "gzip" || name === "x-gzip") return !isRefused;
    if (name === "*") any = !isRefused;
  }
  return any;
}
