import type { RingMember } from "../prepare.ts";
import { TableOwner } from "./tables.ts";

/** A member's two points: its public key and that key's hash to the curve. */
export type KeyTables = { readonly point: TableOwner; readonly hash: TableOwner };

type Entry = KeyTables & { isHeld: boolean };

const MOST_SEEN_ONCE = 10_000;

/** 33 bytes as a key of a map. */
const nameOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");

/**
 * Which points have tables. A gateway's key is in the rings of all its applications, and has one entry. Holds no more than the tables
 * do: an entry goes with its last table.
 */
export class KeyTableIndex {
  readonly #keys = new Map<string, Entry>();
  readonly #images = new Map<string, TableOwner>();
  /** Images of one good signature. */
  readonly #seenOnce = new Set<string>();
  /** Saves naming a member again. */
  readonly #known = new WeakMap<RingMember, Entry>();

  /** The owners of a member's tables, which are about to be asked for. */
  of(member: RingMember): KeyTables {
    const known = this.#known.get(member);
    if (known?.isHeld) return known;
    const name = nameOf(member.publicKey);
    const entry = this.#keys.get(name) ?? this.#newEntry(name);
    this.#known.set(member, entry);
    return entry;
  }

  /** The owner of a key image's table; undefined if the image has none. */
  image(bytes: Uint8Array): TableOwner | undefined {
    return this.#images.get(nameOf(bytes));
  }

  /**
   * A key image without a table was in a good signature. The second time it gets one, which the caller builds: the owner that it is
   * for, else undefined.
   */
  proven(bytes: Uint8Array): TableOwner | undefined {
    const name = nameOf(bytes);
    if (this.#images.has(name)) return undefined;
    if (!this.#seenOnce.delete(name)) {
      if (this.#seenOnce.size === MOST_SEEN_ONCE) this.#seenOnce.clear();
      this.#seenOnce.add(name);
      return undefined;
    }
    const owner = new TableOwner(() => this.#images.delete(name));
    this.#images.set(name, owner);
    return owner;
  }

  #newEntry(name: string): Entry {
    const lost = () => {
      if (point.reference !== 0 || hash.reference !== 0) return;
      entry.isHeld = false;
      this.#keys.delete(name);
    };
    const point = new TableOwner(lost);
    const hash = new TableOwner(lost);
    const entry: Entry = { point, hash, isHeld: true };
    this.#keys.set(name, entry);
    return entry;
  }
}
