import { equalBytes } from "../../../src/base/bytes.ts";
import { AppError } from "../../../src/base/errors.ts";
import type { ClosestProof, SparseProof } from "../../../src/smst/proof-types.ts";
import { chainDigest, digestOf, innerEncoding, LEAF_VALUE_START } from "./encoding.ts";
import {
  bitAt,
  type ExtensionNode,
  type InnerNode,
  type LeafNode,
  type Node,
  PATH_LENGTH,
  PLACEHOLDER,
} from "./nodes.ts";
import { encodingOf, load, putChild, type Reading, type Top } from "./reading.ts";

/** A walk towards a path. Siblings are collected from the root down. */
type Walk = {
  readonly path: Uint8Array;
  /** Take the other side where the path's own is empty, or stop there. */
  readonly closest: boolean;
  readonly reading: Reading;
  readonly siblings: Uint8Array[];
  readonly flipped: number[];
  /** Gives the last sibling's encoding; undefined if that side is empty. */
  sibling: (() => Uint8Array) | undefined;
};

/**
 * Proof of the leaf that shares most leading bits with `path`, sides that do not exist replaced by the other one (mining-path 1.5).
 * Throws AppError SMST_BAD_PATH unless the path has 32 bytes; SMST_NODE_MISSING.
 */
export function closestProof(top: Top, path: Uint8Array, reading: Reading): ClosestProof {
  if (path.length !== PATH_LENGTH)
    throw new AppError("SMST_BAD_PATH", "a path has 32 bytes", { length: path.length });
  if (top.root === undefined) return proofOfEmpty(path);
  const walk = newWalk(path, true, reading);
  const leaf = descend(top, walk);
  if (leaf === undefined) throw new AppError("SMST_NODE_CORRUPT", "a branch of the trie leads to no leaf");
  const encoding = encodingOf(leaf, reading);
  return {
    path,
    flippedBits: walk.flipped,
    depth: walk.siblings.length,
    closestPath: leaf.path,
    closestValueHash: encoding.subarray(LEAF_VALUE_START),
    closestProof: sparseProof(walk, undefined),
  };
}

/** In the proof of an empty trie bit 0 counts as flipped (mining-path 1.5). */
const proofOfEmpty = (path: Uint8Array): ClosestProof => ({
  path,
  flippedBits: [0],
  depth: 0,
  closestPath: PLACEHOLDER.slice(),
  closestValueHash: undefined,
  closestProof: { sideNodes: [], nonMembershipLeafData: undefined, siblingData: undefined },
});

/** Proof that the leaf with this path is there, or that it is not (mining-path 1.11). Throws AppError SMST_NODE_MISSING. */
export function ordinaryProof(top: Top, path: Uint8Array, reading: Reading): SparseProof {
  const walk = newWalk(path, false, reading);
  const leaf = descend(top, walk);
  const other = leaf === undefined || equalBytes(leaf.path, path) ? undefined : leaf;
  return sparseProof(walk, other === undefined ? undefined : encodingOf(other, reading));
}

const newWalk = (path: Uint8Array, closest: boolean, reading: Reading): Walk => ({
  path,
  closest,
  reading,
  siblings: [],
  flipped: [],
  sibling: undefined,
});

const sparseProof = (
  { siblings, sibling }: Walk,
  nonMembershipLeafData: Uint8Array | undefined,
): SparseProof => ({ sideNodes: siblings.reverse(), nonMembershipLeafData, siblingData: sibling?.() });

/** Goes down until a leaf or an empty side, loading what is on the way; only this changes the trie, which stays the same trie. */
function descend(top: Top, walk: Walk): LeafNode | undefined {
  if (top.root === undefined) return undefined;
  let node = load(top.root, walk.reading);
  top.root = node;
  while (node.kind !== "leaf") {
    const child: Node | undefined = node.kind === "inner" ? stepInner(node, walk) : stepExtension(node, walk);
    if (child === undefined) return undefined;
    const loaded = load(child, walk.reading);
    putChild(node, child, loaded);
    node = loaded;
  }
  return node;
}

function stepInner({ left, right }: InnerNode, walk: Walk): Node | undefined {
  const depth = walk.siblings.length;
  const toRight = bitAt(walk.path, depth) === 1;
  const next = toRight ? right : left;
  const other = toRight ? left : right;
  if (next !== undefined || !walk.closest) {
    pushSibling(walk, other);
    return next;
  }
  walk.flipped.push(depth);
  pushSibling(walk, undefined);
  return other;
}

function pushSibling(walk: Walk, node: Node | undefined): void {
  walk.siblings.push(digestOf(node, walk.reading.sha256));
  walk.sibling = node === undefined ? undefined : () => encodingOf(node, walk.reading);
}

/** Bit by bit through the one-sided inner nodes that an extension stands for. */
function stepExtension(node: ExtensionNode, walk: Walk): Node | undefined {
  for (let depth = node.start; depth < node.end; depth++) {
    if (bitAt(node.path, depth) !== bitAt(walk.path, depth)) {
      if (!walk.closest) {
        leaveExtension(node, depth, walk);
        return undefined;
      }
      walk.flipped.push(depth);
    }
    pushSibling(walk, undefined);
  }
  return node.child;
}

/** The sibling is the rest of the chain: its topmost inner node, not an extension (mining-path 1.11). */
function leaveExtension({ path, end, child }: ExtensionNode, depth: number, walk: Walk): void {
  const start = depth + 1;
  if (start === end) {
    pushSibling(walk, child);
    return;
  }
  const { sha256 } = walk.reading;
  const bottom = digestOf(child, sha256);
  const below = chainDigest(path, start + 1, end, bottom, sha256);
  walk.siblings.push(chainDigest(path, start, end, bottom, sha256));
  walk.sibling = () =>
    bitAt(path, start) === 1 ? innerEncoding(PLACEHOLDER, below) : innerEncoding(below, PLACEHOLDER);
}
