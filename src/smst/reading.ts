import { toHex } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { type Arena, EXTENSION, INNER, LAZY, LEAF, NONE } from "./arena.ts";
import { Blocks } from "./blocks.ts";
import { type Parsed, parseNode } from "./encoding.ts";
import type { Sha256, Sha256Into } from "./hash.ts";
import { nodeBytes } from "./node-bytes.ts";
import { bitAt, firstDifference } from "./nodes.ts";
import type { NodeStore } from "./store.ts";

/** What a walk over the trie reads with. */
export type Reading = {
  readonly arena: Arena;
  readonly store: NodeStore;
  readonly sha256: Sha256;
  readonly into: Sha256Into;
};

export const nodeMissing = (digest: Uint8Array): AppError =>
  new AppError("SMST_NODE_MISSING", "the trie's store lacks a node", { digest: toHex(digest) });

/** Reads a lazy node from the store, in its place; false if the store lacks it. Throws AppError SMST_NODE_CORRUPT. */
function tryLoad(id: number, { arena, store, sha256 }: Reading): boolean {
  if (arena.kind(id) !== LAZY) return true;
  const digest = arena.digest(id);
  const encoding = store.get(digest);
  if (encoding === undefined) return false;
  fill(arena, id, parseNode(encoding, digest, sha256));
  return true;
}

function fill(arena: Arena, id: number, parsed: Parsed): void {
  if (parsed.kind === "inner") arena.fillInner(id, parsed.left, parsed.right);
  else if (parsed.kind === "leaf") arena.fillLeaf(id, { bytes: parsed.path, offset: 0 });
  else arena.fillExtension(id, { bytes: parsed.path, offset: 0 }, parsed.bits, parsed.child);
}

/** As tryLoad, but throws AppError SMST_NODE_MISSING if the store lacks the node. */
export function load(id: number, reading: Reading): void {
  if (!tryLoad(id, reading)) throw nodeMissing(reading.arena.digest(id));
}

/**
 * Loads the nodes on the way to a path, as far as the trie branches towards it. Returns the digest of the first one that the store
 * lacks, or undefined if the way is open. The trie stays the same trie.
 */
export function openWay(path: Uint8Array, reading: Reading): Uint8Array | undefined {
  const { arena } = reading;
  if (arena.lazies === 0) return undefined;
  let node = arena.root;
  let depth = 0;
  while (node !== NONE) {
    if (!tryLoad(node, reading)) return arena.digest(node);
    const next = childTowards(arena, node, path, depth);
    depth = depthBelow(arena, node, depth);
    node = next;
  }
  return undefined;
}

/** The next node on the way to the path, or none where the way ends. */
export function childTowards(arena: Arena, node: number, path: Uint8Array, depth: number): number {
  const kind = arena.kind(node);
  if (kind === INNER) return arena.child(node, bitAt(path, depth));
  if (kind !== EXTENSION) return NONE;
  const end = arena.end(node);
  const at = { bytes: path, offset: 0 };
  return firstDifference(arena.pathAt(node), at, arena.start(node), end) === end
    ? arena.child(node, 0)
    : NONE;
}

/** The bit that the children of a node at this depth stand at. */
export const depthBelow = (arena: Arena, node: number, depth: number): number =>
  arena.kind(node) === EXTENSION ? arena.end(node) : depth + 1;

/** The stored form of any node whose digest is known, a payload read again from the store where memory does not hold it. Throws as load. */
export function encodingOf(id: number, reading: Reading): Uint8Array {
  const { arena } = reading;
  const kind = arena.kind(id);
  const dropped = kind === LEAF && arena.payload(id) === undefined;
  return kind === LAZY || dropped
    ? storedEncoding(arena.digest(id), reading)
    : nodeBytes(arena, id, new Blocks());
}

function storedEncoding(digest: Uint8Array, { store, sha256 }: Reading): Uint8Array {
  const encoding = store.get(digest);
  if (encoding === undefined) throw nodeMissing(digest);
  parseNode(encoding, digest, sha256);
  return new Uint8Array(encoding);
}
