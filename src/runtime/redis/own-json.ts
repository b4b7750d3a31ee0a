import { fromUtf8 } from "../../base/bytes.ts";

export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json };

/** A JSON object, or undefined for anything else. */
export function decodeJsonObject(source: Uint8Array | string): JsonObject | undefined {
  try {
    const json = JSON.parse(typeof source === "string" ? source : fromUtf8(source)) as unknown;
    return typeof json === "object" && json !== null && !Array.isArray(json)
      ? (json as JsonObject)
      : undefined;
  } catch {
    return undefined;
  }
}
