import type { Clock } from "../../base/clock.ts";
import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { QUERIES } from "../proto/queries.ts";
import { BlockTime, between } from "./block-time.ts";
import { HeaderSubscription } from "./header-subscription.ts";
import { isPruned } from "./rpc-error.ts";
import type { Block, ChainClient } from "./types.ts";

/** Another source of heights, such as the Redis channel that the elected replica writes. */
export type HeightSource = { subscribe(listener: (event: { readonly height: bigint }) => void): () => void };

export type WatchBlocksOptions = {
  readonly client: ChainClient;
  /** Endpoints whose /websocket is subscribed, in order; none means polling (and the external source) only. */
  readonly urls: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Between polls while the other sources are silent; half a block time, five seconds at most, unless given. */
  readonly pollMs?: number;
  readonly external?: HeightSource;
};

export type BlockStream = {
  /** The newest delivered block; undefined before the first. */
  latest(): Block | undefined;
  /** Calls `listener` for each later block, once, in order, without gaps. Returns the way to stop. */
  onBlock(listener: (block: Block) => void): () => void;
  health(): { readonly subscribed: boolean; readonly blockTimeMs: number; readonly latestHeight: bigint };
  close(): Promise<void>;
};

/** Blocks of one gap that are delivered; older ones of a longer gap are skipped and logged. */
const MAX_GAP = 1_000n;
const FILL_AT_ONCE = 8n;
/** A height further ahead than this is believed only from the node's own status. */
const PLAUSIBLE_AHEAD = 100n;
const RETRY_FIRST_MS = 25;
const RETRY_MAX_MS = 1_000;
const SILENT_BLOCKS = 1.5;

/**
 * One monotone stream of blocks out of several sources of heights: subscription, external source, and polling while both have been silent
 * for 1.5 block times. A block is delivered when its state can be queried, which is later than its first appearance in `status` (chain 2.2).
 */
export function watchBlocks(options: WatchBlocksOptions): BlockStream {
  return new BlockWatch(options);
}

class BlockWatch implements BlockStream {
  readonly #options: WatchBlocksOptions;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<(block: Block) => void>();
  readonly #blockTime = new BlockTime();
  readonly #subscription: HeaderSubscription;
  readonly #unsubscribe: (() => void) | undefined;
  readonly #running: Promise<unknown>;
  #latest: Block | undefined;
  /** Newest height that was delivered or given up; undefined before the first. */
  #cursor: bigint | undefined;
  /** Newest height that any source told of. */
  #target = 0n;
  /** When a source other than polling last told of the newest block. */
  #newsAt = Number.NEGATIVE_INFINITY;
  #missed = 0;
  #behind = false;
  #wake: () => void = () => {};

