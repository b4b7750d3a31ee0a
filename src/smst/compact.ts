import { EMPTY, equalBytes } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { PATH_BITS, PATH_LENGTH, PLACEHOLDER } from "./nodes.ts";
import type { ClosestProof, CompactClosestProof, CompactProof, SparseProof } from "./proof-types.ts";

/** Leaves empty side nodes out and marks them in a mask, first bit first (mining-path 1.6). */
export function compactProof(proof: SparseProof): CompactProof {
  const numSideNodes = proof.sideNodes.length;
  const bitMask = new Uint8Array(Math.ceil(numSideNodes / 8));
  const sideNodes: Uint8Array[] = [];
  for (const [index, node] of proof.sideNodes.entries()) {
    if (equalBytes(node, PLACEHOLDER))
      bitMask[index >> 3] = (bitMask[index >> 3] ?? 0) | (0x80 >> (index & 7));
    else sideNodes.push(node);
  }
  return {
    sideNodes,
    nonMembershipLeafData: proof.nonMembershipLeafData ?? EMPTY,
    bitMask,
    numSideNodes,
    siblingData: proof.siblingData ?? EMPTY,
  };
}

/** The form that a proof message carries, before its encoding (mining-path 1.6). */
export const compactClosestProof = (proof: ClosestProof): CompactClosestProof => ({
  path: proof.path,
  flippedBits: proof.flippedBits.map(integerBytes),
  depth: integerBytes(proof.depth),
  closestPath: proof.closestPath,
  closestValueHash: proof.closestValueHash ?? EMPTY,
  closestProof: compactProof(proof.closestProof),
});

/** Big-endian, as short as can be; 0 is one byte. */
const integerBytes = (value: number): Uint8Array =>
  value > 0xff ? Uint8Array.of(value >> 8, value & 0xff) : Uint8Array.of(value);

/** Puts empty side nodes back. Throws AppError SMST_BAD_PROOF where mask, number and side nodes do not fit (mining-path 1.8). */
function decompactProof(proof: CompactProof): SparseProof {
  const { numSideNodes, bitMask } = proof;
  if (numSideNodes < 0 || numSideNodes > PATH_BITS)
    throw badProof(`invalid number of side nodes: got ${numSideNodes}, min is 0 and max is ${PATH_BITS}`);
  const maskLength = Math.ceil(numSideNodes / 8);
  if (bitMask.length !== maskLength)
    throw badProof(`invalid bit mask length: got ${bitMask.length} want ${maskLength}`);
  checkNonMembership(proof.nonMembershipLeafData);
  return {
    sideNodes: spreadSideNodes(proof),
    nonMembershipLeafData: presentBytes(proof.nonMembershipLeafData),
    siblingData: presentBytes(proof.siblingData),
  };
}

function checkNonMembership({ length }: Uint8Array): void {
  if (length > 0 && length <= PATH_LENGTH)
    throw badProof(`invalid non-membership leaf data size: got ${length} but min is ${PATH_LENGTH + 1}`);
}

function spreadSideNodes({ numSideNodes, bitMask, sideNodes }: CompactProof): Uint8Array[] {
  let marked = 0;
  for (const byte of bitMask) for (let bits = byte; bits > 0; bits &= bits - 1) marked++;
  // Counted over the whole mask, so stray bits behind the last side node make the count right and the nodes too few.
  if (numSideNodes > 0 && sideNodes.length !== numSideNodes - marked)
    throw badProof(`invalid number of side nodes: got ${sideNodes.length} want ${numSideNodes - marked}`);
  const given = sideNodes.values();
  return Array.from({ length: numSideNodes }, (_, index) => {
    if (((bitMask[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0) return PLACEHOLDER;
    const { value } = given.next();
    if (value === undefined) throw badProof("bit mask and side nodes do not fit");
    return value;
  });
}

/** The proof as the verifier takes it. Throws AppError SMST_BAD_PROOF (mining-path 1.8); a proof that fits need not be valid. */
export function decompactClosestProof(proof: CompactClosestProof): ClosestProof {
  if (proof.path.length !== PATH_LENGTH)
    throw badProof(`invalid path length: got ${proof.path.length}, want ${PATH_LENGTH}`);
  if (proof.closestProof === undefined) throw badProof("no closest proof inside");
  return {
    path: proof.path,
    flippedBits: proof.flippedBits.map((bytes) => integerOf("flipped bit", bytes)),
    depth: integerOf("depth", proof.depth),
    closestPath: proof.closestPath,
    closestValueHash: presentBytes(proof.closestValueHash),
    closestProof: decompactProof(proof.closestProof),
  };
}

function integerOf(what: string, bytes: Uint8Array): number {
  if (bytes.length > 2) throw badProof(`invalid ${what}: got [${bytes.join(" ")}] but max is 2`);
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

const presentBytes = (bytes: Uint8Array): Uint8Array | undefined => (bytes.length === 0 ? undefined : bytes);

export const badProof = (problem: string): AppError =>
  new AppError("SMST_BAD_PROOF", `bad proof: ${problem}`);
