import type { Clock } from "../../base/clock.ts";
import type { Closable } from "../../base/close-stack.ts";
import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { RelayReader } from "../redis/relay-reader.ts";
import type { StreamEntry } from "../redis/relay-stream.ts";
import type { MinerMetrics } from "./metrics.ts";
import type { SupplierWorker } from "./worker.ts";

type Options = {
  readonly reader: RelayReader;
  readonly workers: ReadonlyMap<string, SupplierWorker>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Entries per read and stream. */
  readonly count: number;
  /** What lies behind a crowd of entries that cannot be applied is looked at once it was idle for so long. */
  readonly minIdleMs: number;
  readonly metrics: Pick<MinerMetrics, "lag">;
};

const BLOCK_MS = 500;
const IDLE_MS = 100;
const AFTER_ERROR_MS = 500;
const RECLAIM_EVERY_MS = 2_000;
/** Entries of one read over all streams, about: what is read is held in memory until it is applied. */
const MOST_AT_ONCE = 10_000;
const LEAST_PER_STREAM = 10;
/**
 * After a read that was not full the next one waits, so that relays which come one by one are applied together: a batch of few writes the
 * same upper nodes again for each, at many times the cost.
 */
const GATHER_MS = 100;

/**
 * Reads the streams of all owned suppliers over one blocking connection and hands the entries to their workers. Whatever is pending under
 * any name is taken over with the lease and every two seconds: the lease is ours alone, and nothing is being applied at that moment.
 */
export class Consumer implements Closable {
  readonly #options: Options;
  readonly #stop = new AbortController();
  readonly #taken = new WeakSet<SupplierWorker>();
  #running: Promise<void> = Promise.resolve();
  #reclaimedAt = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  start(): void {
    this.#reclaimedAt = this.#options.clock.monotonic();
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, logger } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#turn();
      } catch (thrown) {
        logger.warn({ error: toError(thrown).message }, "the relay streams could not be read");
        await clock.sleep(AFTER_ERROR_MS, signal);
      }
    }
  }

  async #turn(): Promise<void> {
    const { reader, workers, clock, count } = this.#options;
    await this.#takeOver();
    const suppliers = [...workers.keys()];
    if (suppliers.length === 0 || this.#stop.signal.aborted) {
      await clock.sleep(IDLE_MS, this.#stop.signal);
      return;
    }
    const share = Math.max(LEAST_PER_STREAM, Math.ceil(MOST_AT_ONCE / suppliers.length));
    const limits = { count: Math.min(count, share), blockMs: BLOCK_MS };
    const { batches, broken } = await reader.read(suppliers, limits);
    for (const { supplier, reason } of broken)
      this.#options.logger.error({ supplier, reason }, "a relay stream cannot be read");
    await Promise.all(
      batches.map(async ({ supplier, entries }) => {
        const worker = workers.get(supplier);
        // Released while the read was waiting: whoever has the lease now takes them over.
        if (worker === undefined) return;
        await this.#onItsOwn(supplier, () => worker.apply(entries));
      }),
    );
    if (batches.length > 0 && batches.every(({ entries }) => entries.length < limits.count))
      await clock.sleep(GATHER_MS, this.#stop.signal);
  }

  async #takeOver(): Promise<void> {
    const { reader, workers, clock, metrics } = this.#options;
    const inTime = clock.monotonic() - this.#reclaimedAt >= RECLAIM_EVERY_MS;
    if (inTime) this.#reclaimedAt = clock.monotonic();
    const due = [...workers.values()].filter((worker) => inTime || !this.#taken.has(worker));
    await Promise.all(
      due.map((worker) =>
        this.#onItsOwn(worker.supplier, async () => {
          if (!this.#taken.has(worker)) await reader.prepare(worker.supplier);
          this.#taken.add(worker);
          await this.#drain(worker);
          const { length } = await reader.lag(worker.supplier);
          metrics.lag.set({ supplier: worker.supplier }, length);
        }),
      ),
    );
  }

  /** One supplier's failure, a foreign value under its key say, holds up no other. What was not applied stays pending and comes again. */
  async #onItsOwn(supplier: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      const error = toError(thrown).message;
      this.#options.logger.warn(
        { supplier, error },
        "a supplier's relays could not be taken; they stay in its stream",
      );
    }
  }

  /**
   * A killed miner's entries are pending under a name that will not come back; nothing needs to grow old first. A read's worth that
   * cannot be applied hides what lies behind it: that comes when it was idle for a while, which this crowd, just looked at, is not.
   */
  async #drain(worker: SupplierWorker): Promise<void> {
    const { count, minIdleMs } = this.#options;
    const left = await this.#reclaim(worker, 0);
    if (left >= count) await this.#reclaim(worker, minIdleMs);
  }

  /** Answers how many entries of the last call could not be applied. */
  async #reclaim(worker: SupplierWorker, minIdleMs: number): Promise<number> {
    const { reader, count } = this.#options;
    let last: string | undefined;
    for (;;) {
      const entries: readonly StreamEntry[] = await reader.reclaim(worker.supplier, { minIdleMs, count });
      const newest = entries.at(-1)?.id;
      // The same entries again: they could not be applied now and stay pending.
      if (newest === undefined || newest === last || this.#isOver(worker)) return entries.length;
      last = newest;
      await worker.apply(entries);
    }
  }

  #isOver(worker: SupplierWorker): boolean {
    return worker.stopped || this.#stop.signal.aborted;
  }
}
