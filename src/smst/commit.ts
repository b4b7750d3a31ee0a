import { type Arena, EXTENSION, INNER, LAZY, LEAF, NONE } from "./arena.ts";
import { Blocks } from "./blocks.ts";
import { digestBytes, nodeBytes } from "./node-bytes.ts";
import { digestKey } from "./store.ts";

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

/** The changed nodes of a trie whose digests are known: left, right, then the node above them. From now on they count as persisted. */
export function collectWrites(arena: Arena, retain: Retain): NodeWrite[] {
  const writes: NodeWrite[] = [];
  collect(arena, arena.root, { retain, writes, blocks: new Blocks() });
  return writes;
}

type Collecting = { readonly retain: Retain; readonly writes: NodeWrite[]; readonly blocks: Blocks };

function collect(arena: Arena, id: number, collecting: Collecting): void {
  if (id === NONE || arena.isPersisted(id)) return;
  const kind = arena.kind(id);
  if (kind === LAZY) return;
  if (kind === INNER || kind === EXTENSION) collect(arena, arena.child(id, 0), collecting);
  if (kind === INNER) collect(arena, arena.child(id, 1), collecting);
  const { retain, writes, blocks } = collecting;
  writes.push({ digest: digestBytes(arena, id, blocks), node: nodeBytes(arena, id, blocks) });
  arena.markPersisted(id);
  if (kind === LEAF && retain === "inner") arena.dropPayload(id);
}

/** Orphans that are not written again: a store that applies deletes last must not lose those (mining-path 1.4). */
export function lastingDeletes(
  orphans: readonly Uint8Array[],
  writes: readonly NodeWrite[],
): readonly Uint8Array[] {
  if (orphans.length === 0) return orphans;
  const marks = new Set(orphans.map(markOf));
  const again = writes.filter(({ digest }) => marks.has(markOf(digest)));
  if (again.length === 0) return orphans;
  const written = new Set(again.map(({ digest }) => digestKey(digest)));
  return orphans.filter((digest) => !written.has(digestKey(digest)));
}

/** Almost four bytes: they tell digests apart and are still a small integer, far cheaper to look up than a whole digest. */
const markOf = (digest: Uint8Array): number =>
  ((digest[0] ?? 0) << 22) | ((digest[1] ?? 0) << 14) | ((digest[2] ?? 0) << 6) | ((digest[3] ?? 0) >> 2);
