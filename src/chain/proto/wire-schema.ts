import { FIXED64, LENGTH, type Rules, VARINT } from "./wire-reader.ts";

/** `integer` is a decimal integer written as a string and never empty: cosmos' Int. */
export type Kind =
  | "string"
  | "bytes"
  | "uint64"
  | "int64"
  | "uint32"
  | "enum"
  | "bool"
  | "double"
  | "integer"
  | "message";

/**
 * When a field is written. `implicit`: when it is not zero. `present`: when it is not undefined, even if empty.
 * `always`: embedded messages that Go holds by value, also when empty (relay-path 1).
 */
export type Label = "implicit" | "present" | "always" | "repeated" | "map";

/** A field of a message; `V` is its type in TypeScript, `zero` its value when absent. */
export type Field<V> = {
  readonly number: number;
  readonly kind: Kind;
  readonly label: Label;
  readonly zero: V;
  /** Of the embedded message, or of a map's entry. */
  readonly schema: Schema | undefined;
  /** Fields of one name exclude each other: the last one on the wire stays. */
  readonly oneof: string | undefined;
};

export type NamedField = Field<unknown> & {
  readonly name: string;
  readonly tag: number;
  readonly wireType: number;
};

export type Schema = {
  readonly typeName: string;
  readonly fields: readonly NamedField[];
  readonly descending: readonly NamedField[];
  readonly byNumber: ReadonlyMap<number, NamedField>;
  /** Fields whose zero value is an object of their own. */
  readonly embedded: readonly NamedField[];
  readonly template: Message;
  readonly rules: Rules;
};

export type Message = Record<string, unknown>;

/** Fields by their TypeScript names, in declared order, prepared for reading and writing. */
export function makeSchema(
  typeName: string,
  entries: readonly [string, Field<unknown>][],
  rules: Rules,
): Schema {
  const fields = entries.map(([name, of]): NamedField => {
    const wireType = wireTypeOf(of);
    return { ...of, name, wireType, tag: of.number * 8 + wireType };
  });
  return {
    typeName,
    rules,
    fields,
    descending: fields.toSorted((left, right) => right.number - left.number),
    byNumber: new Map(fields.map((of) => [of.number, of])),
    embedded: fields.filter((of) => of.kind === "message" && of.label === "always"),
    template: Object.fromEntries(fields.map((of) => [of.name, of.zero])),
  };
}

function wireTypeOf({ kind, label }: Field<unknown>): number {
  if (kind === "double") return FIXED64;
  const isPrefixed = kind === "string" || kind === "bytes" || kind === "integer" || kind === "message";
  return isPrefixed || label === "map" ? LENGTH : VARINT;
}

/** A new message with every field zero. */
export function zeroOf(schema: Schema): Message {
  const zero = { ...schema.template };
  for (const of of schema.embedded) if (of.schema) zero[of.name] = zeroOf(of.schema);
  return zero;
}
