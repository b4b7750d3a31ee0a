import { EMPTY } from "../base/bytes.ts";
import { badGob, type GobReader } from "./gob-reader.ts";
import { BYTES, firstValue, type GobTypes, INT, skipValue } from "./gob-types.ts";
import type { CompactClosestProof, CompactProof } from "./proof-types.ts";

/** What a field of ours accepts and how it is read. */
type FieldReader = {
  readonly accepts: (type: number, types: GobTypes) => boolean;
  readonly read: (reader: GobReader, type: number, types: GobTypes) => void;
};
type FieldReaders = Readonly<Record<string, FieldReader>>;

const bytesField = (put: (bytes: Uint8Array) => void): FieldReader => ({
  accepts: (type) => type === BYTES,
  read: (reader) => put(reader.bytes()),
});

const listField = (put: (items: Uint8Array[]) => void): FieldReader => ({
  accepts: (type, types) => {
    const definition = types.get(type);
    return definition?.kind === "slice" && definition.element === BYTES;
  },
  read: (reader) => {
    const items: Uint8Array[] = [];
    reader.elements(() => items.push(reader.bytes()));
    put(items);
  },
});

/** Reads a struct by its definition: fields are matched by name, unknown ones passed over. Returns how many names were known. */
function readStruct(reader: GobReader, type: number, types: GobTypes, readers: FieldReaders): number {
  const definition = types.get(type);
  if (definition?.kind !== "struct") throw badGob("type mismatch: not a struct");
  const known = definition.fields.filter(({ name }) => Object.hasOwn(readers, name));
  for (const field of known)
    if (readers[field.name]?.accepts(field.type, types) !== true)
      throw badGob(`wrong type for received field ${field.name}`);
  reader.fields(definition.fields.length, (index) => {
    const field = definition.fields[index];
    if (field === undefined) return;
    if (known.includes(field)) readers[field.name]?.read(reader, field.type, types);
    else skipValue(field.type, types, reader);
  });
  return known.length;
}

/** The message of a proof as any Go process writes it, whatever its type numbers. Throws AppError SMST_BAD_GOB. */
export function readClosestProof(bytes: Uint8Array): CompactClosestProof {
  const { type, types, value } = firstValue(bytes);
  const proof: { -readonly [Name in keyof CompactClosestProof]: CompactClosestProof[Name] } = {
    path: EMPTY,
    flippedBits: [],
    depth: EMPTY,
    closestPath: EMPTY,
    closestValueHash: EMPTY,
    closestProof: undefined,
  };
  const known = readStruct(value, type, types, {
    Path: bytesField((path) => Object.assign(proof, { path })),
    FlippedBits: listField((flippedBits) => Object.assign(proof, { flippedBits })),
    Depth: bytesField((depth) => Object.assign(proof, { depth })),
    ClosestPath: bytesField((closestPath) => Object.assign(proof, { closestPath })),
    ClosestValueHash: bytesField((closestValueHash) => Object.assign(proof, { closestValueHash })),
    ClosestProof: {
      accepts: (inner) => types.get(inner)?.kind === "struct",
      read: (reader, inner) => {
        proof.closestProof = readCompactProof(reader, inner, types);
      },
    },
  });
  const definition = types.get(type);
  if (known === 0 && definition?.kind === "struct" && definition.fields.length > 0)
    throw badGob("type mismatch: no fields matched");
  return proof;
}

function readCompactProof(reader: GobReader, type: number, types: GobTypes): CompactProof {
  const proof: { -readonly [Name in keyof CompactProof]: CompactProof[Name] } = {
    sideNodes: [],
    nonMembershipLeafData: EMPTY,
    bitMask: EMPTY,
    numSideNodes: 0,
    siblingData: EMPTY,
  };
  readStruct(reader, type, types, {
    SideNodes: listField((sideNodes) => Object.assign(proof, { sideNodes })),
    NonMembershipLeafData: bytesField((nonMembershipLeafData) =>
      Object.assign(proof, { nonMembershipLeafData }),
    ),
    BitMask: bytesField((bitMask) => Object.assign(proof, { bitMask })),
    NumSideNodes: {
      accepts: (field) => field === INT,
      read: (field) => {
        proof.numSideNodes = field.int();
      },
    },
    SiblingData: bytesField((siblingData) => Object.assign(proof, { siblingData })),
  });
  return proof;
}