  constructor(options: WatchBlocksOptions) {
    const { urls, clock, logger, external } = options;
    this.#options = options;
    const heard = (height: bigint) => {
      this.#missed = 0;
      if (height === this.#target) this.#newsAt = clock.monotonic();
      this.#hint(height);
    };
    const onSubscribed = () => void this.#catchUp();
    this.#subscription = new HeaderSubscription({ urls, clock, logger, onHeight: heard, onSubscribed });
    this.#unsubscribe = external?.subscribe(({ height }) => this.#hint(height));
    this.#running = Promise.all([this.#deliverAll(), this.#pollAll()]);
  }

  latest(): Block | undefined {
    return this.#latest;
  }

  onBlock(listener: (block: Block) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  health() {
    return {
      subscribed: this.#subscription.subscribed,
      blockTimeMs: this.#blockTime.ms,
      latestHeight: this.#latest?.height ?? 0n,
    };
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#wake();
    this.#unsubscribe?.();
    await this.#subscription.close();
    await this.#running;
  }

  #hint(height: bigint): void {
    // An external source may be the echo of this very stream.
    if (height <= this.#target) return;
    const known = this.#cursor ?? this.#target;
    if (height > known + PLAUSIBLE_AHEAD) return; // polling asks the node itself
    this.#newsAt = this.#options.clock.monotonic();
    this.#raise(height);
  }

  #raise(height: bigint): void {
    if (height <= this.#target) return;
    this.#target = height;
    this.#wake();
  }

  async #pollAll(): Promise<void> {
    const { clock, pollMs } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#poll();
      const pause = pollMs ?? between(100, this.#blockTime.ms / 2, 5_000);
      await clock.sleep(pause, signal);
      for (let left = this.#quietLeft(); left > 0 && !signal.aborted; left = this.#quietLeft())
        await clock.sleep(left, signal);
    }
  }

  /** Milliseconds until the other sources have been silent for long enough to poll. */
  #quietLeft(): number {
    if (this.#latest === undefined) return 0;
    return this.#newsAt + this.#blockTime.ms * SILENT_BLOCKS - this.#options.clock.monotonic();
  }

  async #poll(): Promise<void> {
    const height = await this.#newest();
    if (height <= this.#target) return;
    if (this.#latest !== undefined && this.#subscription.subscribed) this.#subscriptionMissed();
    this.#raise(height);
  }

  /** A block that the node made while it was being subscribed to is told by no event. */
  async #catchUp(): Promise<void> {
    this.#raise(await this.#newest());
  }

  /** The node's newest height; 0 while it does not answer. */
  async #newest(): Promise<bigint> {
    const { client, logger } = this.#options;
    try {
      const { latestHeight } = await client.status();
      const delivered = this.#latest?.height;
      const behind = delivered !== undefined && latestHeight + 2n < delivered;
      if (behind && !this.#behind)
        logger.warn({ latestHeight, delivered }, "the node went back to a height before the newest block");
      this.#behind = behind;
      return latestHeight;
    } catch (thrown) {
      logger.debug({ error: toError(thrown).message }, "asking for the newest block failed");
      return 0n;
    }
  }

  /** Polling found what the subscription should have told: twice in a row means that it died silently. */
  #subscriptionMissed(): void {
    this.#missed += 1;
    if (this.#missed < 2) return;
    this.#missed = 0;
    this.#subscription.restart("silent while the chain made blocks");
  }

  async #deliverAll(): Promise<void> {
    const { clock, logger } = this.#options;
    const { signal } = this.#stop;
    let failures = 0;
    while (!signal.aborted) {
      const next = this.#next();
      if (next === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      try {
        for (const block of await this.#read(next)) this.#deliver(block);
        failures = 0;
      } catch (thrown) {
        failures += 1;
        if (isPruned(thrown) && next < this.#target) {
          logger.warn({ height: next }, "the node no longer has this block, it is skipped");
          this.#cursor = next;
        }
        logger.debug({ height: next, error: toError(thrown).message }, "block is not readable yet");
        await clock.sleep(Math.min(RETRY_FIRST_MS * 2 ** (failures - 1), RETRY_MAX_MS), signal);
      }
    }
  }

  #next(): bigint | undefined {
    if (this.#target === 0n) return undefined;
    if (this.#cursor === undefined) return this.#target;
    const next = this.#cursor + 1n;
    if (next > this.#target) return undefined;
    if (this.#target - next < MAX_GAP) return next;
    const from = this.#target - MAX_GAP + 1n;
    this.#options.logger.warn({ from: next, to: from - 1n }, "the gap is too long, older blocks are skipped");
    return from;
  }

  /** The block at `next` and, in a gap, some after it. Only the newest can lack its state: a stored successor proves it for the others. */
  async #read(next: bigint): Promise<readonly Block[]> {
    const { client } = this.#options;
    const gap = this.#target - next;
    if (gap === 0n) {
      if (this.#latest === undefined) await this.#estimate(next);
      const block = await client.block(next);
      await client.query(QUERIES.sharedParams, QUERIES.sharedParams.request.create(), next);
      return [block];
    }
    const count = Number(gap < FILL_AT_ONCE ? gap : FILL_AT_ONCE);
    return Promise.all(Array.from({ length: count }, (_, index) => client.block(next + BigInt(index))));
  }

  /** The block before the first one gives a block time at once, so that a long one is not polled for. */
  async #estimate(first: bigint): Promise<void> {
    if (first < 2n) return;
    const before = await this.#options.client.block(first - 1n).catch(() => undefined);
    if (before) this.#blockTime.add(before);
  }

  #deliver(block: Block): void {
    this.#latest = block;
    this.#cursor = block.height;
    this.#blockTime.add(block);
    for (const listener of this.#listeners) {
      try {
        listener(block);
      } catch (thrown) {
        const error = toError(thrown);
        this.#options.logger.error(
          { height: block.height, error: error.stack },
          "a listener of blocks failed",
        );
      }
    }
  }
}
