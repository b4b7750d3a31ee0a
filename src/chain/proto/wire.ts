import { EMPTY } from "../../base/bytes.ts";
import { decodeMessage } from "./wire-decode.ts";
import { encodeMessage } from "./wire-encode.ts";
import type { Rules } from "./wire-reader.ts";
import {
  type Field,
  type Kind,
  type Label,
  type Message,
  makeSchema,
  type Schema,
  zeroOf,
} from "./wire-schema.ts";

/** Bytes and back for one message type. `bytes` fields of a decoded message are views of the bytes given to decode. */
export type Codec<T> = {
  readonly typeName: string;
  /** Canonical bytes: ascending fields, no zeros, sorted maps (relay-path 1). */
  encode(value: T): Uint8Array;
  /** Throws AppError BAD_PROTO. Unknown fields are dropped. */
  decode(bytes: Uint8Array): T;
  /** The message with every field zero, but for those given. */
  create(partial?: Partial<T>): T;
};

const NONE: readonly never[] = Object.freeze([]);
const NO_ENTRIES: ReadonlyMap<never, never> = new Map<never, never>();
const SCHEMAS = new WeakMap<object, Schema>();

/** The fields behind a codec that `message` made. */
export function schemaOf<T>(codec: Codec<T>): Schema {
  const schema = SCHEMAS.get(codec);
  if (schema === undefined) throw new TypeError(`${codec.typeName} was not made by message()`);
  return schema;
}

type Extra = Partial<Pick<Field<unknown>, "schema" | "oneof">>;

function field<V>(number: number, kind: Kind, label: Label, zero: V, extra: Extra = {}): Field<V> {
  return { number, kind, label, zero, schema: extra.schema, oneof: extra.oneof };
}

export const string = (number: number): Field<string> => field(number, "string", "implicit", "");
export const bytes = (number: number): Field<Uint8Array> => field(number, "bytes", "implicit", EMPTY);
export const uint64 = (number: number): Field<bigint> => field(number, "uint64", "implicit", 0n);
export const int64 = (number: number): Field<bigint> => field(number, "int64", "implicit", 0n);
export const uint32 = (number: number): Field<number> => field(number, "uint32", "implicit", 0);
/** Also for int32, which has the same form. */
export const enumeration = (number: number): Field<number> => field(number, "enum", "implicit", 0);
export const bool = (number: number): Field<boolean> => field(number, "bool", "implicit", false);
export const double = (number: number): Field<number> => field(number, "double", "implicit", 0);
/** Decimal text of an integer, "0" when absent; always written. */
export const integer = (number: number): Field<string> => field(number, "integer", "always", "0");

/** The same field, but undefined when absent. An empty one is not written, as in Go, but counts as set once read. */
export const optional = <V>(of: Field<V>): Field<V | undefined> =>
  field<V | undefined>(of.number, of.kind, of.label, undefined);

/** The same field as one of several that exclude each other: undefined when absent, written even when empty. */
export const choice = <V>(oneof: string, of: Field<V>): Field<V | undefined> =>
  field<V | undefined>(of.number, of.kind, "present", undefined, { oneof });

/** An embedded message that may be absent. */
export const embedded = <T>(number: number, codec: Codec<T>): Field<T | undefined> =>
  field<T | undefined>(number, "message", "present", undefined, { schema: schemaOf(codec) });

/** An embedded message that is always written, even when empty. */
export const required = <T>(number: number, codec: Codec<T>): Field<T> =>
  field(number, "message", "always", codec.create(), { schema: schemaOf(codec) });

export const repeated = <T>(number: number, codec: Codec<T>): Field<readonly T[]> =>
  field<readonly T[]>(number, "message", "repeated", NONE, { schema: schemaOf(codec) });

export const strings = (number: number): Field<readonly string[]> =>
  field<readonly string[]>(number, "string", "repeated", NONE);

export const byteStrings = (number: number): Field<readonly Uint8Array[]> =>
  field<readonly Uint8Array[]>(number, "bytes", "repeated", NONE);

/** A map from text to messages, written in byte order of its keys. */
export const stringMap = <T>(number: number, codec: Codec<T>): Field<ReadonlyMap<string, T>> =>
  field<ReadonlyMap<string, T>>(number, "message", "map", NO_ENTRIES, {
    schema: entrySchema(string(1), codec),
  });

/** A map from unsigned integers to messages, written in order of its keys. */
export const uint64Map = <T>(number: number, codec: Codec<T>): Field<ReadonlyMap<bigint, T>> =>
  field<ReadonlyMap<bigint, T>>(number, "message", "map", NO_ENTRIES, {
    schema: entrySchema(uint64(1), codec),
  });

/** On the wire a map is a list of messages; their key and value are written even when empty (relay-path 1.8). */
function entrySchema<T>(key: Field<unknown>, codec: Codec<T>): Schema {
  const { rules, typeName } = schemaOf(codec);
  const fields: [string, Field<unknown>][] = [
    ["key", { ...key, label: "always" }],
    ["value", required(2, codec)],
  ];
  return makeSchema(`map entry of ${typeName}`, fields, rules);
}

/** A field for each property of the message. */
export type Fields<T> = { readonly [K in keyof T]-?: Field<T[K]> };

/** The codec of a message with the given full protobuf name and fields. */
export function message<T extends object>(
  typeName: string,
  fields: Fields<T>,
  rules: Rules = "gogo",
): Codec<T> {
  const schema = makeSchema(typeName, Object.entries<Field<unknown>>(fields), rules);
  const codec: Codec<T> = {
    typeName,
    encode: (value) => encodeMessage(schema, value as Message),
    decode: (input) => decodeMessage(schema, input) as T,
    create: (partial) => ({ ...zeroOf(schema), ...partial }) as T,
  };
  SCHEMAS.set(codec, schema);
  return codec;
}
