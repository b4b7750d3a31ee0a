import { bytes, type Codec, message, string, stringMap, strings, uint32 } from "./wire.ts";

/** The values of one header in their order; `key` repeats the name, in Go's canonical form. */
export type HttpHeader = { readonly key: string; readonly values: readonly string[] };
export const HttpHeader: Codec<HttpHeader> = message<HttpHeader>(
  "sdk.types.Header",
  { key: string(1), values: strings(2) },
  "google",
);

/** An HTTP request as it travels in a relay's payload (relay-path 1.8). */
export type PoktHttpRequest = {
  readonly method: string;
  readonly header: ReadonlyMap<string, HttpHeader>;
  readonly url: string;
  readonly bodyBz: Uint8Array;
};
export const PoktHttpRequest: Codec<PoktHttpRequest> = message<PoktHttpRequest>(
  "sdk.types.POKTHTTPRequest",
  { method: string(1), header: stringMap(2, HttpHeader), url: string(3), bodyBz: bytes(4) },
  "google",
);

/** An HTTP response as it travels in a relay's payload (relay-path 1.8). */
export type PoktHttpResponse = {
  readonly statusCode: number;
  readonly header: ReadonlyMap<string, HttpHeader>;
  readonly bodyBz: Uint8Array;
};
export const PoktHttpResponse: Codec<PoktHttpResponse> = message<PoktHttpResponse>(
  "sdk.types.POKTHTTPResponse",
  { statusCode: uint32(1), header: stringMap(2, HttpHeader), bodyBz: bytes(3) },
  "google",
);
