import { type Clock, repeat } from "../../base/clock.ts";
import type { Closable } from "../../base/close-stack.ts";
import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { Lease, Leases } from "../redis/leases.ts";
import type { MinerMetrics } from "./metrics.ts";

type Options = {
  readonly leases: Leases;
  readonly instance: string;
  /** Every supplier whose key is held here, as of now. */
  readonly suppliers: () => readonly string[];
  readonly ttlMs: number;
  readonly renewMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MinerMetrics;
  /** The supplier is ours: begin. */
  readonly onAcquired: (lease: Lease) => void;
  /** It is ours no more, or soon: nothing may be started from the call on; all work on it has ended when this resolves. */
  readonly onLost: (supplier: string) => Promise<void>;
};

type Held = {
  readonly lease: Lease;
  /** Monotonic time until which Redis cannot have given it to another. */
  until: number;
};

/** A supplier that nobody else wanted stays with us for so many lease times before it is offered again. */
const KEEP_FOR = 100;

/**
 * Which suppliers this miner works for (mining-path 7.7): one lease each, renewed in time or given up before it runs out. Miners share
 * the suppliers evenly; a free one is taken within a renewal, a surplus is handed back, and what nobody took for a whole lease time is
 * taken all the same (miners need not hold the same keys). Correctness does not depend on any of it: every write script compares the
 * lease's epoch.
 */
