import { expect } from "vitest";
import { fromHex, toHex } from "../../src/base/bytes.ts";
import { type HttpHeader, PoktHttpRequest, PoktHttpResponse } from "../../src/chain/proto/http-envelope.ts";
import { readText } from "../../src/chain/proto/wire-text.ts";
import {
  canonicalHeaderName,
  headerMap,
  headerPairs,
  isToken,
} from "../../src/chain/protocol/http-headers.ts";
import { Vectors } from "../kit/vectors.ts";

type HeaderFields = Record<string, { key: string; values: string[] }>;
type EnvelopeFields = {
  error?: boolean;
  method: string;
  url: string;
  status_code: number;
  header: HeaderFields;
  body: string;
};
type Given = {
  headers_added: [string, string | { hex: string }][] | null;
  headers_put: Record<string, string[] | null> | null;
};

const vectors = new Vectors("http");
const BAD_PROTO = expect.objectContaining({ code: "BAD_PROTO" });

/** Bytes that are no UTF-8 have no plain text: they stand in it as they would after reading them from a message. */
const text = (value: string | { hex: string }): string => {
  if (typeof value === "string") return value;
  const bytes = Buffer.from(value.hex, "hex");
  return readText(bytes, 0, bytes.length);
};

const headersOf = (fields: HeaderFields): Map<string, HttpHeader> => new Map(Object.entries(fields));

const request = (fields: EnvelopeFields): PoktHttpRequest => ({
  method: fields.method,
  header: headersOf(fields.header),
  url: fields.url,
  bodyBz: fromHex(fields.body),
});

const response = (fields: EnvelopeFields): PoktHttpResponse => ({
  statusCode: fields.status_code,
  header: headersOf(fields.header),
  bodyBz: fromHex(fields.body),
});

/** Headers that an API made canonical, or that stand in the map as they are. */
function headerOf({ headers_added: added, headers_put: put }: Given): Map<string, HttpHeader> {
  if (put === null) return headerMap((added ?? []).map(([name, value]) => [name, text(value)] as const));
  // Go looks values up by canonical name and so finds none for a name that is not.
  const found = (key: string): string[] => (canonicalHeaderName(key) === key ? (put[key] ?? []) : []);
  return new Map(Object.keys(put).map((key) => [key, { key, values: found(key) }]));
}

vectors.kind("request", (vector) => {
  const fields: EnvelopeFields | undefined = vector["fields"];
  const given = vector as unknown as Given;
  if (fields === undefined) {
    if (!isToken(vector["method"])) {
      expect(vector["error"]).toContain("invalid method");
      return;
    }
    const refused = { method: vector["method"], header: headerOf(given), url: "/", bodyBz: new Uint8Array() };
    expect(() => PoktHttpRequest.encode(refused)).toThrow(BAD_PROTO);
    return;
  }
  expect(isToken(fields.method)).toBe(true);
  expect(fields.method).toBe(vector["method"] || "GET");
  const built = { ...request(fields), header: headerOf(given) };
  expect(toHex(PoktHttpRequest.encode(built))).toBe(vector["bytes"]);
  expect(PoktHttpRequest.decode(fromHex(vector["bytes"]))).toEqual(request(fields));
  checkPairs(built.header, given);
});

vectors.kind("response", (vector) => {
  const fields: EnvelopeFields | undefined = vector["fields"];
  const given = vector as unknown as Given;
  if (fields === undefined) {
    const refused = { statusCode: 200, header: headerOf(given), bodyBz: new Uint8Array() };
    expect(() => PoktHttpResponse.encode(refused)).toThrow(BAD_PROTO);
    return;
  }
  const built = {
    statusCode: vector["status_code"],
    header: headerOf(given),
    bodyBz: fromHex(vector["body"]),
  };
  expect(toHex(PoktHttpResponse.encode(built))).toBe(vector["bytes"]);
  expect(PoktHttpResponse.decode(fromHex(vector["bytes"]))).toEqual(response(fields));
  checkPairs(built.header, given);
});

/** Reading an envelope's headers gives every value back, those of one name in their order. */
function checkPairs(header: ReadonlyMap<string, HttpHeader>, { headers_added: added }: Given): void {
  if (added === null) return;
  const byName = (pairs: readonly (readonly [string, string])[]) =>
    pairs.toSorted(([left], [right]) => (left < right ? -1 : Number(left > right)));
  const expected = added.map(([name, value]) => [canonicalHeaderName(name), text(value)] as const);
  expect(byName([...headerPairs(header)])).toEqual(byName(expected));
}

vectors.kind("decode", (vector) => {
  const bytes = fromHex(vector["bytes"]);
  const asRequest: EnvelopeFields = vector["as_request"];
  if (asRequest.error) expect(() => PoktHttpRequest.decode(bytes)).toThrow(BAD_PROTO);
  else expect(PoktHttpRequest.decode(bytes)).toEqual(request(asRequest));
  const asResponse: EnvelopeFields = vector["as_response"];
  if (asResponse.error) expect(() => PoktHttpResponse.decode(bytes)).toThrow(BAD_PROTO);
  else expect(PoktHttpResponse.decode(bytes)).toEqual(response(asResponse));
});

vectors.done();
