import { compareBytes } from "../../base/bytes.ts";
import { AppError } from "../../base/errors.ts";
import type { Kind, Message, NamedField, Schema } from "./wire-schema.ts";
import { textBytes } from "./wire-text.ts";
import { Writer } from "./wire-writer.ts";

// Writing is synchronous and never nested, so one buffer serves all messages.
const WRITER = new Writer();

/** Canonical bytes of a message (relay-path 1). Throws BAD_PROTO for text that protobuf-go would refuse. */
export function encodeMessage(schema: Schema, value: Message): Uint8Array {
  WRITER.reset();
  writeMessage(schema, value);
  return WRITER.finish();
}

function writeMessage(schema: Schema, value: Message): void {
  for (const of of schema.descending) writeField(schema, of, value[of.name]);
}

function writeField(schema: Schema, of: NamedField, value: unknown): void {
  if (of.label === "repeated") {
    const list = value as readonly unknown[];
    for (let index = list.length - 1; index >= 0; index--) writeValue(schema, of, list[index]);
  } else if (of.label === "map") writeMap(of, value as ReadonlyMap<string | bigint, unknown>);
  else if (value !== undefined && !(of.label === "implicit" && isZero(value))) writeValue(schema, of, value);
}

function isZero(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  return value === "" || value === 0n || value === 0 || value === false;
}

function writeValue(schema: Schema, of: NamedField, value: unknown): void {
  switch (of.kind) {
    case "message":
      writeEmbedded(of.schema, value as Message);
      break;
    case "string":
      writeText(schema, value as string);
      break;
    case "bytes":
      WRITER.bytes(value as Uint8Array);
      break;
    case "uint64":
    case "int64":
      WRITER.big(value as bigint);
      break;
    case "integer":
      WRITER.text((value as string) || "0");
      break;
    default:
      writeNumber(of.kind, value as number | boolean);
  }
  WRITER.varint(of.tag);
}

function writeNumber(kind: Kind, value: number | boolean): void {
  if (kind === "double") WRITER.double(value as number);
  else if (kind === "enum") WRITER.int32(value as number);
  else WRITER.varint(Number(value) >>> 0);
}

function writeText(schema: Schema, value: string): void {
  if (schema.rules === "google" && !value.isWellFormed())
    throw new AppError("BAD_PROTO", "a string is not UTF-8", { type: schema.typeName });
  WRITER.text(value);
}

function writeEmbedded(schema: Schema | undefined, value: Message): void {
  const before = WRITER.written();
  if (schema) writeMessage(schema, value);
  WRITER.varint(WRITER.written() - before);
}

function writeMap(of: NamedField, map: ReadonlyMap<string | bigint, unknown>): void {
  if (map.size === 0) return;
  for (const key of [...map.keys()].sort(compareKeys).reverse()) {
    writeEmbedded(of.schema, { key, value: map.get(key) });
    WRITER.varint(of.tag);
  }
}

/** Texts with such units are in another order than their bytes are in UTF-8. */
const BEYOND = /[\ud800-\uffff]/;

function compareKeys(left: string | bigint, right: string | bigint): number {
  const isText = typeof left === "string" && typeof right === "string";
  if (isText && (BEYOND.test(left) || BEYOND.test(right)))
    return compareBytes(textBytes(left), textBytes(right));
  return left < right ? -1 : 1;
}
