import { isDeepStrictEqual } from "node:util";
import { LRUCache } from "lru-cache";
import type { Clock } from "../../base/clock.ts";
import { AppError, toError } from "../../base/errors.ts";
import type { Ahead } from "./ahead.ts";

/** A value in memory; times in milliseconds of the monotonic clock: a wall clock that is set back would keep it for ever. */
type Held<Value> = {
  readonly value: Value;
  readonly loadedAt: number;
  /** From then on a read has it loaded again and does not wait. */
  readonly aheadFrom: number;
  /** From then on a read waits for that. */
  readonly freshUntil: number;
};

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
  /** A value was served that is so many milliseconds older than it should be: the tiers below do not keep up. */
  readonly late: (entity: string, ms: number) => void;
  /** A value was not read again ahead of its age, since too many others were being read. */
  readonly skipped: (entity: string) => void;
  /** The value of a key changed or went: tell the other processes. */
  readonly changed: (entity: string, key: string) => void;
};

/** A NotFound is believed after so many in a row; a node that lags or restarts answers it too. */
const NOT_FOUND_LIMIT = 3;
/** The part of its age after which a value that is read is loaded again: what is in use never comes of age, so no relay waits for it. */
const AHEAD = 0.75;
/** What found no place among those that are read ahead is tried again no sooner than this. */
const SKIP_MS = 1_000;
/** After a failed reload the value held counts as fresh for so long: a chain that is down is not asked per relay. */
const RETRY_MS = 2_000;
/** A reload that takes longer than this goes on without its readers, which get the value held: a chain that hangs holds up no relay. */
const PATIENCE_MS = 1_000;

type Loading<Value> = { readonly value: Promise<Value>; readonly startedAt: number; readonly past: boolean };

/**
 * Memory over Redis over chain, for one kind of entity. One load a key at a time; an error other than NotFound
 * never evicts: the value held goes on being used while the tiers below are out of reach (architecture 5).
 */
export class TieredCache<Value> {
  readonly entity: Entity<Value>;
  readonly #memory: LRUCache<string, Held<Value>>;
  readonly #loading = new Map<string, Loading<Value>>();
  readonly #notFound: LRUCache<string, number>;
  readonly #generations: LRUCache<string, number>;
  readonly #clock: Clock;
  readonly #events: CacheEvents;
  readonly #ahead: Ahead;
  #cleared = 0;

  /** `ahead` is shared by all caches of a process. */
  constructor(entity: Entity<Value>, clock: Clock, events: CacheEvents, ahead: Ahead) {
    this.#ahead = ahead;
    this.entity = entity;
    this.#clock = clock;
    this.#events = events;
    this.#memory = new LRUCache({ max: entity.limit });
    this.#notFound = new LRUCache({ max: entity.limit });
    this.#generations = new LRUCache({ max: entity.limit });
  }

  /**
   * The value; throws CHAIN_NOT_FOUND when the chain says so, or what the chain client threw when nothing is held. A value past its age
   * is what is answered when the tiers below say nothing for PATIENCE_MS.
   */
  async get(key: string): Promise<Value> {
    const held = this.#memory.get(key);
    const now = this.#clock.monotonic();
    if (held && now < held.freshUntil) {
      if (now >= held.aheadFrom && !this.#loading.has(key)) this.#readAhead(key, held, now);
      this.#events.hit(this.entity.name, "l1");
      this.#tellAge(held, now);
      return held.value;
    }
    const loading = this.#loadOnce(key, held, false);
    return held === undefined ? loading.value : this.#inTimeOr(held, loading);
  }

  #readAhead(key: string, held: Held<Value>, now: number): void {
    if (this.#ahead.start(() => this.#loadOnce(key, held, false).value)) return;
    this.#events.skipped(this.entity.name);
    this.#memory.set(key, { ...held, aheadFrom: now + SKIP_MS });
  }

  #tellAge({ loadedAt }: Held<Value>, now: number): void {
    const late = now - loadedAt - (this.entity.maxAgeMs ?? Number.POSITIVE_INFINITY);
    if (late > 0) this.#events.late(this.entity.name, late);
  }

  /** What memory holds, whatever its age; no I/O. */
  peek(key: string): Value | undefined {
    return this.#memory.get(key)?.value;
  }

