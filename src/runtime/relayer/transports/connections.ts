import type { Socket } from "node:net";
import type { Clock } from "../../../base/clock.ts";
import { sourceOf } from "./source.ts";

/** What a client of HTTP/2 sends first, with or without TLS (RFC 9113, 3.4). */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/**
 * Looks at the first bytes of a connection and puts them back. Calls `found` once with what they are, or never, if nothing comes within
 * `patienceMs` or the connection ends: then it is closed.
 */
export function sniff(
  socket: Socket,
  { clock, patienceMs }: { readonly clock: Clock; readonly patienceMs: number },
  found: (protocol: "http1" | "http2") => void,
): void {
  let seen: Buffer = Buffer.alloc(0);
  const tooLate = clock.after(patienceMs, () => socket.destroy());
  const look = (chunk: Buffer) => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const compared = Math.min(seen.length, PREFACE.length);
    const isPreface = PREFACE.compare(seen, 0, compared, 0, compared) === 0;
    if (isPreface && compared < PREFACE.length) return;
    over();
    socket.pause();
    socket.unshift(seen);
    found(isPreface ? "http2" : "http1");
  };
  const drop = () => {
    over();
    socket.destroy();
  };
  const over = () => {
    tooLate();
    socket.off("data", look).off("end", drop).off("error", drop).off("close", tooLate);
  };
  socket.on("data", look).once("end", drop).once("error", drop).once("close", tooLate);
}

/** How many connections each source has. */
export class Sources {
  readonly #limit: number;
  readonly #counts = new Map<string, number>();

  /** 0: no limit, and nothing is counted. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether its source may have one more; it is given back when the socket closes. */
  admit(socket: Socket): boolean {
    if (this.#limit === 0 || socket.remoteAddress === undefined) return true;
    const source = sourceOf(socket.remoteAddress);
    const held = this.#counts.get(source) ?? 0;
    if (held >= this.#limit) return false;
    this.#counts.set(source, held + 1);
    socket.once("close", () => {
      const left = (this.#counts.get(source) ?? 1) - 1;
      if (left === 0) this.#counts.delete(source);
      else this.#counts.set(source, left);
    });
    return true;
  }
}
