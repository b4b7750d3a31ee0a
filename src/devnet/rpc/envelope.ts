import { toError } from "../../base/errors.ts";
import { internalError, invalidRequest, parseError, RpcError } from "./rpc-error.ts";

export type RpcId = number | string;
export type RpcParams = Readonly<Record<string, unknown>> | readonly unknown[];
export type RpcCall = { readonly id: RpcId | undefined; readonly method: string; readonly params: RpcParams };
export type RpcAnswer = Readonly<Record<string, unknown>>;

export const success = (id: RpcId, result: unknown): RpcAnswer => ({ jsonrpc: "2.0", id, result });

/** An error answer; one to a request that could not be read has no id (chain 2.1). */
export function failure(id: RpcId | undefined, thrown: unknown): RpcAnswer {
  const { code, message, data } =
    thrown instanceof RpcError ? thrown : internalError(toError(thrown).message);
  const error = { code, message, ...(data === undefined ? {} : { data }) };
  return { jsonrpc: "2.0", ...(id === undefined ? {} : { id }), error };
}

/** One request or a batch. Throws RpcError when the text is no JSON of that form. */
export function parseBody(text: string): { readonly calls: readonly RpcCall[]; readonly batch: boolean } {
  const value = parseJson(text);
  if (Array.isArray(value)) return { calls: value.map(readCall), batch: true };
  return { calls: [readCall(value)], batch: false };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw parseError(whyNoJson(text));
  }
}

/** The commonest of Go's texts: what stands where a key should. */
function whyNoJson(text: string): string {
  const key = /^\s*\{\s*([^"}\s])/.exec(text)?.[1];
  if (key !== undefined) return `invalid character '${key}' looking for beginning of object key string`;
  const start = /^\s*([^\s[{"\-\dtfn])/.exec(text)?.[1];
  if (start !== undefined) return `invalid character '${start}' looking for beginning of value`;
  return "unexpected end of JSON input";
}

function readCall(value: unknown): RpcCall {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw parseError("json: cannot unmarshal into Go value of type types.RPCRequest");
  const { id, method, params } = value as Record<string, unknown>;
  if (id !== undefined && id !== null && typeof id !== "number" && typeof id !== "string")
    throw parseError(`JSON-RPC ID (${JSON.stringify(id)}) is of unknown type`);
  if (typeof method !== "string") throw parseError("json: the method is not a string");
  if (params !== undefined && params !== null && typeof params !== "object")
    throw invalidRequest("json: the params are neither an object nor an array");
  return { id: id ?? undefined, method, params: (params as RpcParams | null | undefined) ?? {} };
}
