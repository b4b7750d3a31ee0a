import { AppError } from "../../base/errors.ts";

const REPLACEMENT = "\uFFFD";
const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

// A byte b that is not UTF-8 stands in the text as the lone surrogate U+DC00 + b, which no UTF-8 decodes to.
const ESCAPE_BASE = 0xdc00;
const ESCAPE_FIRST = 0xdc80;
const ESCAPE_LAST = 0xdcff;

/**
 * Text of the bytes `start` to `end`. Bytes that are no UTF-8 are kept as lone surrogates, so that textBytes gives
 * the same bytes back: gogoproto does not reject them and signatures cover them (relay-path 1).
 */
export function readText(buffer: Buffer, start: number, end: number): string {
  const text = buffer.toString("utf8", start, end);
  if (!text.includes(REPLACEMENT)) return text;
  const bytes = buffer.subarray(start, end);
  return isUtf8(bytes) ? text : escapeText(bytes);
}

/** As readText, but throws BAD_PROTO on bytes that are no UTF-8, as protobuf-go does (relay-path 1.8). */
export function readStrictText(buffer: Buffer, start: number, end: number): string {
  const text = buffer.toString("utf8", start, end);
  if (text.includes(REPLACEMENT) && !isUtf8(buffer.subarray(start, end)))
    throw new AppError("BAD_PROTO", "a string is not UTF-8");
  return text;
}

/** Bytes of a text, inverse of readText. Lone surrogates that readText does not make become U+FFFD. */
export function textBytes(text: string): Uint8Array {
  if (text.isWellFormed()) return Buffer.from(text, "utf8");
  const bytes: number[] = [];
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    if (point >= ESCAPE_FIRST && point <= ESCAPE_LAST) bytes.push(point - ESCAPE_BASE);
    else bytes.push(...Buffer.from(character, "utf8"));
  }
  return Uint8Array.from(bytes);
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    STRICT.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Takes the longest valid sequence at each place, a single escaped byte where there is none. */
function escapeText(bytes: Uint8Array): string {
  let text = "";
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes[at] ?? 0);
    const sequence = bytes.subarray(at, at + length);
    if (length > 0 && sequence.length === length && isUtf8(sequence)) {
      text += STRICT.decode(sequence);
      at += length;
    } else {
      text += String.fromCharCode(ESCAPE_BASE + (bytes[at] ?? 0));
      at += 1;
    }
  }
  return text;
}

function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}
