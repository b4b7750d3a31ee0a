import { byName } from "../../../base/by-name.ts";
import type { BackendConfig } from "../../config/backends.ts";

/**
 * Never sent on: they belong to one connection, to a proxy, or would let a client speak as somebody else (reliability 7). Whom the
 * backend lets in is the operator's business: its credentials come from the configuration only.
 */
const NEVER_FORWARDED = new Set([
  "accept-encoding",
  "authorization",
  "connection",
  "content-length",
  "cookie",
  "expect",
  "forwarded",
  "host",
  "http2-settings",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
const NEVER_FORWARDED_PREFIXES = ["proxy-", "x-forwarded-", "pocket-"];
const FROM_WRAPPER_IF_UNSET = ["content-type", "accept", "user-agent"];

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Header text that node:http and every backend take: no control characters but tab. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** What each backend's configuration sends with every request. */
const configured = new WeakMap<BackendConfig, readonly Header[]>();

type Header = readonly [string, string];
type Headers = Record<string, string | string[]>;

export type ForwardedFrom = {
  /** The signed inner request's headers, in order. */
  readonly inner: readonly Header[];
  /** One header of the wrapper request, lower-case name. */
  readonly wrapper: (name: string) => string | undefined;
  readonly wrapperPocket: Iterable<Header>;
  readonly supplier: string;
  readonly service: string;
  readonly application: string;
};

/**
 * What a backend is sent (relay-path 6.3): the inner headers, some of the wrapper's where unset, then the
 * configured ones and the authentication, which win; `Accept-Encoding: identity`; who asks in `Pocket-*`,
 * where nothing that a client put there survives.
 */
export function backendHeaders(from: ForwardedFrom, backend: BackendConfig): Headers {
  const headers = innerHeaders(from.inner);
  for (const name of FROM_WRAPPER_IF_UNSET) {
    const value = headers[name] === undefined ? from.wrapper(name) : undefined;
    if (value !== undefined && VALUE.test(value)) headers[name] = value;
  }
  for (const [name, value] of from.wrapperPocket)
    if (TOKEN.test(name) && VALUE.test(value)) headers[name] = value;
  for (const [name, value] of configuredHeaders(backend)) headers[name] = value;
  headers["accept-encoding"] = "identity";
  headers["pocket-supplier"] = from.supplier;
  headers["pocket-service"] = from.service;
  headers["pocket-application"] = from.application;
  return headers;
}

function innerHeaders(inner: readonly Header[]): Headers {
  // Any name may come, also those that every object has.
  const headers: Headers = Object.create(null);
  for (const [name, value] of inner) {
    const lower = forwardedName(name);
    if (lower !== undefined && VALUE.test(value)) append(headers, lower, value);
  }
  for (const name of connectionTokens(inner)) delete headers[name];
  return headers;
}

/** Names that the inner Connection header declares to be hop-by-hop, in lower case. */
function connectionTokens(headers: readonly Header[]): string[] {
  let tokens: string[] = [];
  for (const [name, value] of headers)
    if (name.length === "connection".length && name.toLowerCase() === "connection")
      tokens = [...tokens, ...value.split(",").map((token) => token.trim().toLowerCase())];
  return tokens;
}

/** A name in lower case; undefined when it is none, or not a client's to send. */
const forwardedName = byName((name): string | undefined => {
  const lower = name.toLowerCase();
  const mayForward =
    TOKEN.test(lower) &&
    !NEVER_FORWARDED.has(lower) &&
    !NEVER_FORWARDED_PREFIXES.some((prefix) => lower.startsWith(prefix));
  return mayForward ? lower : undefined;
});

function append(headers: Headers, name: string, value: string): void {
  const held = headers[name];
  if (held === undefined) headers[name] = value;
  else if (Array.isArray(held)) held.push(value);
  else headers[name] = [held, value];
}

function configuredHeaders(backend: BackendConfig): readonly Header[] {
  const known = configured.get(backend);
  if (known !== undefined) return known;
  const made = Object.entries(ownHeaders(backend));
  configured.set(backend, made);
  return made;
}

/** What the configuration sends with every request, lower-case names; credentials win over headers. */
export function ownHeaders(backend: BackendConfig): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(backend.headers)) headers[name.toLowerCase()] = value;
  const authorization = authorizationOf(backend);
  if (authorization !== undefined) headers["authorization"] = authorization;
  return headers;
}

function authorizationOf({ authentication }: BackendConfig): string | undefined {
  if (authentication === undefined) return undefined;
  const { username, password, bearer_token, plain_token } = authentication;
  if (bearer_token !== undefined) return `Bearer ${bearer_token}`;
  if (plain_token !== undefined) return plain_token;
  if (username === undefined) return undefined;
  return `Basic ${Buffer.from(`${username}:${password ?? ""}`, "utf8").toString("base64")}`;
}
