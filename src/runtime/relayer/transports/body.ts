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
    return new Body(this);
  }

  /** Room for so many bytes more, for a body or for one that comes; throws Reject body_too_large, overloaded. */
  take(bytes: number, size: number, own: Coming | undefined): void {
    this.check(bytes, size, own);
    this.#held += bytes;
  }

  /** Throws as `take` does when a body of `size` bytes has no room for so many more. */
  check(bytes: number, size: number, own: Coming | undefined): void {
    if (size + bytes > this.limit) throw new Reject("body_too_large");
    if (!this.#hasRoom(bytes, own)) throw new Reject("overloaded", "too many large requests");
  }

  giveBack(bytes: number): void {
    this.#held -= bytes;
  }

  /** One that is coming, until `arrived`. */
  begin(giveUp: () => void): Coming {
    const coming = { since: this.#clock.monotonic(), giveUp };
    this.#coming.add(coming);
    return coming;
  }

  arrived(coming: Coming): void {
    this.#coming.delete(coming);
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

/** One body and its room among the others. */
export class Body {
  readonly #all: Bodies;
  #chunks: Buffer[] = [];
  #size = 0;
  #coming: Coming | undefined;

  constructor(all: Bodies) {
    this.#all = all;
  }

  /** Bytes that are here. */
  get size(): number {
    return this.#size;
  }

  /** From now on it comes, until `arrived` or `release`; `giveUp` may be called meanwhile, and must release it. */
  begin(giveUp: () => void): void {
    this.#coming = this.#all.begin(giveUp);
  }

  arrived(): void {
    if (this.#coming !== undefined) this.#all.arrived(this.#coming);
    this.#coming = undefined;
  }

  /** Throws Reject body_too_large, overloaded if there is no room for a body of so many bytes. */
  check(bytes: number): void {
    this.#all.check(bytes - this.#size, this.#size, this.#coming);
  }

  /** Throws as `check` does. */
  add(chunk: Buffer): void {
    this.#all.take(chunk.length, this.#size, this.#coming);
    this.#chunks.push(chunk);
    this.#size += chunk.length;
  }

  bytes(): Uint8Array {
    const [first] = this.#chunks;
    return this.#chunks.length === 1 && first ? first : Buffer.concat(this.#chunks, this.#size);
  }

  release(): void {
    this.arrived();
    this.#all.giveBack(this.#size);
    this.#size = 0;
    this.#chunks = [];
  }
}

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
    request.on("end", () => {
      isWhole = true;
      body.arrived();
      resolve();
    });
    request.on("error", (error) => reject(new Reject("client_gone", undefined, { cause: error })));
    request.on("close", () => {
      if (!isWhole) reject(new Reject("client_gone"));
    });
  });
}
