import { fromUtf8 } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";

export const badGob = (problem: string): AppError => new AppError("SMST_BAD_GOB", problem);

/** Reads Go's gob primitives (mining-path 1.7). All methods throw AppError SMST_BAD_GOB where the bytes end early or make no sense. */
export class GobReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** A view on the next bytes. */
  take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw badGob("unexpected EOF");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** An unsigned 64-bit integer; from 2^53 on only near the true value, which is too large for any use of it anyway. */
  uint(): number {
    const first = this.take(1)[0] ?? 0;
    if (first < 0x80) return first;
    const length = 256 - first;
    if (length > 8) throw badGob("encoded unsigned integer out of range");
    return this.take(length).reduce((value, byte) => value * 256 + byte, 0);
  }

  int(): number {
    const value = this.uint();
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.take(this.uint()));
  }

  text(): string {
    try {
      return fromUtf8(this.bytes());
    } catch (thrown) {
      if (thrown instanceof TypeError) throw badGob("a name is not UTF-8");
      throw thrown;
    }
  }

  /** Hands each field that was sent to `read`, by its index. */
  fields(count: number, read: (index: number) => void): void {
    let index = -1;
    for (let delta = this.uint(); delta !== 0; delta = this.uint()) {
      index += delta;
      if (index >= count) throw badGob("field numbers out of bounds");
      read(index);
    }
  }

  /** As many elements as are announced; each takes at least a byte, so a false number ends with the bytes. */
  elements(read: () => void): void {
    for (let left = this.uint(); left > 0; left--) read();
  }
}
