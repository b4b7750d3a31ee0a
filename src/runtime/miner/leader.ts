import { type Clock, repeat } from "../../base/clock.ts";
import type { Closable } from "../../base/close-stack.ts";
import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { Block } from "../../chain/node/types.ts";
import type { BlockEvents } from "../redis/block-events.ts";
import { LEADER, type Lease, type Leases } from "../redis/leases.ts";
import type { ServiceFactors } from "../redis/service-factors.ts";
import type { MinerMetrics } from "./metrics.ts";

type Options = {
  readonly leases: Leases;
  readonly instance: string;
  readonly ttlMs: number;
  readonly renewMs: number;
  readonly blockEvents: BlockEvents;
  readonly factors: ServiceFactors;
  readonly defaultFactor: number;
  readonly serviceFactors: Readonly<Record<string, number>>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MinerMetrics;
};

/**
 * The fleet's one leader (mining-path 7.6) tells all processes of new blocks and publishes the service factors. It does not decide
 * who claims: that is the suppliers' leases.
 */
export class Leader implements Closable {
  readonly #options: Options;
  readonly #stop = new AbortController();
  #lease: Lease | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: Options) {
    this.#options = options;
  }

  get isLeader(): boolean {
    return this.#lease !== undefined;
  }

  async start(): Promise<void> {
    const { clock, renewMs, logger, metrics, instance } = this.#options;
    const onError = (thrown: unknown) => {
      this.#lease = undefined;
      metrics.leader.set({ instance }, 0);
      logger.warn({ error: toError(thrown).message }, "the leader's lease could not be renewed");
    };
    await this.#turn().catch(onError);
    this.#running = repeat(clock, { everyMs: renewMs, signal: this.#stop.signal, onError }, () =>
      this.#turn(),
    );
  }

  /** For every block this process sees. */
  tell({ height, hash, timeMs }: Block): void {
    if (!this.isLeader) return;
    const event = { height, hash, timeNs: BigInt(timeMs) * 1_000_000n };
    this.#options.blockEvents.publish(event).catch((thrown) => {
      this.#options.logger.warn({ height, error: toError(thrown).message }, "a block was not announced");
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    const lease = this.#lease;
    this.#lease = undefined;
    if (lease) await this.#options.leases.release(lease).catch(() => false);
  }

  async #turn(): Promise<void> {
    const { leases, ttlMs, metrics, instance, logger } = this.#options;
    if (this.#lease && !(await leases.renew(this.#lease, ttlMs))) {
      this.#lease = undefined;
      logger.warn({}, "another miner is the leader now");
    }
    if (this.#lease === undefined) {
      this.#lease = (await leases.acquire(LEADER, ttlMs)).lease;
      if (this.#lease) {
        logger.info({}, "this miner is the fleet's leader");
        await this.#publishFactors();
      }
    }
    metrics.leader.set({ instance }, this.isLeader ? 1 : 0);
  }

  /** 0 is "no factor": the base formula holds (go-peers 1.3, M3). */
  async #publishFactors(): Promise<void> {
    const { factors, defaultFactor, serviceFactors } = this.#options;
    await factors.set(undefined, defaultFactor > 0 ? defaultFactor : undefined);
    for (const [service, factor] of Object.entries(serviceFactors))
      await factors.set(service, factor > 0 ? factor : undefined);
  }
}
