import { type Clock, repeat } from "../../../base/clock.ts";
import type { Closable } from "../../../base/close-stack.ts";
import type { RedisConnections } from "../../redis/connect.ts";

const EVERY_MS = 250;
const PATIENCE_MS = 600;
/** When our own event loop was late, the answer lies in the socket: it is read before this is over. */
const GRACE_MS = 50;

/**
 * Asks Redis for a sign of life over the relays' own connection, and breaks that when none comes: what waits for an answer fails
 * now and not after the time limit of each command, and until there is a new connection every command fails at once.
 */
export class RedisWatch implements Closable {
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(redis: Pick<RedisConnections, "commands" | "link">, clock: Clock) {
    const { signal } = this.#stop;
    this.#running = repeat(clock, { everyMs: EVERY_MS, signal, onError: () => undefined }, async () => {
      const { link } = redis;
      const { times } = link;
      const answered = new AbortController();
      const asking = redis.commands.send("PING").then(
        () => answered.abort(),
        () => answered.abort(),
      );
      await clock.sleep(PATIENCE_MS, answered.signal);
      if (!answered.signal.aborted) await clock.sleep(GRACE_MS, answered.signal);
      if (!answered.signal.aborted && link.times === times && !signal.aborted) link.reset();
      await asking;
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
