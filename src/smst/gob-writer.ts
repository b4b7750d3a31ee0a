import { utf8 } from "../base/bytes.ts";

/** A list of chunks under construction, in Go's gob primitives (mining-path 1.7). */
export class GobWriter {
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  raw(bytes: Uint8Array): this {
    this.#chunks.push(bytes);
    this.#length += bytes.length;
    return this;
  }

  /** A non-negative integer below 2^48. */
  uint(value: number): this {
    if (value < 0x80) return this.raw(Uint8Array.of(value));
    const bytes: number[] = [];
    for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
    return this.raw(Uint8Array.of(256 - bytes.length, ...bytes));
  }

  /** A signed integer: the sign goes to the lowest bit. */
  int(value: number): this {
    return this.uint(value < 0 ? -value * 2 - 1 : value * 2);
  }

  bytes(bytes: Uint8Array): this {
    return this.uint(bytes.length).raw(bytes);
  }

  text(text: string): this {
    return this.bytes(utf8(text));
  }

  /** Fields in their order; those that hold a zero value (undefined here) are not sent. */
  struct(fields: readonly (((writer: this) => void) | undefined)[]): this {
    let previous = -1;
    for (const [index, write] of fields.entries()) {
      if (write === undefined) continue;
      this.uint(index - previous);
      previous = index;
      write(this);
    }
    return this.uint(0);
  }

  list<T>(items: readonly T[], write: (writer: this, item: T) => void): this {
    this.uint(items.length);
    for (const item of items) write(this, item);
    return this;
  }

  /** A message: its length, a signed number that says what it is, and its body. */
  message(number: number, body: (writer: GobWriter) => void): this {
    const inner = new GobWriter().int(number);
    body(inner);
    return this.bytes(inner.finish());
  }

  finish(): Uint8Array {
    const whole = new Uint8Array(this.#length);
    let offset = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, offset);
      offset += chunk.length;
    }
    return whole;
  }
}
