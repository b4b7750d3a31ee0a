import type { Sha256 } from "../../../src/smst/hash.ts";
import { digestKey } from "../../../src/smst/store.ts";
import { digestOf, encodeNode, hashedDigest } from "./encoding.ts";
import type { Orphans } from "./insert.ts";
import type { Node } from "./nodes.ts";

export type NodeWrite = { readonly digest: Uint8Array; readonly node: Uint8Array };

/**
 * What makes the store hold the trie. Either apply `writes` and `deletes` in any order, or do as Go: delete all of `orphans`, then write
 * all of `writes`, one by one in their order (mining-path 1.4).
 */
export type Commit = {
  /** 48 bytes. */
  readonly root: Uint8Array;
  readonly writes: readonly NodeWrite[];
  /** Digests that the trie no longer has: the orphans without those that are written again. */
  readonly deletes: readonly Uint8Array[];
  /** Digests of all stored nodes that were replaced since the last commit, in the order of replacement. */
  readonly orphans: readonly Uint8Array[];
};

/** What memory keeps of committed leaves: their payload too, or just path and digest. Inner nodes stay. */
export type Retain = "all" | "inner";

/** The dirty nodes below and including `node`: left, right, then the node itself. From now on they count as persisted. */
export function collectWrites(
  node: Node | undefined,
  retain: Retain,
  sha256: Sha256,
  writes: NodeWrite[],
): void {
  if (node === undefined || node.kind === "lazy" || node.persisted) return;
  if (node.kind === "inner") {
    collectWrites(node.left, retain, sha256, writes);
    collectWrites(node.right, retain, sha256, writes);
  } else if (node.kind === "extension") collectWrites(node.child, retain, sha256, writes);
  const encoding = encodeNode(node, sha256);
  if (node.kind !== "extension") node.digest ??= hashedDigest(encoding, sha256);
  writes.push({ digest: digestOf(node, sha256), node: encoding });
  node.persisted = true;
  if (node.kind === "leaf" && retain === "inner") node.encoding = undefined;
}

/** Orphans that are not written again: a store that applies deletes last must not lose those (mining-path 1.4). */
export function lastingDeletes(orphans: Orphans, writes: readonly NodeWrite[]): Uint8Array[] {
  if (orphans.length === 0) return [];
  const written = new Set(writes.map(({ digest }) => digestKey(digest)));
  return orphans.filter((digest) => !written.has(digestKey(digest)));
}