  /** Asks the chain now, past both tiers, and stores the answer in both. */
  refresh(key: string): Promise<Value> {
    return this.#loadOnce(key, this.#memory.get(key), true).value;
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

  /** Makes every value that ages be asked for again at its next read; it goes on being used where the tiers below say nothing. */
  expire(): void {
    if (this.entity.maxAgeMs === undefined) return;
    for (const [key, held] of [...this.#memory.entries()].reverse())
      this.#memory.set(key, { ...held, aheadFrom: 0, freshUntil: 0 });
  }

  /** Keys in memory with their age in milliseconds, the last used first. */
  ages(most = Number.POSITIVE_INFINITY): { key: string; ageMs: number }[] {
    const now = this.#clock.monotonic();
    const ages: { key: string; ageMs: number }[] = [];
    for (const [key, held] of this.#memory.entries()) {
      if (ages.length >= most) break;
      ages.push({ key, ageMs: now - held.loadedAt });
    }
    return ages;
  }

  get size(): number {
    return this.#memory.size;
  }

  #hold(key: string, value: Value): void {
    const now = this.#clock.monotonic();
    const age = this.entity.maxAgeMs ?? Number.POSITIVE_INFINITY;
    this.#memory.set(key, { value, loadedAt: now, aheadFrom: now + age * AHEAD, freshUntil: now + age });
  }

  #serveOld(key: string, held: Held<Value>): Value {
    const again = this.#clock.monotonic() + RETRY_MS;
    this.#memory.set(key, { ...held, aheadFrom: again, freshUntil: again });
    return held.value;
  }

  #generation(key: string): number {
    return this.#generations.get(key) ?? 0;
  }

  /** One load a key at a time; but one that may answer from the shared tier is not enough for who wants the chain's word. */
  #loadOnce(key: string, held: Held<Value> | undefined, past: boolean): Loading<Value> {
    const running = this.#loading.get(key);
    if (running !== undefined && (running.past || !past)) return running;
    // What the slower one of the two brings must not replace what this one does.
    if (running !== undefined) this.#generations.set(key, this.#generation(key) + 1);
    const value = this.#load(key, held, past).finally(() => {
      if (this.#loading.get(key) === loading) this.#loading.delete(key);
    });
    // Whoever waits is told; a load that nobody waits for any more must not end the process.
    value.catch(() => undefined);
    const loading = { value, startedAt: this.#clock.monotonic(), past };
    this.#loading.set(key, loading);
    return loading;
  }

  async #inTimeOr(held: Held<Value>, { value, startedAt }: Loading<Value>): Promise<Value> {
    const now = this.#clock.monotonic();
    const patience = startedAt + PATIENCE_MS - now;
    if (patience <= 0) {
      this.#tellAge(held, now);
      return held.value;
    }
    const answered = new AbortController();
    const old = this.#clock.sleep(patience, answered.signal).then(() => held.value);
    try {
      return await Promise.race([value, old]);
    } finally {
      answered.abort();
    }
  }

  async #load(key: string, held: Held<Value> | undefined, past: boolean): Promise<Value> {
    const generation = this.#generation(key);
    const cleared = this.#cleared;
    // Whether nobody has invalidated the key since: what this load began to read may be what they want forgotten.
    const isCurrent = () => this.#generation(key) === generation && this.#cleared === cleared;
    // A value that memory already held past its age is asked of the chain: the shared copy may be as old.
    const shared = past || held !== undefined ? undefined : await this.#readShared(key);
    if (shared !== undefined) {
      this.#events.hit(this.entity.name, "l2");
      if (isCurrent()) this.#hold(key, shared);
      return shared;
    }
    this.#events.miss(this.entity.name);
    try {
      const value = await this.entity.load(key);
      this.#notFound.delete(key);
      if (!isCurrent()) return value;
      this.#hold(key, value);
      await this.#share(key, value, { isNew: !isDeepStrictEqual(held?.value, value), isCurrent });
      return value;
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

  /** The others are told of what is new to them only: an unchanged value that is read again would make the whole fleet read again. */
  async #share(
    key: string,
    value: Value,
    { isNew, isCurrent }: { readonly isNew: boolean; readonly isCurrent: () => boolean },
  ): Promise<void> {
    const { name, shared } = this.entity;
    if (!shared) return;
    try {
      await shared.set(key, value);
      // Invalidated while it was on its way: what was just written is what they want forgotten.
      if (!isCurrent()) await shared.delete(key);
      else if (isNew) this.#events.changed(name, key);
    } catch (thrown) {
      this.#events.failed(name, toError(thrown));
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
