import type { Readable } from "node:stream";
import type { Clock } from "../../../base/clock.ts";
import { Reject } from "../rejects.ts";

/** A body that has been coming for so long gives way to others when there is no room. */
const GIVES_WAY_MS = 2_000;

/** A body of which more is to come. */
type Coming = { readonly since: number; readonly giveUp: () => void };

/** The bodies of the requests in work, bounded each and together. */
export class Bodies {
  /** Bytes that one body may have. */
  readonly limit: number;
  readonly #room: number;
  readonly #clock: Clock;
  /** The oldest first. */
  readonly #coming = new Set<Coming>();
  #held = 0;

  /** `limit` bytes for one body; `room` for all of them, and for one at least. */
  constructor(limit: number, room: number, clock: Clock) {
    this.limit = limit;
    this.#room = Math.max(room, limit);
    this.#clock = clock;
  }

  /** A body to be filled. Call `release` when its relay is done, whatever became of it. */
  hold(): Body {
    const chunks: Buffer[] = [];
    let size = 0;
    let coming: Coming | undefined;
    const check = (bytes: number) => {
      if (bytes > this.limit) throw new Reject("body_too_large");
      if (!this.#hasRoom(bytes - size, coming)) throw new Reject("overloaded", "too many large requests");
    };
    const arrived = () => {
      if (coming !== undefined) this.#coming.delete(coming);
      coming = undefined;
    };
    return {
      check,
      begin: (giveUp) => {
        coming = { since: this.#clock.monotonic(), giveUp };
        this.#coming.add(coming);
      },
      arrived,
      add: (chunk) => {
        check(size + chunk.length);
        chunks.push(chunk);
        size += chunk.length;
        this.#held += chunk.length;
      },
      size: () => size,
      bytes: () => (chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size)),
      release: () => {
        arrived();
        this.#held -= size;
        size = 0;
        chunks.length = 0;
      },
    };
  }

  /** Those that have been coming longest make room: a few that trickle must not keep everybody else out. */
  #hasRoom(bytes: number, own: Coming | undefined): boolean {
    const oldest = this.#clock.monotonic() - GIVES_WAY_MS;
    for (const coming of this.#coming) {
      if (this.#held + bytes <= this.#room || coming.since > oldest) break;
      if (coming !== own) coming.giveUp();
    }
    return this.#held + bytes <= this.#room;
  }
}

export type Body = {
  /** From now on it comes, until `arrived` or `release`; `giveUp` may be called meanwhile, and must release it. */
  begin(giveUp: () => void): void;
  arrived(): void;
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
    const stop = (thrown: unknown) => {
      request.pause();
      request.removeAllListeners("data");
      reject(thrown);
    };
    const guarded = (act: () => void) => {
      try {
        act();
        return true;
      } catch (thrown) {
        stop(thrown);
        return false;
      }
    };
    if (!guarded(() => body.check(Number(announced ?? 0)))) return;
    body.begin(() => {
      body.release();
      stop(new Reject("overloaded", "there are too many large requests, and this one comes slowly"));
    });
    // "close" comes after every request, also one that was read whole.
    let isWhole = false;
    request.on("data", (chunk: Buffer) => void guarded(() => body.add(chunk)));
    request.once("end", () => {
      isWhole = true;
      body.arrived();
      resolve();
    });
    request.once("error", (error) => reject(new Reject("client_gone", undefined, { cause: error })));
    request.once("close", () => {
      if (!isWhole) reject(new Reject("client_gone"));
    });
  });
}
