import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";
import type { RelayStore } from "./spool/relay-store.ts";
import type { RelayWork } from "./work.ts";

/** What an operator's command to drain is called. */
export const DRAIN_COMMAND = "drain";

/** For the last answers to leave the process. */
const FLUSH_MS = 5_000;
/** For the relays on disk to reach Redis, and for Redis to bring them to its own disk. */
const SETTLE_MS = 5_000;

/** Whether an operator's command has asked this process to drain. */
export class Draining {
  readonly #asked = new AbortController();

  get asked(): AbortSignal {
    return this.#asked.signal;
  }

  ask(): void {
    this.#asked.abort();
  }
}

type Drained = {
  readonly work: RelayWork;
  readonly store: RelayStore;
  readonly clock: Clock;
  readonly logger: Logger;
};

type Port = {
  /** No new connections or relays. */
  stopAccepting(): void;
  /** Resolves when every answer has left, or after `timeoutMs`. */
  idle(timeoutMs: number): Promise<void>;
};
/** Connections that stay: their clients are sent elsewhere. */
type Connections = { drain(timeoutMs: number): Promise<void> };

/**
 * From serving to nothing left in work: not ready, then refusing, then the relays in work finished, their answers sent and the spool
 * empty, or left on disk with a word. Resolves in any case, after `delay` and `timeout` and some seconds at most.
 */
export async function drain(
  { work, store, clock, logger }: Drained,
  [port, connections]: readonly [Port, Connections],
  { delay, timeout }: { readonly delay: number; readonly timeout: number },
): Promise<void> {
  work.leave();
  logger.info(
    { delayMs: delay, inFlight: work.inFlight },
    "not ready any more; relays are served a little longer",
  );
  await clock.sleep(delay);
  work.drain();
  port.stopAccepting();
  const deadline = clock.monotonic() + timeout;
  await connections.drain(FLUSH_MS);
  while (work.inFlight > 0 && clock.monotonic() < deadline) await clock.sleep(20);
  if (work.inFlight > 0)
    logger.warn({ relays: work.inFlight, timeoutMs: timeout }, "relays that are still in work are given up");
  await port.idle(FLUSH_MS);
  await store.settle(SETTLE_MS);
}
