import { type Arena, LAZY } from "./arena.ts";
import { DIGEST_LENGTH } from "./nodes.ts";

/** Digests of persisted nodes that the trie has given up since the last commit, in that order (mining-path 1.4). */
export class Orphans {
  #bytes = new Uint8Array(DIGEST_LENGTH);
  #length = 0;

  /** The stored form of a node is no longer part of the trie. */
  giveUp(arena: Arena, id: number): void {
    if (arena.isPersisted(id) && arena.isHashed(id)) this.#push(arena, id);
  }

  /** Marks a node as changed: its stored form is given up, its digest is no longer known. */
  touch(arena: Arena, id: number): void {
    if (arena.kind(id) === LAZY) return;
    this.giveUp(arena, id);
    arena.markChanged(id);
  }

  /** All of them; from now on there are none. */
  take(): Uint8Array[] {
    const bytes = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return Array.from({ length: bytes.length / DIGEST_LENGTH }, (_, index) =>
      bytes.subarray(index * DIGEST_LENGTH, (index + 1) * DIGEST_LENGTH),
    );
  }

  #push({ digests }: Arena, id: number): void {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    const from = id * DIGEST_LENGTH;
    for (let index = 0; index < DIGEST_LENGTH; index++)
      this.#bytes[this.#length + index] = digests[from + index] ?? 0;
    this.#length += DIGEST_LENGTH;
  }
}
