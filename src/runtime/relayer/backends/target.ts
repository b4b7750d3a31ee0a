import { Reject } from "../rejects.ts";

/** A configured endpoint, taken apart once at start. */
export type Endpoint = {
  readonly name: string;
  readonly origin: string;
  /** Without a slash at its end; "" for none. */
  readonly basePath: string;
  /** Without the question mark. */
  readonly query: string;
  /** Basic, of the user and password in its URL; what the configuration gives by other ways wins. */
  readonly authorization: string | undefined;
};

/** `basePath` of the configuration wins over the URL's own path. */
export function endpointOf(name: string, url: string, basePath: string | undefined): Endpoint {
  const parsed = new URL(url);
  const path = basePath ?? parsed.pathname;
  return {
    name,
    origin: parsed.origin,
    basePath: path.replace(/\/+$/, ""),
    query: parsed.search.replace(/^\?/, ""),
    authorization: authorizationOf(parsed),
  };
}

/** As Go's HTTP client does. */
function authorizationOf({ username, password }: URL): string | undefined {
  if (username === "" && password === "") return undefined;
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(pair, "utf8").toString("base64")}`;
}

/**
 * The path and query asked of a backend: the inner URL's path under the endpoint's base path, its host ignored
 * (relay-path 6.3). Anything that could leave the base path is refused, also percent-encoded.
 */
export function targetPath(endpoint: Endpoint, innerUrl: string): string {
  const { path, query } = splitUrl(escaped(innerUrl));
  if (hasControlCharacter(path) || hasControlCharacter(query) || leavesBase(path))
    throw new Reject("bad_request", "the inner URL has a path that is not allowed");
  const merged = underBase(path, endpoint.basePath) ? path : endpoint.basePath + path;
  const queries = [endpoint.query, query].filter((part) => part !== "").join("&");
  return (merged === "" ? "/" : merged) + (queries === "" ? "" : `?${queries}`);
}

/** Text beyond ASCII as Go writes it into a path. */
const escaped = (url: string): string => url.replace(/[\u0080-\uffff]+/g, encodeURIComponent);

function splitUrl(url: string): { path: string; query: string } {
  const withoutFragment = url.split("#", 1)[0] ?? "";
  const local = withoutFragment.replace(/^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?]*/, "");
  const mark = local.indexOf("?");
  const path = mark < 0 ? local : local.slice(0, mark);
  return { path: cleaned(path), query: mark < 0 ? "" : local.slice(mark + 1) };
}

/** One slash at the start, none doubled; a slash at the end is kept: backends tell /x from /x/. */
function cleaned(path: string): string {
  const single = path.replace(/\/{2,}/g, "/");
  if (single === "" || single === "/") return "";
  return single.startsWith("/") ? single : `/${single}`;
}

const underBase = (path: string, base: string): boolean =>
  base !== "" && (path === base || path.startsWith(`${base}/`));

/** Some backends cut "..;x" at its semicolon before they look at the dots. */
function leavesBase(path: string): boolean {
  const plain = path.replace(/%2e/gi, ".").replace(/%2f/gi, "/").replace(/%5c/gi, "\\").replace(/%3b/gi, ";");
  return plain.split(/[/\\]/).some((segment) => /^\.\.?(;|$)/.test(segment));
}

function hasControlCharacter(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code <= 0x20 || code >= 0x7f) return true;
  }
  return false;
}
