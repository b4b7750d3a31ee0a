import type { PoktHttpResponse } from "../../chain/proto/http-envelope.ts";
import type { Answer, PayloadForm } from "./answer.ts";
import { printable } from "./outcome.ts";

/** Longest body that is looked into for an error. */
const MAX_LOOK_BYTES = 1_048_576;
const MAX_WORDS = 160;

/**
 * The error that a valid answer carries inside: a status of 400 and above, gRPC's status, or the error object of JSON-RPC; undefined without one. The
 * supplier is paid for such a relay below status 500 all the same (relay-path 6.2).
 */
export function insideProblem(answers: readonly Answer[], form: PayloadForm): string | undefined {
  for (const { http, response } of answers) {
    if (http !== undefined && http.statusCode >= 400) return `the backend answered ${http.statusCode}`;
    const call = http === undefined ? undefined : grpcError(http);
    if (call !== undefined) return call;
    const problem = jsonRpcError(form === "http" ? (http?.bodyBz ?? new Uint8Array()) : response.payload);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** A gRPC backend's trailers stand among the answer's headers (relay-path 6.5). */
function grpcError({ header }: PoktHttpResponse): string | undefined {
  const status = header.get("Grpc-Status")?.values[0];
  if (status === undefined || status === "0") return undefined;
  return `gRPC status ${status}: ${decoded(header.get("Grpc-Message")?.values[0] ?? "")}`.slice(0, MAX_WORDS);
}

/** gRPC writes its messages percent-encoded. */
function decoded(text: string): string {
  try {
    return printable(decodeURIComponent(text));
  } catch {
    return printable(text);
  }
}

function jsonRpcError(body: Uint8Array): string | undefined {
  if (body[0] !== OPENING_BRACE || body.length > MAX_LOOK_BYTES) return undefined;
  try {
    const { jsonrpc, error } = JSON.parse(new TextDecoder().decode(body)) as {
      jsonrpc?: unknown;
      error?: { code?: unknown; message?: unknown } | null;
    };
    if (jsonrpc === undefined || error === undefined || error === null) return undefined;
    return printable(`JSON-RPC error ${String(error.code ?? "")}: ${String(error.message ?? "")}`).slice(
      0,
      MAX_WORDS,
    );
  } catch {
    return undefined;
  }
}

const OPENING_BRACE = 0x7b;
