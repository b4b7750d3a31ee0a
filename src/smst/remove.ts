import { equalBytes, toHex } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { type Arena, childLink, EXTENSION, INNER, LAZY, LEAF, NONE, ROOT_LINK } from "./arena.ts";
import { bitAt } from "./nodes.ts";
import type { Orphans } from "./orphans.ts";
import { childTowards, depthBelow, load, nodeMissing, openWay, type Reading } from "./reading.ts";

/**
 * Takes the leaf with this path out (mining-path 1.3). Throws AppError SMST_KEY_NOT_FOUND if there is none, SMST_NODE_MISSING if the
 * store lacks a node that is needed; then nothing has changed.
 */
export function removeLeaf(path: Uint8Array, orphans: Orphans, reading: Reading): void {
  const { arena } = reading;
  prepare(path, reading);
  const top = remove(arena, { node: arena.root, depth: 0 }, path, orphans);
  arena.links[ROOT_LINK] = top;
}

/** Does all that can fail: opens the way to the leaf, and loads its sibling, which may have to move up. */
function prepare(path: Uint8Array, reading: Reading): void {
  const { arena } = reading;
  const missing = openWay(path, reading);
  if (missing !== undefined) throw nodeMissing(missing);
  let parent = NONE;
  let node = arena.root;
  let depth = 0;
  while (node !== NONE && arena.kind(node) !== LEAF) {
    parent = node;
    node = childTowards(arena, parent, path, depth);
    depth = depthBelow(arena, parent, depth);
  }
  if (node === NONE || !equalBytes(arena.path(node), path))
    throw new AppError("SMST_KEY_NOT_FOUND", "the trie has no leaf with this key", { path: toHex(path) });
  if (parent === NONE || arena.kind(parent) !== INNER) return;
  const sibling = arena.child(parent, arena.child(parent, 0) === node ? 1 : 0);
  if (sibling !== NONE) load(sibling, reading);
}

type At = { readonly node: number; readonly depth: number };

function remove(arena: Arena, { node, depth }: At, path: Uint8Array, orphans: Orphans): number {
  if (node === NONE || arena.kind(node) === LAZY) return node;
  if (arena.kind(node) === LEAF) {
    orphans.giveUp(arena, node);
    arena.free(node);
    return NONE;
  }
  orphans.touch(arena, node);
  const bit = arena.kind(node) === EXTENSION ? 0 : bitAt(path, depth);
  const below = { node: arena.child(node, bit), depth: depthBelow(arena, node, depth) };
  const child = remove(arena, below, path, orphans);
  arena.links[childLink(node, bit)] = child;
  return arena.kind(node) === EXTENSION ? shortened(arena, node, orphans) : collapsed(arena, node, orphans);
}

/** An extension never leads to a leaf or to another extension. */
function shortened(arena: Arena, node: number, orphans: Orphans): number {
  const child = arena.child(node, 0);
  const kind = child === NONE ? LEAF : arena.kind(child);
  if (kind !== LEAF && kind !== EXTENSION) return node;
  if (kind === EXTENSION) {
    orphans.touch(arena, child);
    arena.setStart(child, arena.start(node));
  }
  arena.free(node);
  return child;
}

/** A one-sided inner node gives way to its leaf or extension, but stays above another inner node, as in the reference. */
function collapsed(arena: Arena, node: number, orphans: Orphans): number {
  const [left, right] = [arena.child(node, 0), arena.child(node, 1)];
  if (left !== NONE && right !== NONE) return node;
  const only = left === NONE ? right : left;
  const kind = arena.kind(only);
  if (kind !== LEAF && kind !== EXTENSION) return node;
  if (kind === EXTENSION) {
    orphans.touch(arena, only);
    arena.setStart(only, arena.start(only) - 1);
  }
  arena.free(node);
  return only;
}
