import type { KernelInstance } from "./instance.ts";

/** A comb (assembly/comb.ts) of a point: 4 teeth take 4 KiB and 64 additions a multiple, 8 take 32 KiB and 32, 16 take 4 MiB and 16. */
export type Teeth = 4 | 8 | 16;

const ENTRY_BYTES = 64;
/** What the kernel works with on an entry while it builds a table. */
const WORK_BYTES = 80;
const entriesOf = (teeth: Teeth): number => (32 / teeth) * 2 ** (teeth - 1);
const tableBytes = (teeth: Teeth): number => ENTRY_BYTES * entriesOf(teeth);
/** A reference is an address, which is a multiple of 64, and the teeth. */
const teethOf = (reference: number): number => reference % 64;
const addressOf = (reference: number): number => reference - teethOf(reference);
/** Of the first table of a point. */
const FIRST_TEETH = 4;

/** x of the base point G, then its y (SEC 2, 2.4.1), with the byte that says "uncompressed" in front. */
const BASE_POINT = Uint8Array.from(
  Buffer.from(
    "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8",
    "hex",
  ),
);

/** A point that may have a table. Those that have one are in a list by their last use. */
export class TableOwner {
  /** 0 while there is none. */
  reference = 0;
  /** The call that it was last used in. */
  usedIn = 0;
  older: TableOwner | undefined;
  newer: TableOwner | undefined;
  readonly #lost: () => void;

  /** `lost` is told that the point has no table any more, or could not get one. */
  constructor(lost: () => void) {
    this.#lost = lost;
  }

  lose(): void {
    this.reference = 0;
    this.#lost();
  }
}

export type TableCounts = { tables: number; bytes: number; built: number; evicted: number };

/**
 * The tables of points, at most so many, the least recently used one making room. A table that the present call has asked for stays
 * until the next one.
 *
 * Where tables have 8 teeth, a point's first one has 4, which is built in half the time, and is built anew in its place in a later
 * call, one point a call: the first signature of a ring that nobody has seen would take twice as long if all were made whole at once.
 */
export class Tables {
  readonly #kernel: KernelInstance;
  readonly #teeth: Teeth;
  readonly #work: number;
  readonly #scratch: number;
  readonly #slots: number;
  readonly #most: number;
  #oldest: TableOwner | undefined;
  #newest: TableOwner | undefined;
  /** Slots that have been used, the lowest ones. */
  #used = 0;
  #call = 0;
  /** Whether this call may make a table whole. */
  #mayMakeWhole = true;
  #built = 0;
  #evicted = 0;

  /** `limit` bytes for everything, the base point's table included; `teeth` of the combs of keys. */
  constructor(kernel: KernelInstance, limit: number, teeth: 4 | 8) {
    this.#kernel = kernel;
    this.#teeth = teeth;
    const baseTeeth: Teeth = teeth === 4 ? 8 : 16;
    const base = kernel.exports.free();
    this.#work = base + tableBytes(baseTeeth);
    this.#scratch = this.#work + WORK_BYTES * entriesOf(teeth);
    this.#slots = this.#scratch + kernel.exports.maxJobs() * tableBytes(4);
    this.#most = Math.floor((limit - this.#slots) / tableBytes(teeth));
    // The work on the base's table reaches into the slots, which are not in use yet.
    if (this.#most < 1 || !kernel.reach(this.#work + WORK_BYTES * entriesOf(baseTeeth)))
      throw new RangeError("too little memory for any table");
    kernel.exports.setBase(this.#build(base, baseTeeth, BASE_POINT));
    this.#built = 0;
  }

  /** From here on, tables asked for before may go. */
  nextCall(): void {
    this.#call++;
    this.#mayMakeWhole = true;
  }

  /** Reference of a point's table, built now if there is none; 0 if there is room for none. The point is 65 bytes, uncompressed. */
  of(owner: TableOwner, point: Uint8Array): number {
    if (owner.reference === 0) return this.#give(owner, FIRST_TEETH, point);
    const isWhole = teethOf(owner.reference) === this.#teeth;
    // One that this call has asked for already may not change under it.
    if (!isWhole && this.#mayMakeWhole && owner.usedIn !== this.#call) {
      this.#mayMakeWhole = false;
      owner.reference = this.#build(addressOf(owner.reference), this.#teeth, point);
    }
    return this.use(owner);
  }

  /** The same for a point that has no table yet and that has shown that it is worth a whole one. */
  whole(owner: TableOwner, point: Uint8Array): number {
    return this.#give(owner, this.#teeth, point);
  }

  /** Reference of the table that a point has. */
  use(owner: TableOwner): number {
    if (owner !== this.#newest) {
      this.#takeOut(owner);
      this.#append(owner);
    }
    owner.usedIn = this.#call;
    return owner.reference;
  }

  /** Reference of a small table that lasts for this call only; `index` is below the kernel's number of jobs. */
  passing(index: number, point: Uint8Array): number {
    return this.#build(this.#scratch + index * tableBytes(4), 4, point);
  }

  counts(): TableCounts {
    const tables = this.#used;
    return { tables, bytes: tables * tableBytes(this.#teeth), built: this.#built, evicted: this.#evicted };
  }

  #give(owner: TableOwner, teeth: Teeth, point: Uint8Array): number {
    const address = this.#freeSlot();
    if (address === undefined) {
      owner.lose();
      return 0;
    }
    owner.reference = this.#build(address, teeth, point);
    owner.usedIn = this.#call;
    this.#append(owner);
    return owner.reference;
  }

  /** Address of a slot that nobody has, or that the table used longest ago had. */
  #freeSlot(): number | undefined {
    const address = this.#slots + this.#used * tableBytes(this.#teeth);
    if (this.#used < this.#most && this.#kernel.reach(address + tableBytes(this.#teeth))) {
      this.#used++;
      return address;
    }
    const oldest = this.#oldest;
    if (oldest === undefined || oldest.usedIn === this.#call) return undefined;
    const taken = addressOf(oldest.reference);
    this.#takeOut(oldest);
    oldest.lose();
    this.#evicted++;
    return taken;
  }

  #append(owner: TableOwner): void {
    owner.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = owner;
    else this.#newest.newer = owner;
    this.#newest = owner;
  }

  #takeOut(owner: TableOwner): void {
    const { older, newer } = owner;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    owner.older = undefined;
    owner.newer = undefined;
  }

  #build(address: number, teeth: Teeth, point: Uint8Array): number {
    const { exports, bytes } = this.#kernel;
    bytes.set(point.subarray(1), exports.exchange());
    exports.build(address + teeth, this.#work);
    this.#built++;
    return address + teeth;
  }
}
