import { AppError } from "../../../src/base/errors.ts";
import {
  bitAt,
  type ExtensionNode,
  extensionNode,
  firstDifference,
  innerNode,
  type LeafNode,
  type LoadedNode,
  type Node,
  PATH_BITS,
} from "./nodes.ts";

/** Digests of persisted nodes that the trie has given up since the last commit, in that order (mining-path 1.4). */
export type Orphans = Uint8Array[];

/** Marks a node as changed: its stored form is given up, its digest is no longer known. */
export function touch(node: LoadedNode, orphans: Orphans): void {
  giveUp(node, orphans);
  node.digest = undefined;
}

/** The stored form of a node is no longer part of the trie. */
export function giveUp(node: LoadedNode, orphans: Orphans): void {
  if (node.persisted && node.digest !== undefined) orphans.push(node.digest);
  node.persisted = false;
}

/** Puts a leaf in the trie below `node` and returns what takes that node's place (mining-path 1.3). The way must be loaded. */
export function insert(node: Node | undefined, depth: number, leaf: LeafNode, orphans: Orphans): Node {
  if (node === undefined) return leaf;
  switch (node.kind) {
    case "leaf":
      return insertAtLeaf(node, depth, leaf, orphans);
    case "inner":
      touch(node, orphans);
      if (bitAt(leaf.path, depth) === 1) node.right = insert(node.right, depth + 1, leaf, orphans);
      else node.left = insert(node.left, depth + 1, leaf, orphans);
      return node;
    case "extension":
      return insertAtExtension(node, leaf, orphans);
    case "lazy":
      throw new AppError("SMST_NOT_LOADED", "a node on the way to a leaf was not loaded first");
  }
}

function insertAtLeaf(old: LeafNode, depth: number, leaf: LeafNode, orphans: Orphans): Node {
  const fork = firstDifference(old.path, leaf.path, depth, PATH_BITS);
  if (fork === PATH_BITS) {
    giveUp(old, orphans);
    return leaf;
  }
  const branch = branchAt(fork, old.path, old, leaf);
  return fork > depth ? extensionNode(leaf.path, depth, fork, branch) : branch;
}

function insertAtExtension(node: ExtensionNode, leaf: LeafNode, orphans: Orphans): Node {
  const { path, start, end } = node;
  const fork = firstDifference(path, leaf.path, start, end);
  touch(node, orphans);
  if (fork === end) {
    node.child = insert(node.child, end, leaf, orphans);
    return node;
  }
  const tail = fork === end - 1 ? node.child : extensionNode(path, fork + 1, end, node.child);
  const branch = branchAt(fork, path, tail, leaf);
  return fork === start ? branch : extensionNode(path, start, fork, branch);
}

/** The inner node at bit `fork`: `old` on its path's side, the new leaf on the other one. */
const branchAt = (fork: number, oldPath: Uint8Array, old: Node, leaf: LeafNode): Node =>
  bitAt(oldPath, fork) === 1 ? innerNode(leaf, old) : innerNode(old, leaf);
