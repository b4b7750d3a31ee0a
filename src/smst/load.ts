import { fromHex } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { nodeMissing } from "./reading.ts";
import { digestKey, type FetchNodes, type NodeStore } from "./store.ts";
import type { Trie } from "./trie.ts";

/** A trie reads one path at a time: more rounds than this mean that a fetched node does not reach it. */
const MOST_ROUNDS = 1024;

/** The store of a trie whose nodes live elsewhere: holds fetched nodes for as long as it takes to read them into the trie. */
export class NodeCache implements NodeStore {
  readonly #nodes = new Map<string, Uint8Array>();

  get(digest: Uint8Array): Uint8Array | undefined {
    return this.#nodes.get(digestKey(digest));
  }

  put(digest: Uint8Array, node: Uint8Array): void {
    this.#nodes.set(digestKey(digest), node);
  }

  get size(): number {
    return this.#nodes.size;
  }

  clear(): void {
    this.#nodes.clear();
  }
}

/**
 * Runs `attempt` on a trie over `cache` until it no longer lacks a node, fetching one node a round; the cache is empty afterwards. Throws
 * what `attempt` and `fetch` throw, and AppError SMST_NODE_MISSING for a node that does not exist.
 */
export async function withNodes<T>(cache: NodeCache, fetch: FetchNodes, attempt: () => T): Promise<T> {
  try {
    for (let round = 0; ; round++) {
      try {
        return attempt();
      } catch (thrown) {
        const digest = missingDigest(thrown);
        if (digest === undefined || round === MOST_ROUNDS) throw thrown;
        await fetchInto(cache, fetch, [digest]);
      }
    }
  } finally {
    cache.clear();
  }
}

const missingDigest = (thrown: unknown): Uint8Array | undefined =>
  thrown instanceof AppError && thrown.code === "SMST_NODE_MISSING"
    ? fromHex(String(thrown.fields["digest"]))
    : undefined;

/**
 * Loads all nodes that updates of these keys will need, level by level: one fetch for each level of the trie, whatever the number of
 * keys. The trie is over `cache`, which is empty afterwards. Throws AppError SMST_NODE_MISSING for a node that does not exist.
 */
export async function prefetchPaths(
  trie: Trie,
  keys: readonly Uint8Array[],
  cache: NodeCache,
  fetch: FetchNodes,
): Promise<void> {
  if (trie.isWhole) return;
  try {
    let open = keys.map((key) => trie.pathOf(key));
    for (let round = 0; ; round++) {
      const missing = new Map<string, Uint8Array>();
      open = open.filter((path) => noteMissing(trie.missingTowards(path), missing));
      const [first] = missing.values();
      if (first === undefined) return;
      if (round === MOST_ROUNDS) throw nodeMissing(first);
      await fetchInto(cache, fetch, [...missing.values()]);
    }
  } finally {
    cache.clear();
  }
}

function noteMissing(digest: Uint8Array | undefined, missing: Map<string, Uint8Array>): boolean {
  if (digest === undefined) return false;
  missing.set(digestKey(digest), digest);
  return true;
}

async function fetchInto(cache: NodeCache, fetch: FetchNodes, digests: readonly Uint8Array[]): Promise<void> {
  const nodes = await fetch(digests);
  for (const [index, digest] of digests.entries()) {
    const node = nodes[index];
    if (node === undefined) throw nodeMissing(digest);
    cache.put(digest, node);
  }
}
