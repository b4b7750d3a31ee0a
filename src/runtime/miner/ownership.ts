import { type Clock, repeat } from "../../base/clock.ts";
import type { Closable } from "../../base/close-stack.ts";
import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { Lease, Leases } from "../redis/leases.ts";
import type { MinerMetrics } from "./metrics.ts";

type Options = {
  readonly leases: Leases;
  readonly instance: string;
  /** Every supplier whose key is held here. */
  readonly suppliers: readonly string[];
  readonly ttlMs: number;
  readonly renewMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MinerMetrics;
  /** The supplier is ours: begin. */
  readonly onAcquired: (lease: Lease) => void;
  /** It is ours no more, or soon: all work on it has stopped when this resolves. */
  readonly onLost: (supplier: string) => Promise<void>;
};

type Held = {
  lease: Lease /** Monotonic time until which Redis cannot have given it to another. */;
  until: number;
};

/**
 * Which suppliers this miner works for (mining-path 7.7): one lease each, renewed in time or given up before it runs out. Miners share
 * the suppliers evenly; a free one is taken within a renewal, a surplus is handed back. Correctness does not depend on any of it:
 * every write script compares the lease's epoch.
 */
export class Ownership implements Closable {
  readonly #options: Options;
  readonly #held = new Map<string, Held>();
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: Options) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { clock, renewMs, logger } = this.#options;
    const onError = (thrown: unknown) =>
      logger.warn({ error: toError(thrown).message }, "leases could not be renewed");
    await this.#turn().catch(onError);
    this.#running = repeat(clock, { everyMs: renewMs, signal: this.#stop.signal, onError }, () =>
      this.#turn(),
    );
  }

  owned(): readonly string[] {
    return [...this.#held.keys()];
  }

  /** A write was refused because the lease is another's. */
  async fenced(supplier: string): Promise<void> {
    if (!this.#held.delete(supplier)) return;
    this.#options.logger.warn({ supplier }, "another miner has taken this supplier");
    await this.#lost(supplier);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    for (const [supplier, { lease }] of [...this.#held]) await this.#giveUp(supplier, lease);
    await this.#options.leases.withdraw().catch(() => undefined);
  }

  async #turn(): Promise<void> {
    const { leases, ttlMs } = this.#options;
    await this.#dropExpired();
    await leases.announce(ttlMs);
    for (const [supplier, held] of [...this.#held]) await this.#renew(supplier, held);
    const share = await this.#share();
    for (const [supplier, { lease }] of [...this.#held].slice(share)) await this.#giveUp(supplier, lease);
    for (const supplier of this.#options.suppliers) {
      if (this.#held.size >= share || this.#stop.signal.aborted) break;
      if (!this.#held.has(supplier)) await this.#acquire(supplier);
    }
    this.#options.metrics.owned.set({ instance: this.#options.instance }, this.#held.size);
    this.#options.metrics.fairShare.set({ instance: this.#options.instance }, share);
  }

  async #share(): Promise<number> {
    const { leases, suppliers, instance } = this.#options;
    const live = new Set(await leases.liveInstances()).add(instance);
    return Math.ceil(suppliers.length / live.size);
  }

  async #renew(supplier: string, held: Held): Promise<void> {
    const { leases, ttlMs, clock } = this.#options;
    const before = clock.monotonic();
    if (await leases.renew(held.lease, ttlMs)) held.until = before + ttlMs;
    else await this.fenced(supplier);
  }

  async #acquire(supplier: string): Promise<void> {
    const { leases, ttlMs, clock, logger, metrics, onAcquired } = this.#options;
    const before = clock.monotonic();
    const { lease } = await leases.acquire(supplier, ttlMs);
    if (lease === undefined) return;
    this.#held.set(supplier, { lease, until: before + ttlMs });
    metrics.claimedLeases.inc();
    logger.info({ supplier, epoch: lease.epoch }, "supplier taken");
    onAcquired(lease);
  }

  /** Redis was away for so long that a lease may be another's by now: stop before, not after. */
  async #dropExpired(): Promise<void> {
    const { clock, renewMs } = this.#options;
    for (const [supplier, { until }] of [...this.#held])
      if (clock.monotonic() + renewMs / 2 >= until) await this.fenced(supplier);
  }

  async #giveUp(supplier: string, lease: Lease): Promise<void> {
    this.#held.delete(supplier);
    await this.#lost(supplier);
    await this.#options.leases.release(lease).catch(() => false);
    this.#options.logger.info({ supplier }, "supplier released");
  }

  async #lost(supplier: string): Promise<void> {
    this.#options.metrics.releasedLeases.inc();
    await this.#options.onLost(supplier);
  }
}
