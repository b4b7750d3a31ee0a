import { AppError } from "../../base/errors.ts";

const RFC_3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/** Nanoseconds since the Unix epoch as Go writes a UTC time: at most nine decimals, none of them a trailing zero. */
export function goTime(ns: bigint): string {
  const seconds = ns / 1_000_000_000n;
  const rest = (ns % 1_000_000_000n).toString().padStart(9, "0").replace(/0+$/, "");
  const date = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return rest === "" ? `${date}Z` : `${date}.${rest}Z`;
}

/**
 * The reverse of goTime, and the same with an offset: a Go process on a machine that is not set to UTC writes its own. Throws AppError
 * REDIS_BAD_VALUE on any other text.
 */
export function parseGoTime(text: string): bigint {
  const found = RFC_3339.exec(text);
  const ms = Date.parse(`${found?.[1]}${found?.[3]}`);
  if (!found || Number.isNaN(ms))
    throw new AppError("REDIS_BAD_VALUE", "not a time as Go writes it", { text });
  return BigInt(ms) * 1_000_000n + BigInt((found[2] ?? "").padEnd(9, "0"));
}

/** Milliseconds of a Clock as nanoseconds. */
export const msToNs = (ms: number): bigint => BigInt(Math.floor(ms * 1000)) * 1000n;
