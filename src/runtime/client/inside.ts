import type { Answer, PayloadForm } from "./answer.ts";

/** Longest body that is looked into for an error. */
const MAX_LOOK_BYTES = 1_048_576;
const MAX_WORDS = 160;

/**
 * The error that a valid answer carries inside: a status of 400 and above, or the error object of JSON-RPC; undefined without one. The
 * supplier is paid for such a relay below status 500 all the same (relay-path 6.2).
 */
export function insideProblem(answers: readonly Answer[], form: PayloadForm): string | undefined {
  for (const { http, response } of answers) {
    if (http !== undefined && http.statusCode >= 400) return `the backend answered ${http.statusCode}`;
    const problem = jsonRpcError(form === "http" ? (http?.bodyBz ?? new Uint8Array()) : response.payload);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function jsonRpcError(body: Uint8Array): string | undefined {
  if (body[0] !== OPENING_BRACE || body.length > MAX_LOOK_BYTES) return undefined;
  try {
    const { jsonrpc, error } = JSON.parse(new TextDecoder().decode(body)) as {
      jsonrpc?: unknown;
      error?: { code?: unknown; message?: unknown } | null;
    };
    if (jsonrpc === undefined || error === undefined || error === null) return undefined;
    return `JSON-RPC error ${String(error.code ?? "")}: ${String(error.message ?? "")}`.slice(0, MAX_WORDS);
  } catch {
    return undefined;
  }
}

const OPENING_BRACE = 0x7b;
