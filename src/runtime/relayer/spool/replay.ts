import type { Clock } from "../../../base/clock.ts";
import { toError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import { MinedRelayMessage } from "../../../chain/proto/mined-relay.ts";
import type { RedisConnections } from "../../redis/connect.ts";
import type { RelayPublisher } from "../../redis/relay-stream.ts";
import { runIdOf } from "../../redis/server-check.ts";
import type { RelayerMetrics } from "../metrics.ts";
import type { Batch } from "./frames.ts";
import { isOfTheRelay } from "./of-the-relay.ts";
import { HORIZON_MS } from "./recent-entries.ts";
import type { Segment, SpoolFiles } from "./spool-files.ts";

type Options = {
  readonly files: SpoolFiles;
  readonly publisher: RelayPublisher;
  readonly isOver: (sessionEndHeight: bigint) => Promise<boolean>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<RelayerMetrics, "spool" | "published" | "dropped">;
  readonly redis: Pick<RedisConnections, "commands" | "link">;
  readonly isDirect: () => boolean;
};

/** A server process, as far as it can be told: who may not ask for its id knows that it is the same for as long as the connection is. */
type Server = { readonly run: string | undefined; readonly times: number };

/** How far a segment is published. */
type Progress = {
  to: number;
  relays: number;
  /** Whom its first entry was published to; undefined before that. */
  server: Server | undefined;
  /** When its last entry was published. */
  finished: number | undefined;
  /** Why the file is not removed but set aside. */
  keepAs: "damaged" | "refused" | undefined;
};

const AT_ONCE = 128;

/**
 * Publishes what is on disk, in order. A file goes when Redis took all of it and had the time to bring it to its own disk (I8); if
 * Redis was restarted in that time, the file is published once more.
 */
export class Replay {
  readonly #options: Options;
  readonly #progress = new WeakMap<Segment, Progress>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** What is on disk and not yet in Redis; `since` in Unix milliseconds. */
  atRisk(): { relays: number; bytes: number; since: number | undefined } {
    let [relays, bytes] = [0, 0];
    let since: number | undefined;
    for (const segment of this.#options.files.segments) {
      const { to, relays: published } = this.#of(segment);
      if (to >= segment.bytes) continue;
      relays += Math.max(0, segment.relays - published);
      bytes += segment.bytes - to;
      since ??= segment.since;
    }
    return { relays, bytes, since };
  }

  /**
   * Publishes what is there and removes what is safe. Calls `taking` whenever Redis took a relay. True when nothing was left to publish.
   * Throws the AppError of Redis when it takes none.
   */
  async round(taking: () => void): Promise<boolean> {
    const { files, isDirect } = this.#options;
    for (const segment of [...files.segments]) {
      const progress = this.#of(segment);
      while (progress.finished === undefined && progress.to < segment.bytes) {
        progress.server ??= await this.#server();
        // One relay is enough to see whether Redis takes them.
        const batch = await files.read(segment, progress.to, isDirect() ? AT_ONCE : 1);
        const published = await this.#publish(batch, progress);
        if (published > 0) taking();
        this.#count(segment, progress, batch);
      }
      if (isDirect()) await this.#finish(segment, progress);
    }
    return files.segments.every((segment) => this.#of(segment).to >= segment.bytes);
  }

  /** Throws the AppError of a Redis that is away. */
  async #server(): Promise<Server> {
    const { commands, link } = this.#options.redis;
    const { times } = link;
    return { run: await runIdOf(commands), times };
  }

  #of(segment: Segment): Progress {
    const known = this.#progress.get(segment);
    if (known !== undefined) return known;
    const progress: Progress = {
      to: 0,
      relays: 0,
      server: undefined,
      finished: undefined,
      keepAs: undefined,
    };
    this.#progress.set(segment, progress);
    return progress;
  }

  /** How many Redis took. Throws when it could not be asked, and then the batch is published again. */
  async #publish({ entries }: Batch, progress: Progress): Promise<number> {
    const { publisher, metrics, logger } = this.#options;
    let published = 0;
    const one = async (data: Uint8Array) => {
      const message = decoded(data);
      if (message === undefined) {
        metrics.dropped.inc({ service_id: "unknown", reason: "unreadable" });
        progress.keepAs ??= "damaged";
        return;
      }
      if (await this.#isLost(message)) return;
      try {
        await publisher.publish({ supplier: message.supplierOperatorAddress, data });
      } catch (thrown) {
        if (!isOfTheRelay(thrown)) throw thrown;
        metrics.dropped.inc({ service_id: message.serviceId, reason: "refused" });
        progress.keepAs = "refused";
        logger.warn(
          { supplier: message.supplierOperatorAddress, error: toError(thrown).message },
          "Redis refuses a relay from disk",
        );
        return;
      }
      metrics.spool.replayed.inc();
      metrics.published.inc({ service_id: message.serviceId, supplier: message.supplierOperatorAddress });
      published += 1;
    };
    const results = await Promise.allSettled(entries.map(one));
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw toError(failed.reason);
    return published;
  }

  async #isLost({ sessionEndHeight, sessionId, serviceId }: MinedRelayMessage): Promise<boolean> {
    const { isOver, metrics, logger } = this.#options;
    if (!(await isOver(sessionEndHeight))) return false;
    metrics.dropped.inc({ service_id: serviceId, reason: "window_closed" });
    logger.warn(
      { service: serviceId, session: sessionId, reason: "window_closed" },
      "a relay from disk is dropped: its session can no longer be claimed",
    );
    return true;
  }

  #count(segment: Segment, progress: Progress, { entries, next, damaged, torn }: Batch): void {
    const { metrics, logger } = this.#options;
    progress.relays += entries.length;
    progress.to = torn ? segment.bytes : next;
    if (damaged === 0 && !torn) return;
    if (damaged > 0) {
      metrics.dropped.inc({ service_id: "unknown", reason: "damaged" }, damaged);
      progress.keepAs ??= "damaged";
    }
    logger.warn(
      { file: segment.path, damaged, torn },
      torn
        ? "the end of a spool file was not written whole: nobody was told that it was"
        : "entries of a spool file have a wrong checksum",
    );
  }

  async #finish(segment: Segment, progress: Progress): Promise<void> {
    const { files, clock, logger } = this.#options;
    if (progress.to < segment.bytes || !(await files.seal(segment))) return;
    progress.finished ??= clock.monotonic();
    if (clock.monotonic() - progress.finished < HORIZON_MS) return;
    // Its answer says that the process that took them, from the first on, has lived until now.
    if (!isSame(progress.server, await this.#server())) {
      this.#progress.delete(segment);
      return;
    }
    const { keepAs } = progress;
    const kept = await files.remove(segment, keepAs);
    if (keepAs !== undefined)
      logger.error({ file: kept, why: keepAs }, "relays that could not be published are kept in this file");
  }
}

/** What is not known is not the same. */
const isSame = (before: Server | undefined, now: Server): boolean =>
  before !== undefined && (now.run === undefined ? now.times === before.times : now.run === before.run);

function decoded(data: Uint8Array): MinedRelayMessage | undefined {
  try {
    return MinedRelayMessage.decode(data);
  } catch {
    return undefined;
  }
}
