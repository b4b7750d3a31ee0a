import { toHex } from "../../../src/base/bytes.ts";
import { AppError } from "../../../src/base/errors.ts";
import type { Sha256 } from "../../../src/smst/hash.ts";
import type { NodeStore } from "../../../src/smst/store.ts";
import { checkEncoding, decodeNode, encodeNode } from "./encoding.ts";
import { bitAt, firstDifference, type LoadedNode, type Node } from "./nodes.ts";

/** What a walk over the trie reads with. */
export type Reading = { readonly store: NodeStore; readonly sha256: Sha256 };

/** The trie's top, where a walk begins and puts the loaded root. */
export type Top = { root: Node | undefined };

export const nodeMissing = (digest: Uint8Array): AppError =>
  new AppError("SMST_NODE_MISSING", "the trie's store lacks a node", { digest: toHex(digest) });

/** The node itself, read from the store if need be; still lazy if the store lacks it. Throws AppError SMST_NODE_CORRUPT. */
function tryLoad(node: Node, { store, sha256 }: Reading): Node {
  if (node.kind !== "lazy") return node;
  const encoding = store.get(node.digest);
  return encoding === undefined ? node : decodeNode(encoding, node.digest, sha256);
}

/** As tryLoad, but throws AppError SMST_NODE_MISSING if the store lacks the node. */
export function load(node: Node, reading: Reading): LoadedNode {
  const loaded = tryLoad(node, reading);
  if (loaded.kind === "lazy") throw nodeMissing(loaded.digest);
  return loaded;
}

/**
 * Loads the nodes on the way to a path, as far as the trie branches towards it. Returns the digest of the first one that the store
 * lacks, or undefined if the way is open. The trie stays the same trie.
 */
export function openWay(top: Top, path: Uint8Array, reading: Reading): Uint8Array | undefined {
  if (top.root === undefined) return undefined;
  let node = tryLoad(top.root, reading);
  top.root = node;
  let depth = 0;
  while (node.kind !== "lazy") {
    const child = childTowards(node, path, depth);
    if (child === undefined) return undefined;
    const loaded = tryLoad(child, reading);
    putChild(node, child, loaded);
    depth = node.kind === "extension" ? node.end : depth + 1;
    node = loaded;
  }
  return node.digest;
}

/** The next node on the way to the path, or undefined where the way ends. */
export function childTowards(node: LoadedNode, path: Uint8Array, depth: number): Node | undefined {
  if (node.kind === "leaf") return undefined;
  if (node.kind === "inner") return bitAt(path, depth) === 1 ? node.right : node.left;
  return firstDifference(node.path, path, node.start, node.end) === node.end ? node.child : undefined;
}

/** Puts the loaded form of a child in its place. */
export function putChild(parent: LoadedNode, child: Node, loaded: Node): void {
  if (child === loaded || parent.kind === "leaf") return;
  if (parent.kind === "extension") parent.child = loaded;
  else if (parent.left === child) parent.left = loaded;
  else parent.right = loaded;
}

/** The stored form of any node, a payload read again from the store where memory does not hold it. Throws as load. */
export function encodingOf(node: Node, reading: Reading): Uint8Array {
  if (node.kind === "lazy") return storedEncoding(node.digest, reading);
  if (node.kind === "leaf" && node.encoding === undefined && node.digest !== undefined)
    return storedEncoding(node.digest, reading);
  return encodeNode(node, reading.sha256);
}

function storedEncoding(digest: Uint8Array, { store, sha256 }: Reading): Uint8Array {
  const encoding = store.get(digest);
  if (encoding === undefined) throw nodeMissing(digest);
  checkEncoding(encoding, digest, sha256);
  return new Uint8Array(encoding);
}
