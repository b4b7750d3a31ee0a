import type { Clock } from "../../../base/clock.ts";
import { sendMs } from "./patience.ts";

/** Somebody who is to read what he was sent. */
export type Reader = {
  /** Monotonic milliseconds after which he is broken off. */
  deadline: number;
  breakOff(): void;
};

type Given = {
  readonly clock: Clock;
  /** Bytes of all readers together. */
  readonly limit: number;
  /** Somebody was broken off because he did not read. */
  readonly onUnread: () => void;
};

/** Answers that wait in memory for clients who read slowly, or not at all: each is bounded in time, all together in bytes. */
export class Unsent {
  readonly #given: Given;
  /** Bytes for each, in the order in which they began to wait. */
  readonly #waiting = new Map<Reader, number>();
  #held = 0;

  constructor(given: Given) {
    this.#given = given;
  }

  /** So many more bytes wait for him. If that is too much for all, those who wait longest are broken off; he never is. */
  add(reader: Reader, bytes: number): void {
    const before = this.#waiting.get(reader);
    if (before === undefined) this.#begin(reader, bytes);
    else this.#waiting.set(reader, before + bytes);
    this.#held += bytes;
    if (this.#held <= this.#given.limit) return;
    for (const longest of this.#waiting.keys()) {
      if (this.#held <= this.#given.limit) break;
      if (longest !== reader) this.#breakOff(longest);
    }
  }

  /** He has read it, or never will. */
  remove(reader: Reader): void {
    this.#held -= this.#waiting.get(reader) ?? 0;
    this.#waiting.delete(reader);
  }

  /** To be called about once a second: breaks off who did not read in time. */
  sweep(): void {
    const now = this.#given.clock.monotonic();
    for (const reader of this.#waiting.keys()) if (now > reader.deadline) this.#breakOff(reader);
  }

  #begin(reader: Reader, bytes: number): void {
    reader.deadline = this.#given.clock.monotonic() + sendMs(bytes);
    if (bytes > 0) this.#waiting.set(reader, bytes);
  }

  #breakOff(reader: Reader): void {
    this.remove(reader);
    reader.deadline = this.#given.clock.monotonic();
    reader.breakOff();
    this.#given.onUnread();
  }
}
