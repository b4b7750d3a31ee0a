import { DIGEST_LENGTH, PATH_LENGTH, type PathAt } from "./nodes.ts";

/** Kinds of nodes. A lazy node is one that only its digest is known of; an extension is a run of inner nodes with one empty side each. */
export const LEAF = 1;
export const INNER = 2;
export const EXTENSION = 3;
export const LAZY = 4;

/** The id of no node. Its digest is the placeholder, so an empty side needs no case of its own where digests are read. */
export const NONE = 0;

const KIND = 7;
const PERSISTED = 8;
const HASHED = 16;
const START_SHIFT = 8;
const END_SHIFT = 16;
const BYTE = 0xff;

/** What a leaf holds beside its path: the relay, which is not copied, and its weight. */
export type Payload = { readonly value: Uint8Array; readonly weight: bigint };

/** Links of a node: its kind and marks, then two numbers that mean something else for each kind. */
const LINKS = 3;
const FEWEST = 8;

/** Where the root's id stands: in the first link of no node. */
export const ROOT_LINK = 1;

/** The link to a child of an inner node (`bit` 0 left, 1 right) or of an extension (0). */
export const childLink = (id: number, bit: number): number => id * LINKS + 1 + bit;

/**
 * The nodes of one trie as numbers in flat arrays: an object for each would cost five times as much memory and time. A node is its id;
 * its slot is used again once it is freed. Arrays are replaced when they grow, so they must be read anew after a node was made.
 *
 * | kind | first link | second link |
 * |---|---|---|
 * | leaf | its payload, 0 when memory has none | its path |
 * | inner | left child | right child |
 * | extension | child | its path |
 * | freed | next freed node | - |
 */
export class Arena {
  links: Int32Array = new Int32Array(FEWEST * LINKS);
  /** 48 bytes a node; valid where it is marked as hashed. */
  digests: Uint8Array = new Uint8Array(FEWEST * DIGEST_LENGTH);
  /** The same memory. */
  words: Int32Array = new Int32Array(this.digests.buffer);
  view: DataView = new DataView(this.digests.buffer);
  /** 32 bytes a path: those of leaves and extensions. */
  paths: Uint8Array = new Uint8Array(FEWEST * PATH_LENGTH);
  /** What is in the leaves that are not committed, or whose payload is kept. */
  readonly #payloads: (Payload | undefined)[] = [undefined];
  readonly #freePayloads: number[] = [];
  readonly #freePaths: number[] = [];
  #freeNode = NONE;
  #nodes = 1;
  #pathsUsed = 0;
  /** Number of lazy nodes: without any, the whole trie is in memory. */
  lazies = 0;

  /** Bytes of memory that nodes and paths take, payloads not counted. */
  get bytes(): number {
    return this.#nodes * (LINKS * 4 + DIGEST_LENGTH) + this.#pathsUsed * PATH_LENGTH;
  }

  get root(): number {
    return this.links[ROOT_LINK] ?? NONE;
  }

  kind(id: number): number {
    return (this.links[id * LINKS] ?? 0) & KIND;
  }

  child(id: number, bit: number): number {
    return this.links[childLink(id, bit)] ?? NONE;
  }

  /** The path of a leaf or an extension; only an extension's bits from start to before end mean something. */
  pathAt(id: number): PathAt {
    return { bytes: this.paths, offset: this.pathOffset(id) };
  }

  pathOffset(id: number): number {
    return (this.links[id * LINKS + 2] ?? 0) * PATH_LENGTH;
  }

  path(id: number): Uint8Array {
    const offset = this.pathOffset(id);
    return this.paths.slice(offset, offset + PATH_LENGTH);
  }

  /** The bits that an extension stands for: from `start` to before `end`. */
  start(id: number): number {
    return ((this.links[id * LINKS] ?? 0) >> START_SHIFT) & BYTE;
  }

  end(id: number): number {
    return ((this.links[id * LINKS] ?? 0) >> END_SHIFT) & BYTE;
  }

  setStart(id: number, start: number): void {
    const marks = (this.links[id * LINKS] ?? 0) & ~(BYTE << START_SHIFT);
    this.links[id * LINKS] = marks | (start << START_SHIFT);
  }

  /** Whether the store has, or was told to write, this very node. */
  isPersisted(id: number): boolean {
    return ((this.links[id * LINKS] ?? 0) & PERSISTED) !== 0;
  }

  isHashed(id: number): boolean {
    return id === NONE || ((this.links[id * LINKS] ?? 0) & HASHED) !== 0;
  }

