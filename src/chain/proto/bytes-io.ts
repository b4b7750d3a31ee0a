import { AppError } from "../../base/errors.ts";

/** Protobuf's low level: varints, lengths, strings over one growing or one given buffer. */

const UTF8_IN = new TextEncoder();
const UTF8_OUT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const FIRST_ESCAPE = 0xdc00;

export const badProto = (why: string): AppError<"BAD_PROTO"> =>
  new AppError("BAD_PROTO", `the bytes are not a valid protobuf message: ${why}`);

export class Writer {
  #bytes = new Uint8Array(1_024);
  #at = 0;

  get position(): number {
    return this.#at;
  }

  reset(): void {
    this.#at = 0;
  }

  /** A copy of what was written since `start`. */
  slice(start: number): Uint8Array {
    return this.#bytes.slice(start, this.#at);
  }

  cut(start: number): void {
    this.#at = start;
  }

  #room(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + count));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
  }

  /** A non-negative integer below 2^53. */
  varint(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#at++] = rest;
  }

  /** The low 64 bits: negative numbers take ten bytes. */
  varint64(value: bigint): void {
    if (value >= 0n && value <= 0x1f_ffff_ffff_ffffn) this.varint(Number(value));
    else this.#tenBytes(value);
  }

  #tenBytes(value: bigint): void {
    this.#room(10);
    let rest = BigInt.asUintN(64, value);
    while (rest >= 0x80n) {
      this.#bytes[this.#at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#at++] = Number(rest);
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  lengthAndBytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  double(value: number): void {
    this.#room(8);
    new DataView(this.#bytes.buffer).setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  /** Puts the length of what `body` writes in front of it. */
  lengthDelimited(body: () => void): void {
    const start = this.#at;
    this.#room(1);
    this.#at += 1;
    body();
    const length = this.#at - start - 1;
    const extra = varintSize(length) - 1;
    if (extra > 0) {
      this.#room(extra);
      this.#bytes.copyWithin(start + 1 + extra, start + 1, this.#at);
    }
    this.#at = start;
    this.varint(length);
    this.#at += length;
  }
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1;
  return size;
}

export class Reader {
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** The 64 bits of a varint; Go refuses one longer than ten bytes, or whose tenth byte is above 1. */
  varint64(): bigint {
    const start = this.#at;
    let low = 0;
    let scale = 1;
    for (let index = 0; index < 7; index++) {
      const byte = this.#byte();
      low += (byte & 0x7f) * scale;
      if (byte < 0x80) return BigInt(low);
      scale *= 0x80;
    }
    this.#at = start;
    return this.#longVarint();
  }

  #longVarint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (shift === 63n && byte > 1) throw badProto("a varint is above 64 bits");
        return BigInt.asUintN(64, value);
      }
    }
    throw badProto("a varint is too long");
  }

  /** A varint as a number; values from 2^53 on come as Infinity, which no length or tag allows. */
  varint(): number {
    const first = this.#at < this.#end ? (this.#bytes[this.#at] ?? 0) : 0x80;
    if (first < 0x80) {
      this.#at += 1;
      return first;
    }
    const value = this.varint64();
    return value > 0x1f_ffff_ffff_ffffn ? Number.POSITIVE_INFINITY : Number(value);
  }

  #byte(): number {
    if (this.#at >= this.#end) throw badProto("it ends early");
    return this.#bytes[this.#at++] ?? 0;
  }

  #take(count: number): number {
    if (count > this.#end - this.#at) throw badProto("a length runs past the end");
    const start = this.#at;
    this.#at += count;
    return start;
  }

  /** A copy, so that a decoded message does not keep its whole buffer alive. */
  bytes(): Uint8Array {
    const length = this.varint();
    const start = this.#take(length);
    return this.#bytes.slice(start, start + length);
  }

  string(strict: boolean): string {
    const length = this.varint();
    const start = this.#take(length);
    return decodeText(this.#bytes.subarray(start, start + length), strict);
  }

  /** A reader over the next length-delimited part. */
  part(): Reader {
    const length = this.varint();
    const start = this.#take(length);
    return new Reader(this.#bytes, start, start + length);
  }

  double(): number {
    const start = this.#take(8);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + start, 8).getFloat64(0, true);
  }

  /** Steps over the value of an unknown field, groups included if they are balanced. */
  skip(wireType: number): void {
    let depth = 0;
    for (let type = wireType; ; type = this.#nextInGroup()) {
      if (type === 3) depth += 1;
      else if (type === 4) depth -= 1;
      else this.#skipScalar(type);
      if (depth < 0) throw badProto("a group ends that did not begin");
      if (depth === 0) return;
    }
  }

  #skipScalar(wireType: number): void {
    if (wireType === 0) this.varint64();
    else if (wireType === 1) this.#take(8);
    else if (wireType === 2) this.#take(this.varint());
    else if (wireType === 5) this.#take(4);
    else throw badProto("an unknown wire type");
  }

  #nextInGroup(): number {
    const tag = this.varint64();
    if (BigInt.asIntN(32, tag >> 3n) <= 0n) throw badProto("an illegal field number");
    return Number(tag & 7n);
  }
}

/**
 * Text of a string field. gogoproto takes any bytes (relay-path 1): where they are no UTF-8, each stray byte becomes a lone
 * surrogate that encodeText turns back, so that a re-encoded message hashes as in Go. `strict` refuses them, as protobuf-go does.
 */
function decodeText(bytes: Uint8Array, strict: boolean): string {
  try {
    return UTF8_OUT.decode(bytes);
  } catch {
    if (strict) throw badProto("a string is not UTF-8");
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte < 0x80 ? byte : FIRST_ESCAPE + byte);
    return text;
  }
}

export function encodeText(text: string, strict: boolean): Uint8Array {
  if (text.isWellFormed()) return UTF8_IN.encode(text);
  if (strict) throw badProto("a string is not UTF-8");
  return Uint8Array.from(text, (character) => {
    const code = character.charCodeAt(0);
    return code >= FIRST_ESCAPE ? code - FIRST_ESCAPE : code;
  });
}
