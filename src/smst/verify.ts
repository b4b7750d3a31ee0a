import { bytesToBig, concatBytes, EMPTY, equalBytes, toHex } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { badProof, decompactClosestProof } from "./compact.ts";
import { encodingDigest, hashedDigest, innerDigest, LEAF_VALUE_START } from "./encoding.ts";
import { sha256 as portableSha256, type Sha256 } from "./hash.ts";
import { bitAt, DIGEST_LENGTH, PATH_BITS, PATH_LENGTH, PLACEHOLDER } from "./nodes.ts";
import type { ClosestProof, CompactClosestProof, SparseProof } from "./proof-types.ts";

const TOTALS_LENGTH = 16;
const LEAF_PREFIX = Uint8Array.of(0);

/** Sum of weights in a root of 48 bytes. */
export const rootSum = (root: Uint8Array): bigint => bytesToBig(root.subarray(32, 40));

/** Number of leaves in a root of 48 bytes. */
export const rootCount = (root: Uint8Array): bigint => bytesToBig(root.subarray(40, 48));

/**
 * Whether the chain accepts the proof against a claim's root (mining-path 1.9). It does not look whether the leaf's path belongs to the
 * relay in it. Never throws on a malformed proof; where the reference crashes, the answer is false.
 */
export function verifyClosestProof(
  proof: ClosestProof | CompactClosestProof,
  root: Uint8Array,
  sha256: Sha256 = portableSha256,
): boolean {
  try {
    const whole = isCompact(proof) ? decompactClosestProof(proof) : proof;
    checkClosestProof(whole, sha256);
    const { closestPath, closestValueHash = EMPTY, closestProof } = whole;
    return reachesRoot({ proof: closestProof, path: closestPath, value: closestValueHash, root }, sha256);
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === "SMST_BAD_PROOF") return false;
    throw thrown;
  }
}

/** Whether a key has this value, weight and count; an empty value of weight 0 asks whether it is absent (mining-path 1.11). */
export function verifyProof(
  proof: SparseProof,
  root: Uint8Array,
  leaf: {
    readonly key: Uint8Array;
    readonly value: Uint8Array;
    readonly weight: bigint;
    readonly count: bigint;
  },
  sha256: Sha256 = portableSha256,
): boolean {
  const totals = new Uint8Array(TOTALS_LENGTH);
  const view = new DataView(totals.buffer);
  view.setBigUint64(0, leaf.weight);
  view.setBigUint64(8, leaf.count);
  const value = concatBytes(leaf.value, totals);
  try {
    checkSparseProof(proof, sha256);
    return reachesRoot({ proof, path: sha256(leaf.key), value, root }, sha256);
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === "SMST_BAD_PROOF") return false;
    throw thrown;
  }
}

const isCompact = (proof: ClosestProof | CompactClosestProof): proof is CompactClosestProof =>
  proof.depth instanceof Uint8Array;

/** The rules that hold before any root is looked at. Throws AppError SMST_BAD_PROOF (mining-path 1.8). */
function checkClosestProof(proof: ClosestProof, sha256: Sha256): void {
  const { path, depth, closestPath } = proof;
  if (path.length !== PATH_LENGTH)
    throw badProof(`invalid path length: got ${path.length}, want ${PATH_LENGTH}`);
  if (depth < 0 || depth > PATH_BITS)
    throw badProof(`invalid depth: got ${depth}, outside of [0, ${PATH_BITS}]`);
  const followed = new Uint8Array(path);
  for (const [index, bit] of proof.flippedBits.entries()) {
    if (bit > depth || bit >= PATH_BITS)
      throw badProof(`invalid flipped bit index ${index}: got ${bit}, outside of [0, ${depth}]`);
    followed[bit >> 3] = (followed[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
  }
  needBits(closestPath, depth);
  for (let index = 0; index < depth; index++)
    if (bitAt(followed, index) !== bitAt(closestPath, index))
      throw badProof(`invalid closest path: ${toHex(closestPath)} (not equal at bit: ${index})`);
  checkSparseProof(proof.closestProof, sha256);
}

function checkSparseProof(
  { sideNodes, siblingData, nonMembershipLeafData }: SparseProof,
  sha256: Sha256,
): void {
  if (sideNodes.length > PATH_BITS) throw badProof(`too many side nodes: ${sideNodes.length}`);
  if (nonMembershipLeafData !== undefined && nonMembershipLeafData.length < LEAF_VALUE_START)
    throw badProof("invalid non-membership leaf data size");
  const [sibling] = sideNodes;
  if (siblingData === undefined || sibling === undefined) return;
  for (const node of sideNodes)
    if (node.length !== DIGEST_LENGTH)
      throw badProof(`invalid side node size: got ${node.length} but want ${DIGEST_LENGTH}`);
  const actual = encodingDigest(siblingData, sha256);
  if (actual === undefined || !equalBytes(actual, sibling))
    throw badProof(`invalid sibling data hash: got ${toHex(actual ?? EMPTY)} but want ${toHex(sibling)}`);
}

type Question = {
  readonly proof: SparseProof;
  readonly path: Uint8Array;
  /** With weight and count at its end; empty asks for absence. */
  readonly value: Uint8Array;
  readonly root: Uint8Array;
};

function reachesRoot(question: Question, sha256: Sha256): boolean {
  const { proof, path, root } = question;
  let digest = startDigest(question, sha256);
  if (digest === undefined) return false;
  needBits(path, proof.sideNodes.length);
  for (const [index, node] of proof.sideNodes.entries()) {
    const side = ofDigestLength(node);
    digest =
      bitAt(path, proof.sideNodes.length - 1 - index) === 0
        ? innerDigest(digest, side, sha256)
        : innerDigest(side, digest, sha256);
  }
  return equalBytes(digest, root);
}

/** What stands at the path: the leaf, nothing, or another leaf; undefined if that other leaf is the very one (mining-path 1.9). */
function startDigest({ proof, path, value }: Question, sha256: Sha256): Uint8Array | undefined {
  if (!asksForAbsence(value)) {
    if (value.length < TOTALS_LENGTH) throw badProof("the value has no weight and count");
    return hashedDigest(concatBytes(LEAF_PREFIX, path, value), sha256);
  }
  const other = proof.nonMembershipLeafData;
  if (other === undefined) return PLACEHOLDER;
  if (equalBytes(other.subarray(1, LEAF_VALUE_START), path)) return undefined;
  if (other[0] !== 0) throw badProof("the non-membership leaf is no leaf");
  const digest = encodingDigest(other, sha256);
  if (digest === undefined) throw badProof("the non-membership leaf has no weight and count");
  return digest;
}

const asksForAbsence = (value: Uint8Array): boolean =>
  value.length === 0 || (value.length === TOTALS_LENGTH && value.subarray(0, 8).every((byte) => byte === 0));

function needBits(path: Uint8Array, bits: number): void {
  if (path.length * 8 < bits) throw badProof(`invalid closest path length: ${path.length}`);
}

/** The reference cuts a side node, or fills it up with zeros, where it does not check its length (mining-path 1.8). */
function ofDigestLength(node: Uint8Array): Uint8Array {
  if (node.length === DIGEST_LENGTH) return node;
  const fitted = new Uint8Array(DIGEST_LENGTH);
  fitted.set(node.subarray(0, DIGEST_LENGTH));
  return fitted;
}
