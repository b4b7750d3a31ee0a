import { AppError } from "../../base/errors.ts";
import { Reader } from "./wire-reader.ts";
import { type Message, type NamedField, type Schema, zeroOf } from "./wire-schema.ts";

/** The message that the bytes hold. Throws AppError BAD_PROTO (relay-path 1, 1.8). */
export function decodeMessage(schema: Schema, bytes: Uint8Array): Message {
  const target = zeroOf(schema);
  readMessage(new Reader(bytes, schema.rules), schema, target);
  return target;
}

function readMessage(reader: Reader, schema: Schema, target: Message): void {
  while (!reader.done) {
    const number = reader.tag();
    const of = schema.byNumber.get(number);
    if (of === undefined) reader.skip(number);
    else if (reader.wireType === of.wireType) readField(reader, schema, of, target);
    else if (schema.rules === "google") reader.skip(number);
    else throw new AppError("BAD_PROTO", "wrong wire type", { type: schema.typeName, field: of.name });
  }
}

function readField(reader: Reader, schema: Schema, of: NamedField, target: Message): void {
  if (of.label === "map") readEntry(reader, of, target);
  else if (of.label === "repeated") {
    const item = readValue(reader, of, undefined);
    if (target[of.name] === of.zero) target[of.name] = [item];
    else (target[of.name] as unknown[]).push(item);
  } else {
    if (of.oneof !== undefined) clearOthers(schema, of, target);
    target[of.name] = readValue(reader, of, target[of.name]);
  }
}

function clearOthers(schema: Schema, of: NamedField, target: Message): void {
  for (const other of schema.fields)
    if (other.oneof === of.oneof && other !== of) target[other.name] = undefined;
}

function readValue(reader: Reader, of: NamedField, before: unknown): unknown {
  switch (of.kind) {
    case "message":
      return readEmbedded(reader, of.schema, before);
    case "string":
      return reader.text();
    case "integer":
      return reader.text() || "0";
    case "bytes":
      return reader.bytes();
    case "uint64":
      return reader.uint64();
    case "int64":
      return reader.int64();
    case "uint32":
      return reader.uint32();
    case "enum":
      return reader.int32();
    case "bool":
      return reader.bool();
    case "double":
      return reader.double();
  }
}

/** A message that comes twice is merged into the first one (relay-path 1). */
function readEmbedded(reader: Reader, schema: Schema | undefined, before: unknown): unknown {
  if (schema === undefined) return undefined;
  const target = (before as Message | undefined) ?? zeroOf(schema);
  const outer = reader.enter();
  readMessage(reader, schema, target);
  reader.leave(outer);
  return target;
}

/** Of entries with one key the last one stays. */
function readEntry(reader: Reader, of: NamedField, target: Message): void {
  const { key, value } = readEmbedded(reader, of.schema, undefined) as { key: unknown; value: unknown };
  if (target[of.name] === of.zero) target[of.name] = new Map();
  (target[of.name] as Map<unknown, unknown>).set(key, value);
}
