/** Slots of a session's first page; each further page has twice as many, up to the largest. */
const FIRST_SLOTS = 4_096;
const LARGEST_SLOTS = 1 << 20;
/** A page takes so much of its slots: fuller ones are slow to search. */
const FULL = 0.75;
const SLOT_BYTES = 8;

/** An empty slot is 0 and 0, one whose id was taken back 0 and 1; the first half of an id is never 0. */
const REMOVED = 1;

type Page = {
  readonly sessionEnd: bigint;
  readonly slots: Uint32Array;
  /** Slots that are not empty, those of removed ids included. */
  used: number;
  ids: number;
};

/** The pages of the sessions that end at one height, the newest last. */
type Generation = { readonly pages: Page[]; readonly lastHeight: bigint };

/**
 * A set of 64-bit ids per session end, in flat arrays of 8 bytes an id and at most twice that again for room. A session's ids go when it is
 * over; when all of them together need more than `maxBytes`, the oldest page goes, and what was in it is counted as forgotten.
 * Ids are the first 8 bytes of hashes: two of a million relays are taken for one another once in 36 million sessions.
 */
export class SeenIds {
  readonly #maxBytes: number;
  readonly #largest: number;
  readonly #generations = new Map<bigint, Generation>();
  /** All pages, the oldest first. */
  readonly #pages: Page[] = [];
  #bytes = 0;
  #forgotten = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    // Half of the memory at most, so that there is always another page beside the newest one.
    const fitting = 2 ** Math.floor(Math.log2(maxBytes / SLOT_BYTES / 4));
    this.#largest = Math.max(1, Math.min(LARGEST_SLOTS, fitting));
  }

  get size(): number {
    return this.#pages.reduce((sum, { ids }) => sum + ids, 0);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Ids that had to go for lack of memory, while their session ran. */
  get forgotten(): number {
    return this.#forgotten;
  }

  has(id: Uint8Array, sessionEnd: bigint): boolean {
    const generation = this.#generations.get(sessionEnd);
    return generation !== undefined && find(generation.pages, highOf(id), lowOf(id)) !== undefined;
  }

  /** Adds an id; false when it was there. `lastHeight` is the last one at which a relay of that session is taken. */
  add(id: Uint8Array, sessionEnd: bigint, lastHeight: bigint): boolean {
    const generation = this.#generationOf(sessionEnd, lastHeight);
    const [high, low] = [highOf(id), lowOf(id)];
    if (find(generation.pages, high, low) !== undefined) return false;
    const page = this.#pageWithRoom(generation, sessionEnd);
    put(page, high, low);
    return true;
  }

  /** Takes an id back; nothing happens when it is not there. */
  remove(id: Uint8Array, sessionEnd: bigint): void {
    const generation = this.#generations.get(sessionEnd);
    const found = generation && find(generation.pages, highOf(id), lowOf(id));
    if (found === undefined) return;
    found.page.slots[found.at] = 0;
    found.page.slots[found.at + 1] = REMOVED;
    found.page.ids -= 1;
  }

  /** Drops the sessions of which no relay is taken at `height` any more. */
  reached(height: bigint): void {
    for (const [sessionEnd, { lastHeight }] of this.#generations) {
      if (lastHeight >= height) continue;
      this.#generations.delete(sessionEnd);
      for (let index = this.#pages.length - 1; index >= 0; index--)
        if (this.#pages[index]?.sessionEnd === sessionEnd)
          this.#bytes -= bytesOf(this.#pages.splice(index, 1));
    }
  }

  #generationOf(sessionEnd: bigint, lastHeight: bigint): Generation {
    const known = this.#generations.get(sessionEnd);
    if (known !== undefined) return known;
    const made = { pages: [], lastHeight };
    this.#generations.set(sessionEnd, made);
    return made;
  }

  #pageWithRoom({ pages }: Generation, sessionEnd: bigint): Page {
    const newest = pages.at(-1);
    if (newest !== undefined && newest.used < (newest.slots.length / 2) * FULL) return newest;
    const wanted = newest === undefined ? FIRST_SLOTS : newest.slots.length;
    const slots = Math.min(wanted, this.#largest);
    this.#makeRoom(slots * SLOT_BYTES);
    const page: Page = { sessionEnd, slots: new Uint32Array(slots * 2), used: 0, ids: 0 };
    pages.push(page);
    this.#pages.push(page);
    this.#bytes += slots * SLOT_BYTES;
    return page;
  }

  #makeRoom(bytes: number): void {
    while (this.#bytes + bytes > this.#maxBytes) {
      const oldest = this.#pages.shift();
      if (oldest === undefined) return;
      this.#bytes -= oldest.slots.byteLength;
      this.#forgotten += oldest.ids;
      this.#generations.get(oldest.sessionEnd)?.pages.shift();
    }
  }
}

const bytesOf = (pages: readonly Page[]): number =>
  pages.reduce((sum, { slots }) => sum + slots.byteLength, 0);

/** Not 0, or it would be taken for no id. */
const highOf = (id: Uint8Array): number => (wordAt(id, 0) | 1) >>> 0;
const lowOf = (id: Uint8Array): number => wordAt(id, 4);

const wordAt = (id: Uint8Array, at: number): number =>
  (((id[at] ?? 0) << 24) | ((id[at + 1] ?? 0) << 16) | ((id[at + 2] ?? 0) << 8) | (id[at + 3] ?? 0)) >>> 0;

function find(pages: readonly Page[], high: number, low: number): { page: Page; at: number } | undefined {
  for (let index = pages.length - 1; index >= 0; index--) {
    const page = pages[index];
    const at = page === undefined ? -1 : placeOf(page.slots, high, low);
    if (page !== undefined && at >= 0) return { page, at };
  }
  return undefined;
}

/** Where an id is in a page, or -1. There is always an empty slot, so the search ends. */
function placeOf(slots: Uint32Array, high: number, low: number): number {
  const mask = slots.length - 1;
  for (let at = (low * 2) & mask; ; at = (at + 2) & mask) {
    if (slots[at] === high && slots[at + 1] === low) return at;
    if (slots[at] === 0 && slots[at + 1] === 0) return -1;
  }
}

/** Into the first slot that no id has. */
function put(page: Page, high: number, low: number): void {
  const { slots } = page;
  const mask = slots.length - 1;
  let at = (low * 2) & mask;
  while (slots[at] !== 0) at = (at + 2) & mask;
  if (slots[at + 1] === 0) page.used += 1;
  slots[at] = high;
  slots[at + 1] = low;
  page.ids += 1;
}