export class Ownership implements Closable {
  readonly #options: Options;
  readonly #held = new Map<string, Held>();
  /** Monotonic times: since when a supplier has no owner; until when one that nobody wanted is ours beyond our share. */
  readonly #freeSince = new Map<string, number>();
  readonly #kept = new Map<string, number>();
  readonly #ending = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  /** A lease is given up so long before it runs out. */
  readonly #marginMs: number;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: Options) {
    this.#options = options;
    this.#marginMs = Math.min(options.renewMs, options.ttlMs - options.renewMs) / 2;
  }

  async start(): Promise<void> {
    const { clock, renewMs, logger } = this.#options;
    const { signal } = this.#stop;
    const onError = (thrown: unknown) =>
      logger.warn({ error: toError(thrown).message }, "leases could not be renewed");
    await this.#turn().catch(onError);
    this.#running = Promise.all([
      clock
        .sleep(renewMs, signal)
        .then(() => repeat(clock, { everyMs: renewMs, signal, onError }, () => this.#turn())),
      // By itself: a turn that waits for a Redis that does not answer must not be waited for.
      repeat(clock, { everyMs: this.#marginMs / 2, signal, onError }, async () => this.#dropExpiring()),
    ]);
  }

  owned(): readonly string[] {
    return [...this.#held.keys()];
  }

  /** Whether the lease is ours by the clock: Redis cannot have given it to another yet. */
  holds(lease: Lease): boolean {
    const held = this.#held.get(lease.of);
    return held !== undefined && held.lease === lease && this.#options.clock.monotonic() < held.until;
  }

  /** A write was refused because the lease is another's. Of an earlier lease's writes nothing follows. */
  fenced(lease: Lease): void {
    if (this.#held.get(lease.of)?.lease !== lease) return;
    this.#options.logger.warn({ supplier: lease.of }, "another miner has taken this supplier");
    this.#lose(lease.of);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    for (const [supplier, { lease }] of [...this.#held]) this.#giveUp(supplier, lease);
    await Promise.all(this.#ending);
    await this.#options.leases.withdraw().catch(() => undefined);
  }

  async #turn(): Promise<void> {
    const { leases, ttlMs, metrics, instance } = this.#options;
    await leases.announce(ttlMs);
    await Promise.all([...this.#held.values()].map((held) => this.#renew(held)));
    this.#dropUnheld();
    const share = await this.#share();
    this.#handBack(share);
    await this.#takeUpTo(share);
    await this.#takeUnwanted();
    metrics.owned.set({ instance }, this.#held.size);
    metrics.fairShare.set({ instance }, share);
  }

  async #share(): Promise<number> {
    const { leases, suppliers, instance } = this.#options;
    const live = new Set(await leases.liveInstances()).add(instance);
    return Math.ceil(suppliers().length / live.size);
  }

  async #renew(held: Held): Promise<void> {
    const { leases, ttlMs, clock } = this.#options;
    const before = clock.monotonic();
    if (await leases.renew(held.lease, ttlMs)) held.until = before + ttlMs;
    else this.fenced(held.lease);
  }

  /** Suppliers that count for our share. */
  #shared(): readonly string[] {
    const now = this.#options.clock.monotonic();
    for (const [supplier, until] of this.#kept) if (until <= now) this.#kept.delete(supplier);
    return [...this.#held.keys()].filter((supplier) => !this.#kept.has(supplier));
  }

  /** Their key is held no more: nothing can be signed for them here. */
  #dropUnheld(): void {
    const keys = new Set(this.#options.suppliers());
    for (const [supplier, { lease }] of [...this.#held])
      if (!keys.has(supplier)) this.#giveUp(supplier, lease);
  }

  #handBack(share: number): void {
    for (const supplier of this.#shared().slice(share)) {
      const held = this.#held.get(supplier);
      if (held) this.#giveUp(supplier, held.lease);
    }
  }

  async #takeUpTo(share: number): Promise<void> {
    for (const supplier of this.#options.suppliers()) {
      if (this.#shared().length >= share) return;
      if (!this.#held.has(supplier)) await this.#acquire(supplier);
    }
  }

  async #takeUnwanted(): Promise<void> {
    const { leases, suppliers, clock, ttlMs } = this.#options;
    const others = suppliers().filter((supplier) => !this.#held.has(supplier));
    const owners = await Promise.all(others.map((supplier) => leases.owner(supplier)));
    for (const [index, supplier] of others.entries()) {
      const now = clock.monotonic();
      const since = this.#freeSince.get(supplier) ?? now;
      if (owners[index] !== undefined) this.#freeSince.delete(supplier);
      else if (now - since < ttlMs) this.#freeSince.set(supplier, since);
      else if (await this.#acquire(supplier)) this.#kept.set(supplier, now + KEEP_FOR * ttlMs);
    }
  }

  async #acquire(supplier: string): Promise<boolean> {
    const { leases, ttlMs, clock, logger, metrics, onAcquired } = this.#options;
    if (this.#stop.signal.aborted) return false;
    const before = clock.monotonic();
    const { lease } = await leases.acquire(supplier, ttlMs);
    if (lease === undefined) return false;
    this.#freeSince.delete(supplier);
    this.#held.set(supplier, { lease, until: before + ttlMs });
    metrics.claimedLeases.inc();
    logger.info({ supplier, epoch: lease.epoch }, "supplier taken");
    onAcquired(lease);
    return true;
  }

  /** Redis was away, or we were, for so long that a lease may soon be another's: stop before, not after. */
  #dropExpiring(): void {
    const { clock, logger } = this.#options;
    for (const [supplier, { until }] of [...this.#held]) {
      if (clock.monotonic() + this.#marginMs < until) continue;
      logger.warn({ supplier }, "the lease could not be renewed in time: work on this supplier stops");
      this.#lose(supplier);
    }
  }

  #lose(supplier: string): void {
    if (this.#held.has(supplier)) this.#end(supplier, async () => undefined);
  }

  #giveUp(supplier: string, lease: Lease): void {
    this.#end(supplier, async () => {
      await this.#options.leases.release(lease).catch(() => false);
      this.#options.logger.info({ supplier }, "supplier released");
    });
  }

  /** The end of one supplier's work holds up no other lease's renewal. */
  #end(supplier: string, release: () => Promise<void>): void {
    const { metrics, onLost, logger } = this.#options;
    this.#held.delete(supplier);
    this.#kept.delete(supplier);
    metrics.releasedLeases.inc();
    const ending = onLost(supplier)
      .catch((thrown: unknown) =>
        logger.error({ supplier, error: toError(thrown).message }, "work on a supplier did not end cleanly"),
      )
      .then(release)
      .finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}
