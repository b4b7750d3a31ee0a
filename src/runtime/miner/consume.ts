import type { Clock } from "../../base/clock.ts";
import type { Closable } from "../../base/close-stack.ts";
import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { RelayReader } from "../redis/relay-reader.ts";
import type { StreamEntry } from "../redis/relay-stream.ts";
import type { SupplierWorker } from "./worker.ts";

type Options = {
  readonly reader: RelayReader;
  readonly workers: ReadonlyMap<string, SupplierWorker>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Entries per read and stream. */
  readonly count: number;
  /** Another consumer's entry that nobody acknowledged for so long is taken over. */
  readonly minIdleMs: number;
};

const BLOCK_MS = 500;
const IDLE_MS = 200;
const AFTER_ERROR_MS = 500;
const RECLAIM_EVERY_MS = 2_000;

/** Reads the streams of all owned suppliers over one blocking connection and hands the entries to their workers. */
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
        // A read whose answer was lost has delivered its entries all the same.
        for (const worker of this.#options.workers.values()) worker.leftPending = true;
        await clock.sleep(AFTER_ERROR_MS, signal);
      }
    }
  }

  async #turn(): Promise<void> {
    const { reader, workers, clock, count } = this.#options;
    for (const worker of [...workers.values()]) if (!this.#taken.has(worker)) await this.#takeOver(worker);
    await this.#reclaimInTime();
    const suppliers = [...workers.keys()];
    if (suppliers.length === 0) {
      await clock.sleep(IDLE_MS, this.#stop.signal);
      return;
    }
    const { batches, broken } = await reader.read(suppliers, { count, blockMs: BLOCK_MS });
    for (const { supplier, reason } of broken)
      this.#options.logger.error({ supplier, reason }, "a relay stream cannot be read");
    await Promise.all(batches.map(({ supplier, entries }) => workers.get(supplier)?.apply(entries)));
  }

  /**
   * With the lease comes everything that was delivered to whoever had it before: a killed miner's entries are pending under a name
   * that will not come back. The lease is ours alone, so nothing needs to grow old first.
   */
  async #takeOver(worker: SupplierWorker): Promise<void> {
    await this.#options.reader.prepare(worker.supplier);
    await this.#reclaim(worker, 0);
    this.#taken.add(worker);
  }

  async #reclaimInTime(): Promise<void> {
    const { workers, clock, minIdleMs } = this.#options;
    if (clock.monotonic() - this.#reclaimedAt < RECLAIM_EVERY_MS) return;
    this.#reclaimedAt = clock.monotonic();
    for (const worker of [...workers.values()]) {
      // The lease is ours alone and nothing is being applied right now: what is pending is nobody else's.
      const idle = worker.leftPending ? 0 : minIdleMs;
      worker.leftPending = false;
      await this.#reclaim(worker, idle);
    }
  }

  async #reclaim(worker: SupplierWorker, minIdleMs: number): Promise<void> {
    const { reader, count } = this.#options;
    let last: string | undefined;
    for (;;) {
      const entries: readonly StreamEntry[] = await reader.reclaim(worker.supplier, { minIdleMs, count });
      const newest = entries.at(-1)?.id;
      // The same entries again: they could not be applied now and stay pending.
      if (newest === undefined || newest === last || worker.stopped) return;
      last = newest;
      await worker.apply(entries);
    }
  }
}
