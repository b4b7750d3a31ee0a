import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { SupplierWorker } from "./worker.ts";

type Options = {
  readonly lookAt: (worker: SupplierWorker) => Promise<void>;
  readonly logger: Logger;
};

/** Looks at suppliers' sessions, one look at a supplier at a time; one asked for during a look follows it, once. */
export class Looks {
  readonly #options: Options;
  readonly #wanted = new Set<SupplierWorker>();
  readonly #running = new Map<SupplierWorker, Promise<void>>();

  constructor(options: Options) {
    this.#options = options;
  }

  want(worker: SupplierWorker): void {
    this.#wanted.add(worker);
    if (!this.#running.has(worker)) this.#running.set(worker, this.#run(worker));
  }

  /** Resolves when no look at this supplier is under way. */
  async idle(worker: SupplierWorker): Promise<void> {
    await this.#running.get(worker);
  }

  async #run(worker: SupplierWorker): Promise<void> {
    // What runs is on record before it starts, so that it can end at once.
    await Promise.resolve();
    while (this.#wanted.delete(worker) && !worker.stopped)
      try {
        await this.#options.lookAt(worker);
      } catch (thrown) {
        this.#options.logger.error(
          { supplier: worker.supplier, error: toError(thrown).message },
          "a supplier could not be looked at",
        );
      }
    this.#running.delete(worker);
  }
}
