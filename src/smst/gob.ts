import { compactClosestProof, compactProof } from "./compact.ts";
import { readClosestProof } from "./gob-proof.ts";
import { BYTES, INT } from "./gob-types.ts";
import { GobWriter } from "./gob-writer.ts";
import type { ClosestProof, CompactClosestProof, CompactProof, SparseProof } from "./proof-types.ts";

/** Type numbers as a fresh Go process gives them (mining-path 1.7 and 1.11). */
const CLOSEST_PROOF = 64;
const BYTES_LIST = 65;
const COMPACT_PROOF = 66;
const SPARSE_PROOF = 67;

type Field = readonly [name: string, type: number];

const CLOSEST_FIELDS: readonly Field[] = [
  ["Path", BYTES],
  ["FlippedBits", BYTES_LIST],
  ["Depth", BYTES],
  ["ClosestPath", BYTES],
  ["ClosestValueHash", BYTES],
  ["ClosestProof", COMPACT_PROOF],
];
const COMPACT_FIELDS: readonly Field[] = [
  ["SideNodes", BYTES_LIST],
  ["NonMembershipLeafData", BYTES],
  ["BitMask", BYTES],
  ["NumSideNodes", INT],
  ["SiblingData", BYTES],
];
const SPARSE_FIELDS: readonly Field[] = [
  ["SideNodes", BYTES_LIST],
  ["NonMembershipLeafData", BYTES],
  ["SiblingData", BYTES],
];

const defineStruct = (writer: GobWriter, id: number, name: string, fields: readonly Field[]): GobWriter =>
  writer.message(-id, (definition) => {
    definition.struct([undefined, undefined, () => structType(definition, id, name, fields)]);
  });

const structType = (writer: GobWriter, id: number, name: string, fields: readonly Field[]): GobWriter =>
  writer.struct([
    () => named(writer, name, id),
    () => writer.list(fields, (list, [field, type]) => named(list, field, type)),
  ]);

const named = (writer: GobWriter, name: string, type: number): GobWriter =>
  writer.struct([() => writer.text(name), () => writer.int(type)]);

const defineBytesList = (writer: GobWriter): GobWriter =>
  writer.message(-BYTES_LIST, (definition) => {
    definition.struct([
      undefined,
      () =>
        definition.struct([() => named(definition, "[][]uint8", BYTES_LIST), () => definition.int(BYTES)]),
    ]);
  });

const defineCompactProof = (writer: GobWriter): GobWriter =>
  defineStruct(writer, COMPACT_PROOF, "SparseCompactMerkleProof", COMPACT_FIELDS);

/** What stands before the value in every proof message: 286 bytes (mining-path 1.7). */
const CLOSEST_DEFINITIONS: Uint8Array = (() => {
  const writer = new GobWriter();
  defineStruct(writer, CLOSEST_PROOF, "SparseCompactMerkleClosestProof", CLOSEST_FIELDS);
  return defineCompactProof(defineBytesList(writer)).finish();
})();

/** A proof as MsgSubmitProof carries it: Go's gob encoding of the compact form (mining-path 1.7). */
export function encodeClosestProof(proof: ClosestProof): Uint8Array {
  const compact = compactClosestProof(proof);
  return new GobWriter()
    .raw(CLOSEST_DEFINITIONS)
    .message(CLOSEST_PROOF, (writer) => writeClosest(writer, compact))
    .finish();
}

/**
 * Reads a proof as MsgSubmitProof carries it, from whatever Go process: types by the definitions in the bytes. Throws AppError
 * SMST_BAD_GOB. What it returns may still break the rules of decompactClosestProof.
 */
export const decodeClosestProof = (bytes: Uint8Array): CompactClosestProof => readClosestProof(bytes);

/** An ordinary proof's compact form as a fresh Go process encodes it (mining-path 1.11). */
export function encodeCompactProof(proof: SparseProof): Uint8Array {
  const compact = compactProof(proof);
  return defineBytesList(defineCompactProof(new GobWriter()))
    .message(COMPACT_PROOF, (writer) => writeCompact(writer, compact))
    .finish();
}

/** An ordinary proof's plain form as a fresh Go process encodes it (mining-path 1.11). */
export function encodeSparseProof(proof: SparseProof): Uint8Array {
  const writer = defineStruct(new GobWriter(), SPARSE_PROOF, "SparseMerkleProof", SPARSE_FIELDS);
  return defineBytesList(writer)
    .message(SPARSE_PROOF, (value) => {
      value.struct([
        listField(value, proof.sideNodes),
        bytesField(value, proof.nonMembershipLeafData),
        bytesField(value, proof.siblingData),
      ]);
    })
    .finish();
}

function writeClosest(writer: GobWriter, proof: CompactClosestProof): void {
  const inner = proof.closestProof;
  writer.struct([
    bytesField(writer, proof.path),
    listField(writer, proof.flippedBits),
    bytesField(writer, proof.depth),
    bytesField(writer, proof.closestPath),
    bytesField(writer, proof.closestValueHash),
    inner && (() => writeCompact(writer, inner)),
  ]);
}

const writeCompact = (writer: GobWriter, proof: CompactProof): GobWriter =>
  writer.struct([
    listField(writer, proof.sideNodes),
    bytesField(writer, proof.nonMembershipLeafData),
    bytesField(writer, proof.bitMask),
    proof.numSideNodes === 0 ? undefined : () => writer.int(proof.numSideNodes),
    bytesField(writer, proof.siblingData),
  ]);

const bytesField = (writer: GobWriter, bytes: Uint8Array | undefined) =>
  bytes === undefined || bytes.length === 0 ? undefined : () => writer.bytes(bytes);

const listField = (writer: GobWriter, items: readonly Uint8Array[]) =>
  items.length === 0 ? undefined : () => writer.list(items, (list, item) => list.bytes(item));