  markHashed(id: number): void {
    this.links[id * LINKS] = (this.links[id * LINKS] ?? 0) | HASHED;
  }

  markPersisted(id: number): void {
    this.links[id * LINKS] = (this.links[id * LINKS] ?? 0) | PERSISTED;
  }

  /** The node has changed: neither its digest nor the store's form of it are its own any more. */
  markChanged(id: number): void {
    this.links[id * LINKS] = (this.links[id * LINKS] ?? 0) & ~(PERSISTED | HASHED);
  }

  digest(id: number): Uint8Array {
    return this.digests.slice(id * DIGEST_LENGTH, (id + 1) * DIGEST_LENGTH);
  }

  payload(id: number): Payload | undefined {
    return this.#payloads[this.child(id, 0)];
  }

  dropPayload(id: number): void {
    const payload = this.child(id, 0);
    if (payload === 0) return;
    this.#payloads[payload] = undefined;
    this.#freePayloads.push(payload);
    this.links[childLink(id, 0)] = 0;
  }

  newLeaf(path: PathAt, payload: Payload): number {
    const id = this.#take();
    const slot = this.#freePayloads.pop() ?? this.#payloads.length;
    this.#payloads[slot] = payload;
    this.#set(id, LEAF, slot, this.#newPath(path));
    return id;
  }

  newInner(left: number, right: number): number {
    const id = this.#take();
    this.#set(id, INNER, left, right);
    return id;
  }

  newExtension(path: PathAt, start: number, end: number, child: number): number {
    const id = this.#take();
    this.#set(id, EXTENSION | (start << START_SHIFT) | (end << END_SHIFT), child, this.#newPath(path));
    return id;
  }

  /** A node known by its digest; the placeholder stands for none. */
  newLazy(digest: Uint8Array): number {
    if (digest.every((byte) => byte === 0)) return NONE;
    const id = this.#take();
    this.#set(id, LAZY | PERSISTED | HASHED, 0, 0);
    this.digests.set(digest, id * DIGEST_LENGTH);
    this.lazies++;
    return id;
  }

  /** What a lazy node is, now that it was read. Its payload, if it is a leaf, is not kept. */
  fillLeaf(id: number, path: PathAt): void {
    this.#fill(id, LEAF, 0, this.#newPath(path));
  }

  fillInner(id: number, left: Uint8Array, right: Uint8Array): void {
    const first = this.newLazy(left);
    this.#fill(id, INNER, first, this.newLazy(right));
  }

  fillExtension(id: number, path: PathAt, [start, end]: readonly [number, number], child: Uint8Array): void {
    const first = this.newLazy(child);
    const marks = EXTENSION | (start << START_SHIFT) | (end << END_SHIFT);
    this.#fill(id, marks, first, this.#newPath(path));
  }

  /** A loaded node is no longer part of the trie; what lies below it is not touched. */
  free(id: number): void {
    const kind = this.kind(id);
    if (kind === LEAF) this.dropPayload(id);
    if (kind === LEAF || kind === EXTENSION) this.#freePaths.push(this.links[id * LINKS + 2] ?? 0);
    this.#set(id, 0, this.#freeNode, 0);
    this.#freeNode = id;
  }

  #fill(id: number, marks: number, first: number, second: number): void {
    this.lazies--;
    this.#set(id, marks | PERSISTED | HASHED, first, second);
  }

  #set(id: number, marks: number, first: number, second: number): void {
    const at = id * LINKS;
    this.links[at] = marks;
    this.links[at + 1] = first;
    this.links[at + 2] = second;
  }

  #take(): number {
    const freed = this.#freeNode;
    if (freed !== NONE) {
      this.#freeNode = this.child(freed, 0);
      return freed;
    }
    if (this.#nodes * LINKS === this.links.length) this.#grow();
    return this.#nodes++;
  }

  #grow(): void {
    this.links = doubled(this.links);
    this.digests = doubled(this.digests);
    this.words = new Int32Array(this.digests.buffer);
    this.view = new DataView(this.digests.buffer);
  }

  #newPath({ bytes, offset }: PathAt): number {
    const slot = this.#freePaths.pop() ?? this.#pathsUsed++;
    if (slot * PATH_LENGTH === this.paths.length) this.paths = doubled(this.paths);
    const at = slot * PATH_LENGTH;
    for (let index = 0; index < PATH_LENGTH; index++) this.paths[at + index] = bytes[offset + index] ?? 0;
    return slot;
  }
}

function doubled<A extends Int32Array | Uint8Array>(array: A): A {
  const larger = new (array.constructor as new (length: number) => A)(array.length * 2);
  larger.set(array);
  return larger;
}
