import { equalBytes, toHex } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import type { Sha256 } from "./hash.ts";
import { bitAt, DIGEST_LENGTH, PATH_LENGTH, PLACEHOLDER } from "./nodes.ts";

const HASH_LENGTH = 32;
const LEAF_PREFIX = 0;
const INNER_PREFIX = 1;
const EXTENSION_PREFIX = 2;

/** Sum and count at the end of all encodings but an extension's. */
export const TOTALS_LENGTH = 16;
export const INNER_LENGTH = 1 + 2 * DIGEST_LENGTH + TOTALS_LENGTH;
export const EXTENSION_LENGTH = 3 + PATH_LENGTH + DIGEST_LENGTH + TOTALS_LENGTH;

/** Where a leaf's value starts in its encoding. */
export const LEAF_VALUE_START = 1 + PATH_LENGTH;
/** A leaf without a relay: prefix, path, weight and count. */
export const LEAF_LENGTH = LEAF_VALUE_START + TOTALS_LENGTH;

/** `01 || left || right || sum || count`; sums and counts wrap around at 2^64 (mining-path 1.1 and 1.2). */
export function innerEncoding(left: Uint8Array, right: Uint8Array): Uint8Array {
  const encoding = new Uint8Array(INNER_LENGTH);
  writeInner(encoding, left, right);
  return encoding;
}

function writeInner(target: Uint8Array, left: Uint8Array, right: Uint8Array): void {
  target[0] = INNER_PREFIX;
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

/** Digest of a leaf or inner node from its encoding: its hash, then its last 16 bytes (mining-path 1.2). */
export function hashedDigest(encoding: Uint8Array, sha256: Sha256): Uint8Array {
  const digest = new Uint8Array(DIGEST_LENGTH);
  digest.set(sha256(encoding));
  digest.set(encoding.subarray(encoding.length - TOTALS_LENGTH), HASH_LENGTH);
  return digest;
}

const scratch = new Uint8Array(INNER_LENGTH);

/** Digest of the inner node over two digests. */
export function innerDigest(left: Uint8Array, right: Uint8Array, sha256: Sha256): Uint8Array {
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

/** A stored form, taken apart. All bytes are views of it. */
export type Parsed =
  | { readonly kind: "leaf"; readonly path: Uint8Array }
  | { readonly kind: "inner"; readonly left: Uint8Array; readonly right: Uint8Array }
  | {
      readonly kind: "extension";
      readonly path: Uint8Array;
      readonly bits: readonly [start: number, end: number];
      readonly child: Uint8Array;
    };

/** Undefined if the bytes are no node. */
function parse(encoding: Uint8Array): Parsed | undefined {
  const { length } = encoding;
  if (encoding[0] === LEAF_PREFIX && length >= LEAF_LENGTH)
    return { kind: "leaf", path: encoding.subarray(1, LEAF_VALUE_START) };
  if (encoding[0] === INNER_PREFIX && length === INNER_LENGTH) {
    const middle = 1 + DIGEST_LENGTH;
    return {
      kind: "inner",
      left: encoding.subarray(1, middle),
      right: encoding.subarray(middle, middle + DIGEST_LENGTH),
    };
  }
  if (encoding[0] !== EXTENSION_PREFIX || length !== EXTENSION_LENGTH) return undefined;
  return {
    kind: "extension",
    bits: [encoding[1] ?? 0, encoding[2] ?? 0],
    path: encoding.subarray(3, 3 + PATH_LENGTH),
    child: encoding.subarray(3 + PATH_LENGTH, 3 + PATH_LENGTH + DIGEST_LENGTH),
  };
}

/** The digest that belongs to a stored form, or undefined if the bytes are no node. */
export function encodingDigest(encoding: Uint8Array, sha256: Sha256): Uint8Array | undefined {
  const parsed = parse(encoding);
  return parsed === undefined ? undefined : digestOfParsed(parsed, encoding, sha256);
}

function digestOfParsed(parsed: Parsed, encoding: Uint8Array, sha256: Sha256): Uint8Array {
  if (parsed.kind !== "extension") return hashedDigest(encoding, sha256);
  const [start, end] = parsed.bits;
  return chainDigest(parsed.path, start, end, parsed.child, sha256);
}

/**
 * Takes the stored form of the node with this digest apart. Throws AppError SMST_NODE_CORRUPT if the bytes do not hash to the digest: a
 * trie built on them would be unprovable.
 */
export function parseNode(encoding: Uint8Array, digest: Uint8Array, sha256: Sha256): Parsed {
  const parsed = parse(encoding);
  // An extension over no bits would have its child's digest, and so could be its own child.
  const sound = parsed !== undefined && (parsed.kind !== "extension" || parsed.bits[0] < parsed.bits[1]);
  if (!sound || !equalBytes(digestOfParsed(parsed, encoding, sha256), digest))
    throw new AppError("SMST_NODE_CORRUPT", "the store's node is not the one asked for", {
      digest: toHex(digest),
    });
  return parsed;
}
