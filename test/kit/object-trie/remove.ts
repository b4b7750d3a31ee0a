import { equalBytes, toHex } from "../../../src/base/bytes.ts";
import { AppError } from "../../../src/base/errors.ts";
import { giveUp, type Orphans, touch } from "./insert.ts";
import { bitAt, type ExtensionNode, type InnerNode, type LoadedNode, type Node } from "./nodes.ts";
import { childTowards, load, nodeMissing, openWay, putChild, type Reading, type Top } from "./reading.ts";

/**
 * Takes the leaf with this path out (mining-path 1.3). Throws AppError SMST_KEY_NOT_FOUND if there is none, SMST_NODE_MISSING if the
 * store lacks a node that is needed; then nothing has changed.
 */
export function removeLeaf(top: Top, path: Uint8Array, orphans: Orphans, reading: Reading): void {
  prepare(top, path, reading);
  top.root = remove(top.root, 0, path, orphans);
}

/** Does all that can fail: opens the way to the leaf, and loads its sibling, which may have to move up. */
function prepare(top: Top, path: Uint8Array, reading: Reading): void {
  const missing = openWay(top, path, reading);
  if (missing !== undefined) throw nodeMissing(missing);
  let parent: LoadedNode | undefined;
  let node = top.root;
  let depth = 0;
  while (node !== undefined && node.kind !== "lazy" && node.kind !== "leaf") {
    parent = node;
    node = childTowards(parent, path, depth);
    depth = parent.kind === "extension" ? parent.end : depth + 1;
  }
  if (node?.kind !== "leaf" || !equalBytes(node.path, path))
    throw new AppError("SMST_KEY_NOT_FOUND", "the trie has no leaf with this key", { path: toHex(path) });
  if (parent?.kind !== "inner") return;
  const sibling = parent.left === node ? parent.right : parent.left;
  if (sibling !== undefined) putChild(parent, sibling, load(sibling, reading));
}

function remove(node: Node | undefined, depth: number, path: Uint8Array, orphans: Orphans): Node | undefined {
  if (node === undefined || node.kind === "lazy") return node;
  if (node.kind === "leaf") {
    giveUp(node, orphans);
    return undefined;
  }
  touch(node, orphans);
  if (node.kind === "extension") return shortened(node, remove(node.child, node.end, path, orphans), orphans);
  if (bitAt(path, depth) === 1) node.right = remove(node.right, depth + 1, path, orphans);
  else node.left = remove(node.left, depth + 1, path, orphans);
  return collapsed(node, orphans);
}

/** An extension never leads to a leaf or to another extension. */
function shortened(node: ExtensionNode, child: Node | undefined, orphans: Orphans): Node | undefined {
  if (child === undefined || child.kind === "leaf") return child;
  if (child.kind === "extension") {
    touch(child, orphans);
    child.start = node.start;
    return child;
  }
  node.child = child;
  return node;
}

/** A one-sided inner node gives way to its leaf or extension, but stays above another inner node, as in the reference. */
function collapsed(node: InnerNode, orphans: Orphans): Node | undefined {
  if (node.left !== undefined && node.right !== undefined) return node;
  const only = node.left ?? node.right;
  if (only?.kind === "leaf") return only;
  if (only?.kind !== "extension") return node;
  touch(only, orphans);
  only.start -= 1;
  return only;
}
