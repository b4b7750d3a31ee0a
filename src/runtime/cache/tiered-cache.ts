import { LRUCache } from "lru-cache";
import type { Clock } from "../../base/clock.ts";
import { AppError, toError } from "../../base/errors.ts";

/** A value in memory; times in milliseconds since the epoch. */
type Held<Value> = { readonly value: Value; readonly loadedAt: number; readonly freshUntil: number };

/** The shared tier: values as Redis holds them. `get` answers undefined for absent or unreadable, and throws when Redis is down. */
export type SharedTier<Value> = {
  get(key: string): Promise<Value | undefined>;
  set(key: string, value: Value): Promise<void>;
  delete(key: string): Promise<void>;
};

/** One row of the table of cached entities. */
export type Entity<Value> = {
  readonly name: string;
  /** How many values the memory tier holds at most. */
  readonly limit: number;
  /** After this age a read asks the next tier again; undefined = the value is pinned by height and never ages. */
  readonly maxAgeMs: number | undefined;
  readonly shared?: SharedTier<Value>;
  /** Reads the chain. Only AppError CHAIN_NOT_FOUND means "does not exist". */
  readonly load: (key: string) => Promise<Value>;
};

export type CacheEvents = {
  readonly hit: (entity: string, tier: "l1" | "l2") => void;
  readonly miss: (entity: string) => void;
  readonly failed: (entity: string, error: Error) => void;
  /** The value of a key changed or went: tell the other processes. */
  readonly changed: (entity: string, key: string) => void;
};

/** A NotFound is believed after so many in a row; a node that lags or restarts answers it too. */
const NOT_FOUND_LIMIT = 3;
/** After a failed reload the value held counts as fresh for so long: a chain that is down is not asked per relay. */
const RETRY_MS = 2_000;

/**
 * Memory over Redis over chain, for one kind of entity. One load a key at a time; an error other than NotFound
 * never evicts: the value held goes on being used while the tiers below are out of reach (architecture 5).
 */
export class TieredCache<Value> {
  readonly entity: Entity<Value>;
  readonly #memory: LRUCache<string, Held<Value>>;
  readonly #loading = new Map<string, Promise<Value>>();
  readonly #notFound: LRUCache<string, number>;
  readonly #generations: LRUCache<string, number>;
  readonly #clock: Clock;
  readonly #events: CacheEvents;
  #cleared = 0;

  constructor(entity: Entity<Value>, clock: Clock, events: CacheEvents) {
    this.entity = entity;
    this.#clock = clock;
    this.#events = events;
    this.#memory = new LRUCache({ max: entity.limit });
    this.#notFound = new LRUCache({ max: entity.limit });
    this.#generations = new LRUCache({ max: entity.limit });
  }

  /** The value; throws CHAIN_NOT_FOUND when the chain says so, or what the chain client threw when nothing is held. */
  async get(key: string): Promise<Value> {
    const held = this.#memory.get(key);
    if (held && this.#clock.now() < held.freshUntil) {
      this.#events.hit(this.entity.name, "l1");
      return held.value;
    }
    return this.#loadOnce(key, held, false);
  }

  /** What memory holds, whatever its age; no I/O. */
  peek(key: string): Value | undefined {
    return this.#memory.get(key)?.value;
  }

  /** Asks the chain now, past both tiers, and stores the answer in both. */
  refresh(key: string): Promise<Value> {
    return this.#loadOnce(key, this.#memory.get(key), true);
  }

  /** Forgets one key, or all: the next read asks the tiers below. A load under way does not bring the old value back. */
  drop(key: string | undefined): number {
    if (key === undefined) {
      const size = this.#memory.size;
      this.#cleared += 1;
      this.#memory.clear();
      this.#loading.clear();
      return size;
    }
    this.#generations.set(key, this.#generation(key) + 1);
    this.#loading.delete(key);
    return this.#memory.delete(key) ? 1 : 0;
  }

  /** Keys in memory with their age in milliseconds, newest first. */
  ages(): { key: string; ageMs: number }[] {
    const now = this.#clock.now();
    return [...this.#memory.entries()].map(([key, held]) => ({ key, ageMs: now - held.loadedAt }));
  }

  get size(): number {
    return this.#memory.size;
  }

  #hold(key: string, value: Value): void {
    const now = this.#clock.now();
    const freshUntil = now + (this.entity.maxAgeMs ?? Number.POSITIVE_INFINITY);
    this.#memory.set(key, { value, loadedAt: now, freshUntil });
  }

  #serveOld(key: string, held: Held<Value>): Value {
    this.#memory.set(key, { ...held, freshUntil: this.#clock.now() + RETRY_MS });
    return held.value;
  }

  #generation(key: string): number {
    return this.#generations.get(key) ?? 0;
  }

  #loadOnce(key: string, held: Held<Value> | undefined, past: boolean): Promise<Value> {
    const running = this.#loading.get(key);
    if (running !== undefined) return running;
    const loading = this.#load(key, held, past).finally(() => {
      if (this.#loading.get(key) === loading) this.#loading.delete(key);
    });
    this.#loading.set(key, loading);
    return loading;
  }

  async #load(key: string, held: Held<Value> | undefined, past: boolean): Promise<Value> {
    const generation = this.#generation(key);
    const cleared = this.#cleared;
    // Whether nobody has invalidated the key since: what this load began to read may be what they want forgotten.
    const isCurrent = () => this.#generation(key) === generation && this.#cleared === cleared;
    const keep = (value: Value): Value => {
      if (isCurrent()) this.#hold(key, value);
      return value;
    };
    const shared = past ? undefined : await this.#readShared(key);
    // A value that memory already held past its age is asked of the chain: the shared copy may be as old.
    if (shared !== undefined && held === undefined) {
      this.#events.hit(this.entity.name, "l2");
      return keep(shared);
    }
    this.#events.miss(this.entity.name);
    try {
      const value = await this.entity.load(key);
      this.#notFound.delete(key);
      if (isCurrent()) await this.#writeShared(key, value);
      return keep(value);
    } catch (thrown) {
      return this.#afterFailure(key, isCurrent() ? held : undefined, toError(thrown));
    }
  }

  async #readShared(key: string): Promise<Value | undefined> {
    try {
      return await this.entity.shared?.get(key);
    } catch (thrown) {
      this.#events.failed(this.entity.name, toError(thrown));
      return undefined;
    }
  }

  async #writeShared(key: string, value: Value): Promise<void> {
    if (!this.entity.shared) return;
    try {
      await this.entity.shared.set(key, value);
      this.#events.changed(this.entity.name, key);
    } catch (thrown) {
      this.#events.failed(this.entity.name, toError(thrown));
    }
  }

  async #afterFailure(key: string, held: Held<Value> | undefined, error: Error): Promise<Value> {
    if (!(error instanceof AppError) || error.code !== "CHAIN_NOT_FOUND") {
      this.#events.failed(this.entity.name, error);
      if (held) return this.#serveOld(key, held);
      throw error;
    }
    const times = (this.#notFound.get(key) ?? 0) + 1;
    this.#notFound.set(key, times);
    if (held && times < NOT_FOUND_LIMIT) return this.#serveOld(key, held);
    if (held) await this.#evict(key);
    throw error;
  }

  async #evict(key: string): Promise<void> {
    this.drop(key);
    try {
      await this.entity.shared?.delete(key);
      this.#events.changed(this.entity.name, key);
    } catch (thrown) {
      this.#events.failed(this.entity.name, toError(thrown));
    }
  }
}
