import { readFileSync } from "node:fs";
import { utf8 } from "../../../base/bytes.ts";
import { AppError, toError } from "../../../base/errors.ts";
import { PoktHttpRequest } from "../../../chain/proto/http-envelope.ts";
import { headerMap, isToken } from "../../../chain/protocol/http-headers.ts";

export type HttpRequestFlags = {
  readonly payload?: string | undefined;
  readonly path?: string | undefined;
  readonly method?: string | undefined;
  readonly header?: readonly string[] | undefined;
};

/** What is asked when nothing is given. */
export type DefaultRequest = { readonly payload?: string; readonly path: string };

/**
 * The request inside a relay to a relayer at that URL: as PATH makes it, with the public URL before the path (relay-path 6.1).
 * Throws AppError USAGE.
 */
export function httpPayload(flags: HttpRequestFlags, otherwise: DefaultRequest): (url: string) => Uint8Array {
  const asked = flags.payload !== undefined || flags.path !== undefined || flags.method !== undefined;
  const given = flags.payload === undefined ? undefined : textOf(flags.payload);
  const body = given ?? (asked && flags.method !== "POST" ? undefined : otherwise.payload);
  const path = flags.path ?? (asked ? "/" : otherwise.path);
  const method = flags.method?.toUpperCase() ?? (body === undefined ? "GET" : "POST");
  if (!isToken(method))
    throw new AppError("USAGE", `--method ${method} cannot be right`, { why: "it is no HTTP method" });
  if (!path.startsWith("/"))
    throw new AppError("USAGE", `--path ${path} cannot be right`, { why: "a path begins with /" });
  const headers = (flags.header ?? []).map(headerOf);
  const typed = headers.some(([name]) => name.toLowerCase() === "content-type");
  const header = headerMap([...(body === undefined || typed ? [] : [JSON_TYPE]), ...headers]);
  const bodyBz = utf8(body ?? "");
  return (url) =>
    PoktHttpRequest.encode({ method, header, url: `${url.replace(/\/+$/, "")}${path}`, bodyBz });
}

const JSON_TYPE = ["content-type", "application/json"] as const;

/** The text itself, or that of the file after @, or stdin's. Throws AppError USAGE when it cannot be read. */
export function textOf(given: string): string {
  if (given !== "-" && !given.startsWith("@")) return given;
  try {
    return readFileSync(given === "-" ? 0 : given.slice(1), "utf8");
  } catch (thrown) {
    throw new AppError("USAGE", `--payload ${given} cannot be read`, {}, toError(thrown));
  }
}

function headerOf(text: string): [string, string] {
  const colon = text.indexOf(":");
  const name = text.slice(0, colon).trim();
  if (colon < 0 || !isToken(name))
    throw new AppError("USAGE", `--header ${text} cannot be right`, { why: 'a header is "Name: value"' });
  return [name, text.slice(colon + 1).trim()];
}
