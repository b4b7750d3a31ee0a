import { isUtf8 } from "node:buffer";
import { byName } from "../../base/by-name.ts";
import type { HttpHeader } from "../proto/http-envelope.ts";

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Whether HTTP takes the text as a method or as the name of a header. */
export const isToken = (text: string): boolean => TOKEN.test(text);

/** Go's canonical form of a header name; one with a character that no name may have stays as it is (relay-path 1.8). */
export const canonicalHeaderName = byName((name) =>
  isToken(name) ? name.toLowerCase().replace(/(^|-)[a-z]/g, (letters) => letters.toUpperCase()) : name,
);

/** Names and values, in order, as an envelope holds them: values of one name together, in the order they came. */
export function headerMap(headers: Iterable<readonly [string, string]>): Map<string, HttpHeader> {
  const map = new Map<string, { readonly key: string; readonly values: string[] }>();
  for (const [name, value] of headers) {
    const key = canonicalHeaderName(name);
    const held = map.get(key);
    if (held) held.values.push(value);
    else map.set(key, { key, values: [value] });
  }
  return map;
}

/**
 * Names and values of an envelope: each value under the name that its map has, made canonical; the name inside the header is not
 * looked at (relay-path 1.8).
 */
export const headerPairs = (header: ReadonlyMap<string, HttpHeader>): [string, string][] =>
  [...header].flatMap(([name, { values }]) =>
    values.map((value): [string, string] => [canonicalHeaderName(name), value]),
  );

const BEYOND_ASCII = /[\u0080-\uffff]/;

/**
 * A header's value as an envelope has it, which is UTF-8, from bytes that an HTTP client gives as one character each. Bytes that are no
 * UTF-8 stay such characters: Go cannot write an envelope with them at all (relay-path 1.8).
 */
export function valueFromWire(value: string): string {
  if (!BEYOND_ASCII.test(value)) return value;
  const bytes = Buffer.from(value, "latin1");
  return isUtf8(bytes) ? bytes.toString("utf8") : value;
}

/** The reverse, for an HTTP client: the bytes of the value's UTF-8, one character each. */
export const valueToWire = (value: string): string =>
  BEYOND_ASCII.test(value) ? Buffer.from(value, "utf8").toString("latin1") : value;
