import { textBytes } from "./wire-text.ts";

const INITIAL = 1 << 14;
const KEEP_BELOW = 1 << 20;
const TWO_32 = 0x1_0000_0000;

/**
 * Writes a message from its last byte to its first: the length of an embedded message is then known
 * when its prefix is due, and no size has to be computed beforehand.
 */
export class Writer {
  #buffer = Buffer.allocUnsafeSlow(INITIAL);
  #at = INITIAL;

  /** Drops what was written. */
  reset(): void {
    if (this.#buffer.length > KEEP_BELOW) this.#buffer = Buffer.allocUnsafeSlow(INITIAL);
    this.#at = this.#buffer.length;
  }

  /** Number of bytes written since reset. */
  written(): number {
    return this.#buffer.length - this.#at;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    const bytes = new Uint8Array(this.written());
    bytes.set(this.#buffer.subarray(this.#at));
    return bytes;
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#at -= value.length;
    this.#buffer.set(value, this.#at);
    this.varint(value.length);
  }

  text(value: string): void {
    const before = this.written();
    this.#reserve(value.length);
    let index = value.length - 1;
    for (; index >= 0; index--) {
      const unit = value.charCodeAt(index);
      if (unit >= 0x80) break;
      this.#at -= 1;
      this.#buffer[this.#at] = unit;
    }
    if (index < 0) this.varint(value.length);
    else {
      this.#at = this.#buffer.length - before;
      this.bytes(textBytes(value));
    }
  }

  /** A varint of an integer from 0 to 2^53 - 1. */
  varint(value: number): void {
    if (value < 0x80) {
      this.#reserve(1);
      this.#at -= 1;
      this.#buffer[this.#at] = value;
      return;
    }
    this.#split(value % TWO_32, Math.floor(value / TWO_32));
  }

  /** A varint of a 64-bit integer; negative ones as two's complement in 10 bytes. */
  big(value: bigint): void {
    if (value >= 0n && value <= 0xffff_ffffn) this.varint(Number(value));
    else {
      const wrapped = BigInt.asUintN(64, value);
      this.#split(Number(wrapped & 0xffff_ffffn), Number(wrapped >> 32n));
    }
  }

  /** A varint of a 32-bit signed integer; negative ones are widened to 64 bits. */
  int32(value: number): void {
    const wrapped = value | 0;
    if (wrapped >= 0) this.varint(wrapped);
    else this.#split(wrapped >>> 0, 0xffff_ffff);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#at -= 8;
    this.#buffer.writeDoubleLE(value, this.#at);
  }

  #split(low: number, high: number): void {
    const length = splitLength(low, high);
    this.#reserve(length);
    this.#at -= length;
    let rest = low;
    let upper = high;
    for (let index = 0; index < length; index++) {
      const more = index < length - 1 ? 0x80 : 0;
      this.#buffer[this.#at + index] = (rest & 0x7f) | more;
      rest = ((rest >>> 7) | (upper << 25)) >>> 0;
      upper >>>= 7;
    }
  }

  #reserve(length: number): void {
    if (this.#at >= length) return;
    const written = this.written();
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, (written + length) * 2));
    const at = grown.length - written;
    grown.set(this.#buffer.subarray(this.#at), at);
    this.#buffer = grown;
    this.#at = at;
  }
}

function splitLength(low: number, high: number): number {
  const bits = high === 0 ? 32 - Math.clz32(low) : 64 - Math.clz32(high);
  return Math.max(1, Math.ceil(bits / 7));
}
