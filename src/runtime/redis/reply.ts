import { fromUtf8 } from "../../base/bytes.ts";
import { AppError } from "../../base/errors.ts";
import type { Reply } from "./client.ts";

/** Readers of replies: each throws AppError REDIS_BAD_REPLY when the reply is of another kind. */

const bad = (expected: string): AppError =>
  new AppError("REDIS_BAD_REPLY", `Redis answered something else than ${expected}`);

export function bytesOf(reply: Reply | undefined): Uint8Array {
  if (reply instanceof Uint8Array) return reply;
  throw bad("a string");
}

/** A string that may be absent. */
export const bytesOrNone = (reply: Reply | undefined): Uint8Array | undefined =>
  reply === null || reply === undefined ? undefined : bytesOf(reply);

export const textOf = (reply: Reply | undefined): string => fromUtf8(bytesOf(reply));

export const textOrNone = (reply: Reply | undefined): string | undefined =>
  reply === null || reply === undefined ? undefined : textOf(reply);

export function numberOf(reply: Reply | undefined): number {
  if (typeof reply === "number") return reply;
  throw bad("an integer");
}

export function listOf(reply: Reply | undefined): readonly Reply[] {
  if (Array.isArray(reply)) return reply as readonly Reply[];
  throw bad("a list");
}

export const textsOf = (reply: Reply | undefined): string[] => listOf(reply).map(textOf);

/** A flat list of names and values, as HGETALL gives it. */
export function fieldsOf(reply: Reply | undefined): Map<string, Uint8Array> {
  const flat = listOf(reply);
  const fields = new Map<string, Uint8Array>();
  for (let index = 0; index + 1 < flat.length; index += 2)
    fields.set(textOf(flat[index]), bytesOf(flat[index + 1]));
  return fields;
}
