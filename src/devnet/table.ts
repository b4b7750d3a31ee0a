/** A keyed collection inside a state. Values are never changed in place: put a new one. */
export type Table<V> = {
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  delete(key: string): void;
  /** Ascending by code units, which is byte order for the ASCII keys in use here. */
  keys(prefix?: string, suffix?: string): readonly string[];
  /** In the order of the keys. */
  values(prefix?: string): readonly V[];
};

/** A key part that sorts as the number does; for heights and nanoseconds, not negative. */
export const sortable = (value: bigint): string => value.toString().padStart(20, "0");

const byCodeUnits = (left: string, right: string): number => {
  if (left === right) return 0;
  return left < right ? -1 : 1;
};

const NOTHING: unique symbol = Symbol("deleted");
type Entry<V> = V | typeof NOTHING;

/** Changes over another table, which stays as it is until `commit`. */
export class Overlay<V> implements Table<V> {
  readonly #below: Table<V>;
  readonly #changes = new Map<string, Entry<V>>();

  constructor(below: Table<V>) {
    this.#below = below;
  }

  get(key: string): V | undefined {
    const changed = this.#changes.get(key);
    if (changed === undefined) return this.#below.get(key);
    return changed === NOTHING ? undefined : (changed as V);
  }

  set(key: string, value: V): void {
    this.#changes.set(key, value);
  }

  delete(key: string): void {
    this.#changes.set(key, NOTHING);
  }

  keys(prefix = "", suffix = ""): readonly string[] {
    const below = this.#below.keys(prefix, suffix);
    const changed = [...this.#changes.keys()].filter((key) => key.startsWith(prefix) && key.endsWith(suffix));
    if (changed.length === 0) return below;
    const all = new Set(below);
    for (const key of changed)
      if (this.#changes.get(key) === NOTHING) all.delete(key);
      else all.add(key);
    return [...all].sort(byCodeUnits);
  }

  values(prefix = ""): readonly V[] {
    return valuesOf(this, prefix);
  }

  /** Writes the changes into the table below. */
  commit(): void {
    for (const [key, entry] of this.#changes)
      if (entry === NOTHING) this.#below.delete(key);
      else this.#below.set(key, entry as V);
    this.#changes.clear();
  }
}

type Version<V> = { readonly height: bigint; readonly entry: Entry<V> };

/**
 * The bottom table: every key with the values it had, so that a past height can be read. Only what changes costs room.
 * Writes belong to the height given to `open`.
 */
export class VersionedTable<V> implements Table<V> {
  readonly #versions = new Map<string, Version<V>[]>();
  readonly #touched = new Map<bigint, Set<string>>();
  /** Keys of every version, and those that exist now; made when asked for. */
  #sorted: readonly string[] | undefined;
  #sortedNow: readonly string[] | undefined;
  #height = 0n;

  /** From now on writes belong to this height. */
  open(height: bigint): void {
    this.#height = height;
  }

  get(key: string): V | undefined {
    const newest = this.#versions.get(key)?.at(-1);
    return newest === undefined || newest.entry === NOTHING ? undefined : (newest.entry as V);
  }

  set(key: string, value: V): void {
    this.#put(key, value);
  }

  delete(key: string): void {
    if (this.#versions.has(key)) this.#put(key, NOTHING);
  }

  keys(prefix = "", suffix = ""): readonly string[] {
    this.#sortedNow ??= this.#allKeys().filter((key) => this.get(key) !== undefined);
    const found = withPrefix(this.#sortedNow, prefix);
    return suffix === "" ? found : found.filter((key) => key.endsWith(suffix));
  }

  values(prefix = ""): readonly V[] {
    return valuesOf(this, prefix);
  }

  /** The table as it was after the block of that height; not to be written to. */
  at(height: bigint): Table<V> {
    const get = (key: string) => this.#getAt(key, height);
    const keys = (prefix = "", suffix = "") =>
      withPrefix(this.#allKeys(), prefix).filter((key) => key.endsWith(suffix) && get(key) !== undefined);
    const values = (prefix = "") => valuesOf({ get, keys }, prefix);
    return { get, keys, values, set: readOnly, delete: readOnly };
  }

  /** Forgets what only heights below `oldest` need. */
  prune(oldest: bigint): void {
    for (const [height, keys] of this.#touched) {
      if (height > oldest) break;
      for (const key of keys) this.#pruneKey(key, oldest);
      this.#touched.delete(height);
    }
  }

  #put(key: string, entry: Entry<V>): void {
    const versions = this.#versions.get(key);
    if ((this.get(key) === undefined) !== (entry === NOTHING)) this.#sortedNow = undefined;
    const next: Version<V> = { height: this.#height, entry };
    if (versions === undefined) {
      this.#versions.set(key, [next]);
      this.#sorted = undefined;
    } else if (versions.at(-1)?.height === this.#height) versions[versions.length - 1] = next;
    else versions.push(next);
    const touched = this.#touched.get(this.#height);
    if (touched) touched.add(key);
    else this.#touched.set(this.#height, new Set([key]));
  }

  #getAt(key: string, height: bigint): V | undefined {
    const version = this.#versions.get(key)?.findLast((candidate) => candidate.height <= height);
    return version === undefined || version.entry === NOTHING ? undefined : (version.entry as V);
  }

  #allKeys(): readonly string[] {
    this.#sorted ??= [...this.#versions.keys()].sort(byCodeUnits);
    return this.#sorted;
  }

  #pruneKey(key: string, oldest: bigint): void {
    const versions = this.#versions.get(key);
    if (versions === undefined) return;
    const needed = versions.findLastIndex((version) => version.height <= oldest);
    if (needed > 0) versions.splice(0, needed);
    if (versions.length === 1 && versions[0]?.entry === NOTHING && versions[0].height <= oldest) {
      this.#versions.delete(key);
      this.#sorted = undefined;
    }
  }
}

function withPrefix(sorted: readonly string[], prefix: string): readonly string[] {
  if (prefix === "") return sorted;
  const from = firstAtLeast(sorted, prefix);
  let until = from;
  while (sorted[until]?.startsWith(prefix)) until++;
  return sorted.slice(from, until);
}

function firstAtLeast(sorted: readonly string[], key: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? "") < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function valuesOf<V>(table: Pick<Table<V>, "get" | "keys">, prefix: string): readonly V[] {
  return table.keys(prefix).flatMap((key) => {
    const value = table.get(key);
    return value === undefined ? [] : [value];
  });
}

function readOnly(): never {
  throw new TypeError("a past state cannot be changed");
}
