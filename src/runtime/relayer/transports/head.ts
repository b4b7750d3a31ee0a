import type { IncomingMessage } from "node:http";

/** node:http leaves out what comes after so many. */
export const MAX_HEADERS = 200;
/** Headers of which one reader takes the first and another the last. */
const ONCE = ["host", "rpc-type"];

/**
 * What is wrong with the head of a request that node:http lets through and two readers could understand in two ways, or undefined
 * (reliability 4): no Host, more than one Host or Rpc-Type, an absolute target, a chunked body in HTTP/1.0.
 */
export function headProblem({ rawHeaders, url, httpVersion, headers }: IncomingMessage): string | undefined {
  if (url?.startsWith("/") !== true) return "the target is not a path";
  if (httpVersion === "1.0" && headers["transfer-encoding"] !== undefined)
    return "HTTP/1.0 has no transfer encoding";
  if (httpVersion === "1.1" && headers.host === undefined) return "the header host is missing";
  return givenTwice(rawHeaders);
}

/** Names and values in turn. */
export function givenTwice(rawHeaders: readonly string[]): string | undefined {
  for (const name of ONCE) {
    let count = 0;
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const given = rawHeaders[index] ?? "";
      if (given.length === name.length && given.toLowerCase() === name) count += 1;
    }
    if (count > 1) return `the header ${name} is given twice`;
  }
  return undefined;
}
