import { EMPTY } from "../../base/bytes.ts";
import { sha256 } from "../../base/sha256.ts";
import { RelayRequest } from "../proto/service.ts";
import { fieldLength, putField, putVarint, varintLength } from "./wire-fields.ts";

/**
 * A relay request as its canonical bytes, with the places of its parts. Hashing, signing and mining need no more: nothing is decoded into
 * objects and encoded again where the bytes are what an honest client sends.
 */
export type RequestBytes = {
  /** The canonical encoding: the bytes as they came, or, where those were not canonical, encoded anew as Go does (relay-path 1). */
  readonly bytes: Uint8Array;
  /** Encoded SessionHeader; undefined when there is none. */
  readonly header: Uint8Array | undefined;
  readonly signature: Uint8Array;
  readonly supplier: Uint8Array;
  readonly payload: Uint8Array;
};

const META = 0x0a;
const META_HEADER = 0x0a;
const META_SIGNATURE = 0x12;
const META_SUPPLIER = 0x1a;
const PAYLOAD = 0x12;
const HEADER_TEXTS = [0x0a, 0x12, 0x1a];
const HEADER_HEIGHTS = [0x20, 0x28];

/** The parts are views of `bytes`. Throws AppError BAD_PROTO where Go would not decode them (relay-path 1). */
export function openRequest(bytes: Uint8Array): RequestBytes {
  const opened = cutRequest(bytes) ?? cutRequest(RelayRequest.encode(RelayRequest.decode(bytes)));
  if (opened === undefined) throw new TypeError("an encoded request is not canonical");
  return opened;
}

/** The 32 bytes that the ring signature signs: the request without that signature, hashed (relay-path 2.1). */
export function digestOfRequest({ header, supplier, payload }: RequestBytes): Uint8Array {
  const metaLength = (header === undefined ? 0 : fieldLength(header)) + optionalLength(supplier);
  const signable = Buffer.allocUnsafe(1 + varintLength(metaLength) + metaLength + optionalLength(payload));
  signable[0] = META;
  let at = putVarint(signable, 1, metaLength);
  if (header !== undefined) at = putField(signable, at, META_HEADER, header);
  if (supplier.length > 0) at = putField(signable, at, META_SUPPLIER, supplier);
  if (payload.length > 0) putField(signable, at, PAYLOAD, payload);
  return sha256(signable);
}

const optionalLength = (bytes: Uint8Array): number => (bytes.length === 0 ? 0 : fieldLength(bytes));

/** The parts of a request whose bytes are canonical: known fields in order, none of them empty, the shortest numbers. */
function cutRequest(bytes: Uint8Array): RequestBytes | undefined {
  const cursor = new Cursor(bytes);
  const meta = cursor.field(META, bytes.length, 0);
  if (meta === undefined) return undefined;
  const afterMeta = cursor.at;
  cursor.at = afterMeta - meta.length;
  const header = cursor.field(META_HEADER, afterMeta, 0);
  const signature = cursor.field(META_SIGNATURE, afterMeta, 1) ?? EMPTY;
  const supplier = cursor.field(META_SUPPLIER, afterMeta, 1) ?? EMPTY;
  if (cursor.at !== afterMeta) return undefined;
  const payload = cursor.field(PAYLOAD, bytes.length, 1) ?? EMPTY;
  if (cursor.at !== bytes.length) return undefined;
  if (header !== undefined && !isCanonicalHeader(header)) return undefined;
  return { bytes, header, signature, supplier, payload };
}

function isCanonicalHeader(header: Uint8Array): boolean {
  const cursor = new Cursor(header);
  for (const tag of HEADER_TEXTS) cursor.field(tag, header.length, 1);
  for (const tag of HEADER_HEIGHTS) cursor.number(tag);
  return cursor.at === header.length;
}

/** Moves over fields that are what a canonical encoding has next, and stays where one is not. */
class Cursor {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The content of the field with this tag, if it comes next, has at least `least` bytes and ends no later than `end`. */
  field(tag: number, end: number, least: number): Uint8Array | undefined {
    const bytes = this.#bytes;
    if (bytes[this.at] !== tag) return undefined;
    let at = this.at + 1;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      // Four bytes name lengths up to 256 MiB, more than any body; the last byte of a shortest number is not zero unless it is all of it.
      if (byte === undefined || shift > 21 || (byte === 0 && shift > 0)) return undefined;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if (length < least || at + length > end) return undefined;
    this.at = at + length;
    return bytes.subarray(at, at + length);
  }

  /** Moves over a number that is not zero and written in its shortest form, of at most 64 bits. */
  number(tag: number): void {
    const bytes = this.#bytes;
    if (bytes[this.at] !== tag) return;
    const first = this.at + 1;
    let at = first;
    while ((bytes[at] ?? 0) >= 0x80) at += 1;
    const last = bytes[at] ?? 0;
    const length = at - first + 1;
    if (last !== 0 && (length < 10 || (length === 10 && last === 1))) this.at = at + 1;
  }
}
