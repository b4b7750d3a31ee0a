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

type Header = readonly [string, string];

export type ForwardedFrom = {
  /** The signed inner request's headers, in order. */
  readonly inner: Iterable<Header>;
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
export function backendHeaders(
  from: ForwardedFrom,
  backend: BackendConfig,
): Record<string, string | string[]> {
  const headers = new Map<string, string[]>();
  const inner = [...from.inner];
  const named = connectionTokens(inner);
  for (const [name, value] of inner) {
    const lower = name.toLowerCase();
    if (mayForward(lower, value) && !named.has(lower)) append(headers, lower, value);
  }
  for (const name of FROM_WRAPPER_IF_UNSET) {
    const value = from.wrapper(name);
    if (value !== undefined && VALUE.test(value) && !headers.has(name)) headers.set(name, [value]);
  }
  const own = ["pocket-supplier", "pocket-service", "pocket-application"];
  for (const [name, value] of from.wrapperPocket)
    if (TOKEN.test(name) && VALUE.test(value) && !own.includes(name)) headers.set(name, [value]);
  for (const [name, value] of Object.entries(ownHeaders(backend))) headers.set(name, [value]);
  headers.set("accept-encoding", ["identity"]);
  headers.set("pocket-supplier", [from.supplier]);
  headers.set("pocket-service", [from.service]);
  headers.set("pocket-application", [from.application]);
  return Object.fromEntries(
    [...headers].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? "") : values]),
  );
}

/** Names that the inner Connection header declares to be hop-by-hop. */
function connectionTokens(headers: readonly Header[]): ReadonlySet<string> {
  const values = headers.filter(([name]) => name.toLowerCase() === "connection").map(([, value]) => value);
  return new Set(values.flatMap((value) => value.split(",").map((token) => token.trim().toLowerCase())));
}

const mayForward = (lower: string, value: string): boolean =>
  TOKEN.test(lower) &&
  VALUE.test(value) &&
  !NEVER_FORWARDED.has(lower) &&
  !NEVER_FORWARDED_PREFIXES.some((prefix) => lower.startsWith(prefix));

function append(headers: Map<string, string[]>, name: string, value: string): void {
  const held = headers.get(name);
  if (held) held.push(value);
  else headers.set(name, [value]);
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
