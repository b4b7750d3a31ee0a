import type { Clock } from "../../base/clock.ts";
import { AppError, toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";

/** For how long a process that starts waits for Redis. */
export type RedisWait = {
  /** 0: it does not. */
  readonly forMs: number;
  /** The setting that says so, for the log. */
  readonly setting: string;
  /** Whoever aborts it does not want to wait any more. */
  readonly signal?: AbortSignal | undefined;
};

type Waiting = {
  readonly wait: RedisWait;
  readonly redis: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds before the try with this number, from 1 on. */
  readonly pauseMs: (attempt: number) => number;
};

/** What may be otherwise in a moment; a wrong password, a wrong URL or an old server is not. */
const PASSES: ReadonlySet<string> = new Set(["REDIS_UNREACHABLE", "REDIS_TIMEOUT", "REDIS_LOADING"]);
const TELL_EVERY_MS = 10_000;

/**
 * What `open` gives, as soon as it does: while Redis is away it is tried again and again, and the log says so. Throws what `open` throws:
 * at once what no waiting mends, and otherwise the last of it, when the time is over or nobody wants to wait any more.
 */
export async function whileAway<Opened>(open: () => Promise<Opened>, waiting: Waiting): Promise<Opened> {
  const { wait, redis, clock, logger, pauseMs } = waiting;
  const since = clock.monotonic();
  const tell = teller(waiting, since);
  for (let attempt = 1; ; attempt++) {
    try {
      const opened = await open();
      if (attempt > 1)
        logger.info(
          { redis, waitedSeconds: secondsSince(since, clock) },
          "Redis is there: the start goes on",
        );
      return opened;
    } catch (thrown) {
      if (!isWorthWaiting(thrown, wait)) throw thrown;
      const leftMs = since + wait.forMs - clock.monotonic();
      if (leftMs <= 0) throw inVain(thrown, wait);
      tell(thrown, leftMs);
      await clock.sleep(Math.min(pauseMs(attempt), leftMs), wait.signal);
      if (wait.signal?.aborted) throw thrown;
    }
  }
}

const isWorthWaiting = (thrown: unknown, { forMs, signal }: RedisWait): thrown is AppError =>
  forMs > 0 && signal?.aborted !== true && thrown instanceof AppError && PASSES.has(thrown.code);

/** The first time at once, then every few seconds. */
function teller({ wait: { setting }, redis, clock, logger }: Waiting, since: number) {
  let toldAt = Number.NEGATIVE_INFINITY;
  return (thrown: AppError, leftMs: number): void => {
    if (clock.monotonic() - toldAt < TELL_EVERY_MS) return;
    toldAt = clock.monotonic();
    const waited = {
      waitedSeconds: secondsSince(since, clock),
      secondsLeft: Math.ceil(leftMs / 1000),
      setting,
    };
    logger.warn({ redis, error: inWords(thrown), ...waited }, "not ready: the start waits for Redis");
  };
}

const secondsSince = (since: number, clock: Clock): number => Math.round((clock.monotonic() - since) / 1000);

function inWords(thrown: unknown): string {
  const { message, cause } = toError(thrown);
  return cause === undefined ? message : `${message}: ${toError(cause).message}`;
}

function inVain(thrown: AppError, { forMs, setting }: RedisWait): AppError {
  const told = `${thrown.message}, after ${Math.round(forMs / 1000)} s of waiting (${setting})`;
  return new AppError(thrown.code, told, thrown.fields, thrown.cause);
}
