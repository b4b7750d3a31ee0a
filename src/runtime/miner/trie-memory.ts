import type { SessionTrie } from "./session-trie.ts";

/**
 * A bound on what the tries of all suppliers take up together. An open session's nodes stay in memory, some 180 bytes a leaf, because the
 * next batch changes them; the relays do not. Where the bound is passed, the trie used longest ago is dropped, and its next batch reads
 * the paths it needs from Redis again.
 */
export class TrieMemory {
  readonly #mostBytes: number;
  /** In order of use. */
  readonly #sizes = new Map<SessionTrie, number>();
  #total = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  get total(): number {
    return this.#total;
  }

  /** The trie was used, and is as large as it is. Drops others, those of workers that are busy with them excepted, and if need be this one. */
  used(trie: SessionTrie): void {
    this.forget(trie);
    this.#sizes.set(trie, trie.bytes);
    this.#total += trie.bytes;
    for (const oldest of this.#sizes.keys()) {
      if (this.#total <= this.#mostBytes) return;
      if (oldest.isBusy) continue;
      oldest.drop();
      this.forget(oldest);
    }
  }

  /** The trie is no longer in use. */
  forget(trie: SessionTrie): void {
    this.#total -= this.#sizes.get(trie) ?? 0;
    this.#sizes.delete(trie);
  }
}
