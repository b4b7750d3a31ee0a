import type { Readable } from "node:stream";
import { Reject } from "../rejects.ts";

/** The bodies of the requests in work, bounded each and together. */
export class Bodies {
  /** Bytes that one body may have. */
  readonly limit: number;
  readonly #room: number;
  #held = 0;

  /** `limit` bytes for one body; `room` for all of them, and for one at least. */
  constructor(limit: number, room: number) {
    this.limit = limit;
    this.#room = Math.max(room, limit);
  }

  /** A body to be filled. Call `release` when its relay is done, whatever became of it. */
  hold(): Body {
    const chunks: Buffer[] = [];
    let size = 0;
    const check = (bytes: number) => {
      if (bytes > this.limit) throw new Reject("body_too_large");
      if (this.#held + bytes - size > this.#room) throw new Reject("overloaded", "too many large requests");
    };
    return {
      check,
      add: (chunk) => {
        check(size + chunk.length);
        chunks.push(chunk);
        size += chunk.length;
        this.#held += chunk.length;
      },
      size: () => size,
      bytes: () => (chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size)),
      release: () => {
        this.#held -= size;
        size = 0;
        chunks.length = 0;
      },
    };
  }
}

export type Body = {
  /** Throws Reject body_too_large, overloaded if there is no room for a body of so many bytes. */
  check(bytes: number): void;
  /** Throws as `check` does. */
  add(chunk: Buffer): void;
  size(): number;
  bytes(): Uint8Array;
  release(): void;
};

/**
 * The whole body, whatever the method; `announced` is the Content-Length, if there is one. Throws Reject body_too_large and overloaded as soon as there is no room for more, client_gone when
 * it breaks off.
 */
export function readBody(request: Readable, announced: string | undefined, body: Body): Promise<void> {
  return new Promise((resolve, reject) => {
    const guarded = (act: () => void) => {
      try {
        act();
        return true;
      } catch (thrown) {
        request.pause();
        request.removeAllListeners("data");
        reject(thrown);
        return false;
      }
    };
    if (!guarded(() => body.check(Number(announced ?? 0)))) return;
    // "close" comes after every request, also one that was read whole.
    let isWhole = false;
    request.on("data", (chunk: Buffer) => void guarded(() => body.add(chunk)));
    request.once("end", () => {
      isWhole = true;
      resolve();
    });
    request.once("error", (error) => reject(new Reject("client_gone", undefined, { cause: error })));
    request.once("close", () => {
      if (!isWhole) reject(new Reject("client_gone"));
    });
  });
}
