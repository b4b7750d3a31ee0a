import { badGob, GobReader } from "./gob-reader.ts";

/** Built-in type numbers (mining-path 1.7). */
export const INT = 2;
export const BYTES = 5;
const BOOL = 1;
const UINT = 3;
const FLOAT = 4;
const TEXT = 6;
const COMPLEX = 7;

const DEEPEST = 100;

type GobField = { readonly name: string; readonly type: number };
type GobType =
  | { readonly kind: "slice" | "array"; readonly element: number }
  | { readonly kind: "map"; readonly key: number; readonly element: number }
  | { readonly kind: "struct"; readonly fields: readonly GobField[] };

/** Definitions by type number, as the stream gives them. */
export type GobTypes = ReadonlyMap<number, GobType>;

/** The first value of a stream: its type's number, the definitions before it, and its bytes. Throws AppError SMST_BAD_GOB. */
export function firstValue(bytes: Uint8Array): {
  readonly type: number;
  readonly types: GobTypes;
  readonly value: GobReader;
} {
  const stream = new GobReader(bytes);
  const types = new Map<number, GobType>();
  for (;;) {
    if (stream.atEnd) throw badGob("EOF");
    const message = new GobReader(stream.take(stream.uint()));
    const type = message.int();
    if (type >= 0) return { type, types, value: message };
    if (types.has(-type)) throw badGob("duplicate type received");
    types.set(-type, readDefinition(message));
    if (!message.atEnd) throw badGob("extra data in buffer");
  }
}

function readDefinition(reader: GobReader): GobType {
  const found: GobType[] = [];
  reader.fields(4, (index) => {
    found.push(READ_KIND[index]?.(reader) ?? unknownKind());
  });
  const [type] = found;
  if (type === undefined || found.length > 1) throw badGob("a type definition has not exactly one kind");
  return type;
}

const unknownKind = (): never => {
  throw badGob("unknown kind of type");
};

const READ_KIND: readonly ((reader: GobReader) => GobType)[] = [
  (reader) => ({ kind: "array", element: readNumbers(reader)[1] }),
  (reader) => ({ kind: "slice", element: readNumbers(reader)[1] }),
  readStructDefinition,
  (reader) => {
    const [, key, element] = readNumbers(reader);
    return { kind: "map", key, element };
  },
];

/** The common part, then two numbers: element and length, or key and element. */
function readNumbers(reader: GobReader): readonly [number, number, number] {
  const numbers: [number, number, number] = [0, 0, 0];
  reader.fields(3, (index) => {
    if (index === 0) skipCommon(reader);
    else numbers[index] = reader.int();
  });
  return numbers;
}

function readStructDefinition(reader: GobReader): GobType {
  const fields: GobField[] = [];
  reader.fields(2, (index) => {
    if (index === 0) skipCommon(reader);
    else reader.elements(() => fields.push(readNamed(reader)));
  });
  return { kind: "struct", fields };
}

/** The type's own name and number: neither is needed. */
const skipCommon = (reader: GobReader): void => {
  readNamed(reader);
};

function readNamed(reader: GobReader): GobField {
  let name = "";
  let type = 0;
  reader.fields(2, (index) => {
    if (index === 0) name = reader.text();
    else type = reader.int();
  });
  return { name, type };
}

/** Reads over a value of any type that has a definition. Throws AppError SMST_BAD_GOB. */
export function skipValue(type: number, types: GobTypes, reader: GobReader, depth = 0): void {
  if (depth > DEEPEST) throw badGob("values nested too deep");
  if (skipBuiltIn(type, reader)) return;
  const definition = types.get(type);
  if (definition === undefined) throw badGob(`undefined type ${type}`);
  const skip = (inner: number) => skipValue(inner, types, reader, depth + 1);
  switch (definition.kind) {
    case "struct":
      reader.fields(definition.fields.length, (index) => skip(definition.fields[index]?.type ?? 0));
      break;
    case "map":
      reader.elements(() => {
        skip(definition.key);
        skip(definition.element);
      });
      break;
    default:
      reader.elements(() => skip(definition.element));
  }
}

function skipBuiltIn(type: number, reader: GobReader): boolean {
  if (type === BYTES || type === TEXT) reader.take(reader.uint());
  else if (type === BOOL || type === INT || type === UINT || type === FLOAT) reader.uint();
  else if (type === COMPLEX) {
    reader.uint();
    reader.uint();
  } else return false;
  return true;
}
