import { equalBytes, toHex } from "../../../src/base/bytes.ts";
import { AppError } from "../../../src/base/errors.ts";
import type { Sha256 } from "../../../src/smst/hash.ts";
import {
  bitAt,
  DIGEST_LENGTH,
  type ExtensionNode,
  extensionNode,
  type InnerNode,
  innerNode,
  type LeafNode,
  type LoadedNode,
  lazyNode,
  type Node,
  PATH_LENGTH,
  PLACEHOLDER,
} from "./nodes.ts";

const HASH_LENGTH = 32;
const TOTALS_LENGTH = 16;
const LEAF = 0;
const INNER = 1;
const EXTENSION = 2;
const INNER_LENGTH = 1 + 2 * DIGEST_LENGTH + TOTALS_LENGTH;
const EXTENSION_LENGTH = 3 + PATH_LENGTH + DIGEST_LENGTH + TOTALS_LENGTH;

/** Where a leaf's value starts in its encoding. */
export const LEAF_VALUE_START = 1 + PATH_LENGTH;
/** A leaf without a relay: prefix, path, weight and count. */
const LEAF_LENGTH = LEAF_VALUE_START + TOTALS_LENGTH;

/** `00 || path || value || weight || 1` (mining-path 1.1 and 1.2). */
export function leafEncoding(path: Uint8Array, value: Uint8Array, weight: bigint): Uint8Array {
  const encoding = new Uint8Array(LEAF_LENGTH + value.length);
  encoding.set(path, 1);
  encoding.set(value, LEAF_VALUE_START);
  const totals = encoding.length - TOTALS_LENGTH;
  new DataView(encoding.buffer).setBigUint64(totals, weight);
  encoding[encoding.length - 1] = 1;
  return encoding;
}

/** `01 || left || right || sum || count`; sums and counts wrap around at 2^64 (mining-path 1.1 and 1.2). */
export function innerEncoding(left: Uint8Array, right: Uint8Array): Uint8Array {
  const encoding = new Uint8Array(INNER_LENGTH);
  writeInner(encoding, left, right);
  return encoding;
}

function writeInner(target: Uint8Array, left: Uint8Array, right: Uint8Array): void {
  target[0] = INNER;
  target.set(left, 1);
  target.set(right, 1 + DIGEST_LENGTH);
  addTotals(target, left, right, HASH_LENGTH);
  addTotals(target, left, right, HASH_LENGTH + 8);
}

/** Adds the 8 bytes at `from` of both digests, byte by byte: no number type of the language has 64 bits and is fast. */
function addTotals(target: Uint8Array, left: Uint8Array, right: Uint8Array, from: number): void {
  const offset = 1 + 2 * DIGEST_LENGTH + from - HASH_LENGTH;
  let carry = 0;
  for (let index = 7; index >= 0; index--) {
    const sum = (left[from + index] ?? 0) + (right[from + index] ?? 0) + carry;
    target[offset + index] = sum;
    carry = sum >> 8;
  }
}

function extensionEncoding(node: ExtensionNode, child: Uint8Array): Uint8Array {
  const encoding = new Uint8Array(EXTENSION_LENGTH);
  encoding[0] = EXTENSION;
  encoding[1] = node.start;
  encoding[2] = node.end;
  encoding.set(node.path, 3);
  encoding.set(child, 3 + PATH_LENGTH);
  encoding.set(child.subarray(HASH_LENGTH), 3 + PATH_LENGTH + DIGEST_LENGTH);
  return encoding;
}

/** Digest of a leaf or inner node from its encoding: its hash, then its last 16 bytes (mining-path 1.2). */
export function hashedDigest(encoding: Uint8Array, sha256: Sha256): Uint8Array {
  const digest = new Uint8Array(DIGEST_LENGTH);
  digest.set(sha256(encoding));
  digest.set(encoding.subarray(encoding.length - TOTALS_LENGTH), HASH_LENGTH);
  return digest;
}

const scratch = new Uint8Array(INNER_LENGTH);

/** Digest of the inner node over two digests. */
function innerDigest(left: Uint8Array, right: Uint8Array, sha256: Sha256): Uint8Array {
  writeInner(scratch, left, right);
  return hashedDigest(scratch, sha256);
}

/** Digest of an extension: that of the one-sided inner nodes that it stands for (mining-path 1.2). */
export function chainDigest(
  path: Uint8Array,
  start: number,
  end: number,
  child: Uint8Array,
  sha256: Sha256,
): Uint8Array {
  let digest = child;
  for (let index = end - 1; index >= start; index--)
    digest =
      bitAt(path, index) === 1
        ? innerDigest(PLACEHOLDER, digest, sha256)
        : innerDigest(digest, PLACEHOLDER, sha256);
  return digest;
}

