import { AppError } from "../../base/errors.ts";
import { readStrictText, readText } from "./wire-text.ts";

/** Whose decoder is followed: gogoproto for pocket.* and cosmos.*, protobuf-go for the HTTP envelope (relay-path 1, 1.8). */
export type Rules = "gogo" | "google";

export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH = 2;
const GROUP_START = 3;
const GROUP_END = 4;
const FIXED32 = 5;

const MAX_VARINT_BYTES = 10;
const MAX_GOOGLE_FIELD = (1 << 29) - 1;
const MAX_GROUP_DEPTH = 10_001;

const bad = (message: string): AppError => new AppError("BAD_PROTO", message);

/** A cursor over the bytes of one message and, by narrowing `end`, of the messages inside it. */
export class Reader {
  readonly rules: Rules;
  readonly #bytes: Buffer;
  #at = 0;
  #end: number;
  /** Low and high 32 bits of the last varint. */
  #low = 0;
  #high = 0;
  /** Of the last tag. */
  wireType = 0;

  constructor(bytes: Uint8Array, rules: Rules) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#end = bytes.length;
    this.rules = rules;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** Reads a tag and gives its field number; a group end and a bad number are BAD_PROTO. */
  tag(): number {
    this.#varint();
    this.wireType = this.#low & 7;
    const field = this.#fieldNumber();
    if (this.wireType === GROUP_END) throw bad("a group ends that did not begin");
    if (field <= 0) throw bad("illegal field number");
    return field;
  }

  uint64(): bigint {
    this.#varint();
    if (this.#high === 0) return BigInt(this.#low);
    return (BigInt(this.#high) << 32n) | BigInt(this.#low);
  }

  int64(): bigint {
    const value = this.uint64();
    return value >> 63n === 0n ? value : BigInt.asIntN(64, value);
  }

  uint32(): number {
    this.#varint();
    return this.#low;
  }

  int32(): number {
    this.#varint();
    return this.#low | 0;
  }

  bool(): boolean {
    this.#varint();
    return this.#low !== 0 || this.#high !== 0;
  }

  double(): number {
    const start = this.#advance(8);
    return this.#bytes.readDoubleLE(start);
  }

  /** A view of the bytes read, not a copy. */
  bytes(): Uint8Array {
    const start = this.#prefixed();
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, this.#at - start);
  }

  text(): string {
    const start = this.#prefixed();
    const read = this.rules === "gogo" ? readText : readStrictText;
    return read(this.#bytes, start, this.#at);
  }

  /** Narrows the cursor to the embedded message that begins here; give the result to `leave`. */
  enter(): number {
    const start = this.#prefixed();
    const outer = this.#end;
    this.#end = this.#at;
    this.#at = start;
    return outer;
  }

  leave(outer: number): void {
    this.#end = outer;
  }

  /** Skips the value of an unknown field whose tag was just read. */
  skip(field: number): void {
    if (this.wireType === GROUP_START) this.#skipGroup(field);
    else this.#skipPlain(this.wireType);
  }

  #skipGroup(field: number): void {
    const open = [field];
    while (open.length > 0) {
      this.#varint();
      const wireType = this.#low & 7;
      const inner = this.#groupField();
      if (wireType === GROUP_START) open.push(inner);
      else if (wireType === GROUP_END) this.#closeGroup(open, inner);
      else this.#skipPlain(wireType);
      if (open.length > MAX_GROUP_DEPTH && this.rules === "google") throw bad("groups are nested too deep");
    }
  }

  // gogoproto looks at the number of fields inside a skipped group no more than at that of its end.
  #groupField(): number {
    if (this.rules === "gogo") return 0;
    const field = this.#high * 2 ** 29 + (this.#low >>> 3);
    if (field < 1 || field > 0x7fff_ffff) throw bad("illegal field number");
    return field;
  }

  #closeGroup(open: number[], field: number): void {
    const begun = open.pop();
    if (this.rules === "google" && begun !== field) throw bad("groups are not balanced");
  }

  #skipPlain(wireType: number): void {
    if (wireType === VARINT) this.#varint();
    else if (wireType === FIXED64) this.#advance(8);
    else if (wireType === FIXED32) this.#advance(4);
    else if (wireType === LENGTH) this.#prefixed();
    else throw bad("illegal wire type");
  }

  #fieldNumber(): number {
    if (this.rules === "gogo") return (this.#low >>> 3) | (this.#high << 29);
    const field = this.#high * 2 ** 29 + (this.#low >>> 3);
    return field > MAX_GOOGLE_FIELD ? 0 : field;
  }

  /** Reads a length, moves past that many bytes and gives their start. */
  #prefixed(): number {
    this.#varint();
    if (this.#high !== 0) throw bad("a length runs past the end");
    return this.#advance(this.#low);
  }

  #advance(length: number): number {
    const start = this.#at;
    if (length > this.#end - start) throw bad("the message is cut off");
    this.#at = start + length;
    return start;
  }

  #varint(): void {
    this.#high = 0;
    const first = this.#byte();
    this.#low = first & 0x7f;
    if (first < 0x80) return;
    for (let index = 1; index < MAX_VARINT_BYTES; index++) {
      const byte = this.#byte();
      this.#add(byte & 0x7f, index * 7);
      if (byte >= 0x80) continue;
      if (index === MAX_VARINT_BYTES - 1 && byte > 1 && this.rules === "google")
        throw bad("a varint has more than 64 bits");
      return;
    }
    throw bad("a varint has more than 10 bytes");
  }

  #add(bits: number, shift: number): void {
    if (shift < 32) this.#low = (this.#low | (bits << shift)) >>> 0;
    if (shift >= 32) this.#high = (this.#high | (bits << (shift - 32))) >>> 0;
    else if (shift > 25) this.#high = (this.#high | (bits >>> (32 - shift))) >>> 0;
  }

  #byte(): number {
    if (this.#at >= this.#end) throw bad("the message is cut off");
    const byte = this.#bytes[this.#at] ?? 0;
    this.#at += 1;
    return byte;
  }
}
