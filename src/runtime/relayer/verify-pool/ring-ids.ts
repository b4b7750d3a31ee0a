import { LRUCache } from "lru-cache";
import type { PreparedRing } from "../../../chain/protocol/ring/prepare.ts";
import type { NumberedRing } from "./batch.ts";

/**
 * As many rings as a relayer prepares. Both threads hold at most so many and use them in the same order, so they forget the same ones;
 * should they not, the worker says that it does not know the number, and gets the ring again.
 */
export const MAX_RINGS = 5_000;

/** The main thread's half: which rings a worker has, and under which number. */
export class RingIds {
  readonly #known: LRUCache<PreparedRing, NumberedRing>;
  #next = 0;

  constructor(max: number = MAX_RINGS) {
    this.#known = new LRUCache({ max });
  }

  /** The ring with its number, and whether the worker has yet to be sent it. */
  of(ring: PreparedRing, account: string): { numbered: NumberedRing; isNew: boolean } {
    const known = this.#known.get(ring);
    if (known?.account === account) return { numbered: known, isNew: false };
    const numbered = { id: this.#next, ring, account };
    this.#next = (this.#next + 1) % 2 ** 32;
    this.#known.set(ring, numbered);
    return { numbered, isNew: true };
  }

  /** The worker does not have it: the next time it is new. */
  forget(ring: PreparedRing): void {
    this.#known.delete(ring);
  }
}

/** The worker's half. */
export class RingsById {
  readonly #held: LRUCache<number, NumberedRing>;

  constructor(max: number = MAX_RINGS) {
    this.#held = new LRUCache({ max });
  }

  add(ring: NumberedRing): void {
    this.#held.set(ring.id, ring);
  }

  get(id: number): NumberedRing | undefined {
    return this.#held.get(id);
  }
}
