import { fromHex, toHex } from "../../src/base/bytes.ts";
import type { Commit } from "../../src/smst/commit.ts";
import type { NodeStore } from "../../src/smst/store.ts";

/** A trie's store in memory, which can have holes, and counts what is asked of it. */
export class MemoryStore implements NodeStore {
  readonly nodes: Map<string, Uint8Array>;
  /** Number of round trips of `fetch`. */
  fetches = 0;

  constructor(entries: Iterable<readonly [digest: string, node: string]> = []) {
    this.nodes = new Map([...entries].map(([digest, node]) => [digest, fromHex(node)]));
  }

  get(digest: Uint8Array): Uint8Array | undefined {
    return this.nodes.get(toHex(digest));
  }

  /** The same store behind a network. */
  readonly fetch = async (digests: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> => {
    this.fetches++;
    await Promise.resolve();
    return digests.map((digest) => this.get(digest));
  };

  /** Writes first and deletes last, the order in which a digest in both would be lost. */
  apply({ writes, deletes }: Commit): void {
    for (const { digest, node } of writes) this.nodes.set(toHex(digest), node);
    for (const digest of deletes) this.nodes.delete(toHex(digest));
  }

  /** All entries in hex, sorted by digest. */
  entries(): [string, string][] {
    return [...this.nodes]
      .map(([digest, node]): [string, string] => [digest, toHex(node)])
      .sort(([left], [right]) => (left < right ? -1 : 1));
  }
}
