import { type Clock, repeat } from "../../../base/clock.ts";
import type { Closable } from "../../../base/close-stack.ts";
import { AppError, toError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import type { RedisConnections } from "../../redis/connect.ts";
import type { RelayEntry, RelayPublisher } from "../../redis/relay-stream.ts";
import { runIdOf } from "../../redis/server-check.ts";
import type { RelayerMetrics } from "../metrics.ts";
import { isOfTheRelay } from "./of-the-relay.ts";
import { RecentEntries } from "./recent-entries.ts";
import { Replay } from "./replay.ts";
import type { SpoolFiles } from "./spool-files.ts";

export type StoreOptions = {
  readonly redis: Pick<RedisConnections, "commands" | "link">;
  readonly publisher: RelayPublisher;
  /** Undefined: there is no disk to fall back on. */
  readonly files: SpoolFiles | undefined;
  /** Whether a session that ended at this height can no longer be claimed. What is not known is not over. */
  readonly isOver: (sessionEndHeight: bigint) => Promise<boolean>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: StoreMetrics;
};

export type StoreMetrics = Pick<RelayerMetrics, "spool" | "published" | "dropped">;
export type Kept = "redis" | "spool";

export type StoreFigures = {
  readonly state: "direct" | "away";
  /** Relays on this disk that are not in Redis. */
  readonly relays: number;
  readonly bytes: number;
  readonly oldestMs: number;
  /** There is a new connection, and Redis may have lost the last that it took before: that is published once more, if so. */
  readonly inDoubt: boolean;
  /** Why the next relay would be refused; undefined when it would not. */
  readonly problem: string | undefined;
};

const EVERY_MS = 200;
/** Pauses between attempts where there is no spool. The entry is the same each time, so two that both arrive are one leaf. */
const RETRY_AFTER_MS = [50, 200, 600];
/** No attempt begins later than this: a Redis that does not answer takes its time for each, and the client waits for all of them. */
const LAST_ATTEMPT_MS = 2_000;

/**
 * Keeps mined relays for the miner: in Redis, or on disk while Redis takes none, and from there in Redis when it does again. Whatever
 * this resolved for is in one of the two (reliability 0.8). An entry published twice is one leaf, so every doubt is published again.
 */
export class RelayStore implements Closable {
  readonly #options: StoreOptions;
  readonly #recent: RecentEntries;
  readonly #replay: Replay | undefined;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #state: "direct" | "away" = "direct";
  #since = 0;
  /** The connection and the server process that the recent entries went to. */
  #times: number;
  #run: string | undefined;

  private constructor(options: StoreOptions, run: string | undefined) {
    const { clock, redis, files } = options;
    this.#options = options;
    this.#recent = new RecentEntries(clock);
    this.#times = redis.link.times;
    this.#run = run;
    this.#replay = files && new Replay({ ...options, files, isDirect: () => this.#isDirect() });
    const rounds = { everyMs: EVERY_MS, signal: this.#stop.signal, onError: this.#roundFailed };
    this.#running = repeat(clock, rounds, () => this.#round());
  }

  static async open(options: StoreOptions): Promise<RelayStore> {
    return new RelayStore(options, await runIdOf(options.redis.commands).catch(() => undefined));
  }

  /** Resolves when the entry is safe, with where. Throws the AppError of Redis, or of the disk, when neither takes it. */
  store(entry: RelayEntry): Promise<Kept> {
    const { files } = this.#options;
    return this.#isDirect() || files === undefined ? this.#publish(entry) : this.#spool(entry, files);
  }

  /** Whether the next relay will find a place. */
  get canTake(): boolean {
    return this.#problem() === undefined;
  }

  figures(): StoreFigures {
    const { clock, redis } = this.#options;
    const { relays, bytes, since } = this.#replay?.atRisk() ?? { relays: 0, bytes: 0, since: undefined };
    const oldestMs = since === undefined ? 0 : Math.max(0, clock.now() - since);
    const inDoubt = redis.link.times !== this.#times;
    return { state: this.#state, relays, bytes, oldestMs, inDoubt, problem: this.#problem() };
  }

  /** Waits until nothing is left on disk, or until Redis is seen to be away, or `timeoutMs`. Gives how many relays are left. */
  async settle(timeoutMs: number): Promise<number> {
    const { files, clock, logger } = this.#options;
    const deadline = clock.monotonic() + timeoutMs;
    const isBusy = () => this.#isDirect() && (files?.segments.length ?? 0) > 0;
    while (isBusy() && clock.monotonic() < deadline) await clock.sleep(50);
    const { relays } = this.figures();
    if (relays > 0)
      logger.warn(
        { relays, directory: files?.directory },
        "relays stay on disk: they are published when this relayer starts again",
      );
    return relays;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  #problem(): string | undefined {
    const { files } = this.#options;
    if (this.#isDirect()) return undefined;
    return files === undefined ? "there is no spool" : files.problem;
  }

  #isDirect(): boolean {
    return this.#state === "direct";
  }

  async #publish(entry: RelayEntry): Promise<Kept> {
    const { publisher, files, redis } = this.#options;
    try {
      await publisher.publish(entry);
    } catch (thrown) {
      if (isOfTheRelay(thrown)) throw thrown;
      this.#redisFailed(toError(thrown));
      if (files !== undefined) return this.#spool(entry, files);
      await this.#tryAgain(entry);
    }
    this.#recent.add(entry, redis.link.times === this.#times);
    return "redis";
  }

  async #tryAgain(entry: RelayEntry): Promise<void> {
    const { publisher, clock } = this.#options;
    const lastAt = clock.monotonic() + LAST_ATTEMPT_MS;
    for (const [index, pause] of RETRY_AFTER_MS.entries()) {
      await clock.sleep(pause);
      try {
        await publisher.publish(entry);
        return;
      } catch (thrown) {
        const next = RETRY_AFTER_MS[index + 1];
        if (next === undefined || clock.monotonic() + next > lastAt) throw thrown;
      }
    }
  }

  async #spool(entry: RelayEntry, files: SpoolFiles): Promise<Kept> {
    const { spool } = this.#options.metrics;
    try {
      await files.append(entry.data);
    } catch (thrown) {
      spool.refused.inc();
      throw thrown;
    }
    spool.spooled.inc();
    return "spool";
  }

  /** Told once for each time that Redis is away. */
  #redisFailed(error: Error): void {
    const { files, logger, clock } = this.#options;
    if (!this.#isDirect()) return;
    this.#state = "away";
    this.#since = clock.monotonic();
    if (files === undefined)
      logger.warn(
        { error: error.message },
        "Redis takes no relays, and there is no spool: relays are refused",
      );
    else
      logger.warn(
        { error: error.message, directory: files.directory },
        "Redis takes no relays: they are kept on disk until it does",
      );
  }

  readonly #roundFailed = (thrown: unknown): void => {
    const error = toError(thrown);
    if (thrown instanceof AppError && !isOfTheRelay(thrown)) this.#redisFailed(error);
    else this.#options.logger.warn({ error: error.message }, "relays on disk could not be published");
  };

  async #round(): Promise<void> {
    const { redis, files } = this.#options;
    if (redis.link.times !== this.#times) await this.#compareServers();
    if (this.#isDirect() && (files === undefined || files.segments.length === 0)) return;
    const isAllPublished = (await this.#replay?.round(() => this.#taking())) ?? true;
    if (!isAllPublished || this.#isDirect()) return;
    // Nothing on disk that would show it.
    await redis.commands.send("PING");
    this.#taking();
  }

  #taking(): void {
    if (this.#isDirect()) return;
    const { logger, clock } = this.#options;
    this.#state = "direct";
    const { relays } = this.figures();
    const awayMs = Math.round(clock.monotonic() - this.#since);
    logger.info({ awayMs, relays }, "Redis takes relays again: those on disk are published");
  }

  /** Redis may have lost the last it took if it is not the process that took it: a crash, a failover. */
  async #compareServers(): Promise<void> {
    const { redis, publisher, metrics, logger } = this.#options;
    const { times } = redis.link;
    const run = await runIdOf(redis.commands);
    if (run === undefined || run !== this.#run) {
      const entries = this.#recent.entries();
      const ofIt = (thrown: unknown) => {
        if (!isOfTheRelay(thrown)) throw thrown;
      };
      await Promise.all(entries.map((entry) => publisher.publish(entry).catch(ofIt)));
      metrics.spool.republished.inc({}, entries.length);
      this.#run = run;
      if (entries.length > 0)
        logger.info(
          { relays: entries.length },
          "Redis was restarted: the relays of the last seconds are published once more",
        );
    }
    this.#times = times;
  }
}
