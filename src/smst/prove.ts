import { equalBytes } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { type Arena, INNER, LEAF, NONE } from "./arena.ts";
import { chainDigest, innerEncoding, LEAF_VALUE_START } from "./encoding.ts";
import { ensureDigest } from "./node-bytes.ts";
import { bitAt, PATH_LENGTH, PLACEHOLDER } from "./nodes.ts";
import type { ClosestProof, SparseProof } from "./proof-types.ts";
import { encodingOf, load, type Reading } from "./reading.ts";

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
export function closestProof(path: Uint8Array, reading: Reading): ClosestProof {
  const { arena } = reading;
  if (path.length !== PATH_LENGTH)
    throw new AppError("SMST_BAD_PATH", "a path has 32 bytes", { length: path.length });
  if (arena.root === NONE) return proofOfEmpty(path);
  const walk = newWalk(path, true, reading);
  const leaf = descend(walk);
  if (leaf === NONE) throw new AppError("SMST_NODE_CORRUPT", "a branch of the trie leads to no leaf");
  const encoding = encodingOf(leaf, reading);
  return {
    path,
    flippedBits: walk.flipped,
    depth: walk.siblings.length,
    closestPath: arena.path(leaf),
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
export function ordinaryProof(path: Uint8Array, reading: Reading): SparseProof {
  const walk = newWalk(path, false, reading);
  const leaf = descend(walk);
  const found = leaf === NONE || equalBytes(reading.arena.path(leaf), path);
  return sparseProof(walk, found ? undefined : encodingOf(leaf, reading));
}

/** Digests are made first, all at once: a walk loads nodes, which have theirs. */
function newWalk(path: Uint8Array, closest: boolean, reading: Reading): Walk {
  ensureDigest(reading.arena, reading.arena.root, reading.into);
  return { path, closest, reading, siblings: [], flipped: [], sibling: undefined };
}

const sparseProof = (
  { siblings, sibling }: Walk,
  nonMembershipLeafData: Uint8Array | undefined,
): SparseProof => ({ sideNodes: siblings.reverse(), nonMembershipLeafData, siblingData: sibling?.() });

/** Goes down until a leaf or an empty side, loading what is on the way; only this changes the trie, which stays the same trie. */
function descend(walk: Walk): number {
  const { arena } = walk.reading;
  let node = arena.root;
  while (node !== NONE) {
    load(node, walk.reading);
    const kind = arena.kind(node);
    if (kind === LEAF) return node;
    node = kind === INNER ? stepInner(arena, node, walk) : stepExtension(arena, node, walk);
  }
  return NONE;
}

function stepInner(arena: Arena, node: number, walk: Walk): number {
  const depth = walk.siblings.length;
  const bit = bitAt(walk.path, depth);
  const next = arena.child(node, bit);
  const other = arena.child(node, 1 - bit);
  if (next !== NONE || !walk.closest) {
    pushSibling(walk, other);
    return next;
  }
  walk.flipped.push(depth);
  pushSibling(walk, NONE);
  return other;
}

function pushSibling(walk: Walk, node: number): void {
  walk.siblings.push(walk.reading.arena.digest(node));
  walk.sibling = node === NONE ? undefined : () => encodingOf(node, walk.reading);
}

/** Bit by bit through the one-sided inner nodes that an extension stands for. */
function stepExtension(arena: Arena, node: number, walk: Walk): number {
  const path = arena.path(node);
  const end = arena.end(node);
  for (let depth = arena.start(node); depth < end; depth++) {
    if (bitAt(path, depth) !== bitAt(walk.path, depth)) {
      if (!walk.closest) {
        leaveExtension(arena, node, depth, walk);
        return NONE;
      }
      walk.flipped.push(depth);
    }
    pushSibling(walk, NONE);
  }
  return arena.child(node, 0);
}

/** The sibling is the rest of the chain: its topmost inner node, not an extension (mining-path 1.11). */
function leaveExtension(arena: Arena, node: number, depth: number, walk: Walk): void {
  const start = depth + 1;
  const end = arena.end(node);
  const child = arena.child(node, 0);
  if (start === end) {
    pushSibling(walk, child);
    return;
  }
  const { sha256 } = walk.reading;
  const path = arena.path(node);
  const bottom = arena.digest(child);
  const below = chainDigest(path, start + 1, end, bottom, sha256);
  walk.siblings.push(chainDigest(path, start, end, bottom, sha256));
  walk.sibling = () =>
    bitAt(path, start) === 1 ? innerEncoding(PLACEHOLDER, below) : innerEncoding(below, PLACEHOLDER);
}
