import { hostname } from "node:os";
import { type Clock, repeat } from "../../base/clock.ts";
import type { Closable } from "../../base/close-stack.ts";
import { toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { Heartbeats } from "./heartbeat.ts";
import type { JsonObject } from "./own-json.ts";

type Options = {
  readonly heartbeats: Heartbeats;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly id: string;
  readonly role: string;
  readonly version: string;
  /** What this process shows of itself; asked for each beat. */
  readonly details: () => JsonObject;
};

const EVERY_MS = 1_000;

/** Beats until it is closed, and says goodbye then. The first beat is in Redis when this resolves. */
export async function keepBeating(options: Options): Promise<Closable> {
  const { heartbeats, clock, logger, id, role, version, details } = options;
  const stop = new AbortController();
  const startedAt = clock.now();
  const host = hostname();
  const beat = () =>
    heartbeats.beat({
      id,
      role,
      version,
      host,
      pid: process.pid,
      startedAt,
      beatAt: clock.now(),
      details: details(),
    });
  await beat();
  const running = repeat(
    clock,
    {
      everyMs: EVERY_MS,
      signal: stop.signal,
      onError: (thrown) =>
        logger.warn({ error: toError(thrown).message }, "the heartbeat did not reach Redis"),
    },
    beat,
  );
  return {
    close: async () => {
      stop.abort();
      await running;
      await heartbeats.stop(id).catch(() => undefined);
    },
  };
}