/** A node's digest, made once and kept in the node. */
export function digestOf(node: Node | undefined, sha256: Sha256): Uint8Array {
  if (node === undefined) return PLACEHOLDER;
  if (node.kind === "lazy") return node.digest;
  if (node.digest !== undefined) return node.digest;
  node.digest = freshDigest(node, sha256);
  return node.digest;
}

function freshDigest(node: LoadedNode, sha256: Sha256): Uint8Array {
  if (node.kind === "leaf") return hashedDigest(ownEncoding(node), sha256);
  if (node.kind === "inner") {
    const left = digestOf(node.left, sha256);
    return innerDigest(left, digestOf(node.right, sha256), sha256);
  }
  return chainDigest(node.path, node.start, node.end, digestOf(node.child, sha256), sha256);
}

/** The stored form of a node. A leaf must still hold its own. */
export function encodeNode(node: LoadedNode, sha256: Sha256): Uint8Array {
  if (node.kind === "leaf") return ownEncoding(node);
  if (node.kind === "inner") return innerEncoding(digestOf(node.left, sha256), digestOf(node.right, sha256));
  return extensionEncoding(node, digestOf(node.child, sha256));
}

function ownEncoding(leaf: LeafNode): Uint8Array {
  if (leaf.encoding === undefined)
    throw new AppError("SMST_LEAF_DROPPED", "a leaf's payload is only in the store", {
      path: toHex(leaf.path),
    });
  return leaf.encoding;
}

/** The digest that belongs to a stored form, or undefined if the bytes are no node. */
function encodingDigest(encoding: Uint8Array, sha256: Sha256): Uint8Array | undefined {
  if (encoding[0] === EXTENSION) {
    if (encoding.length !== EXTENSION_LENGTH) return undefined;
    const { path, start, end, child } = readExtension(encoding);
    return chainDigest(path, start, end, child, sha256);
  }
  const isLeaf = encoding[0] === LEAF && encoding.length >= LEAF_LENGTH;
  const isInner = encoding[0] === INNER && encoding.length === INNER_LENGTH;
  return isLeaf || isInner ? hashedDigest(encoding, sha256) : undefined;
}

/**
 * Reads the stored form of the node with this digest. Nothing of `encoding` is kept, and a leaf comes without its payload. Throws
 * AppError SMST_NODE_CORRUPT if the bytes do not hash to the digest: a trie built on them would be unprovable.
 */
export function decodeNode(encoding: Uint8Array, digest: Uint8Array, sha256: Sha256): LoadedNode {
  checkEncoding(encoding, digest, sha256);
  const node = parseNode(encoding);
  node.digest = digest;
  node.persisted = true;
  return node;
}

/** Throws AppError SMST_NODE_CORRUPT unless the bytes are a node with this digest. */
export function checkEncoding(encoding: Uint8Array, digest: Uint8Array, sha256: Sha256): void {
  const actual = encodingDigest(encoding, sha256);
  // An extension over no bits would have its child's digest, and so could be its own child.
  const overNothing = encoding[0] === EXTENSION && (encoding[1] ?? 0) >= (encoding[2] ?? 0);
  if (actual === undefined || overNothing || !equalBytes(actual, digest))
    throw new AppError("SMST_NODE_CORRUPT", "the store's node is not the one asked for", {
      digest: toHex(digest),
    });
}

function parseNode(encoding: Uint8Array): LoadedNode {
  if (encoding[0] === LEAF)
    return {
      kind: "leaf",
      path: cut(encoding, 1, LEAF_VALUE_START),
      digest: undefined,
      persisted: false,
      encoding: undefined,
    };
  if (encoding[0] === INNER) return parseInner(encoding);
  const { path, start, end, child } = readExtension(encoding);
  return extensionNode(path, start, end, lazyNode(child));
}

const parseInner = (encoding: Uint8Array): InnerNode =>
  innerNode(
    childOf(cut(encoding, 1, 1 + DIGEST_LENGTH)),
    childOf(cut(encoding, 1 + DIGEST_LENGTH, 1 + 2 * DIGEST_LENGTH)),
  );

/** A node known by its digest; the placeholder stands for none. */
export const childOf = (digest: Uint8Array): Node | undefined =>
  equalBytes(digest, PLACEHOLDER) ? undefined : lazyNode(digest);

const readExtension = (encoding: Uint8Array) => ({
  start: encoding[1] ?? 0,
  end: encoding[2] ?? 0,
  path: cut(encoding, 3, 3 + PATH_LENGTH),
  child: cut(encoding, 3 + PATH_LENGTH, 3 + PATH_LENGTH + DIGEST_LENGTH),
});

/** A copy of its own: a view would keep the whole buffer alive that the bytes came in. */
const cut = (bytes: Uint8Array, from: number, to: number): Uint8Array =>
  new Uint8Array(bytes.subarray(from, to));
