import { type Clock, systemClock } from "../../base/clock.ts";
import type { Closable } from "../../base/close-stack.ts";
import { AppError, toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { CacheType, Invalidation, Invalidations } from "../redis/invalidations.ts";
import type { ChainData } from "./chain-data.ts";

/** What an operator may invalidate, by the flag's name. */
export const INVALIDATABLE = ["application", "service", "supplier", "session", "params", "all"] as const;
export type Invalidatable = (typeof INVALIDATABLE)[number];

/** The command that every replica obeys and acknowledges. */
export const INVALIDATE_COMMAND = "invalidate";

type Caches = ChainData["caches"];
type CacheName = keyof Caches;

/** Which caches hold something of an entity, and whether its id is their key. */
const HOLDERS: Readonly<Record<Invalidatable, readonly CacheName[]>> = {
  application: ["application", "account"],
  service: ["service"],
  supplier: ["supplier", "account"],
  session: ["session"],
  params: [
    "shared_params",
    "shared_params_at",
    "session_params",
    "proof_params",
    "compute_units",
    "difficulty",
  ],
  all: [
    "application",
    "service",
    "supplier",
    "account",
    "session",
    "shared_params",
    "shared_params_at",
    "session_params",
    "proof_params",
    "compute_units",
    "difficulty",
  ],
};

export type Dropped = (entity: Invalidatable, id: string | undefined) => void;

/** Drops from memory what is known of an entity; of all of its kind without an id. Answers how many values went. */
export function dropFromMemory(caches: Caches, entity: Invalidatable, id: string | undefined): number {
  // Sessions are keyed by application, service and height: an operator names a session by its id, so all of them go.
  const key = entity === "session" || entity === "params" || entity === "all" ? undefined : id;
  return HOLDERS[entity].reduce((sum, name) => sum + caches[name].drop(key), 0);
}

export function parseInvalidate(args: Readonly<Record<string, unknown>>): {
  readonly entity: Invalidatable;
  readonly id: string | undefined;
} {
  const entity = INVALIDATABLE.find((known) => known === args["entity"]);
  const id = args["id"];
  if (entity === undefined || (id !== undefined && id !== null && typeof id !== "string"))
    throw new AppError("USAGE", "not an invalidation this version knows", { entity: String(args["entity"]) });
  return { entity, id: id ?? undefined };
}

/** Messages of the Go peer's channels that concern a cache here. */
const CACHE_OF: Readonly<Partial<Record<CacheType, CacheName>>> = {
  application: "application",
  service: "service",
  account: "account",
  supplier: "supplier",
  session: "session",
  shared_params: "shared_params",
  session_params: "session_params",
  proof_params: "proof_params",
  params_at_height: "shared_params_at",
};

/** Values that the fleet shares through Redis and that change: their writes are told to the others. Pinned ones never change. */
const ANNOUNCED: ReadonlySet<string> = new Set([
  "application",
  "service",
  "account",
  "shared_params",
  "proof_params",
  "session_params",
]);

type Options = {
  readonly invalidations: Invalidations;
  readonly logger: Logger;
  readonly onDrop: Dropped;
  readonly clock?: Clock;
};

/** After a gap the counter is asked for so long; until it is read memory may be this much older than it should. */
const COUNTER_WAIT_MS = 5_000;
const COUNTER_RETRY_MS = 250;

/**
 * Keeps this process's memory in step with the fleet: tells of own writes, forgets what others wrote, and everything when the
 * subscription was away and the fleet's generation counter moved meanwhile (architecture 5). The counter knows nothing of Go's
 * messages, so after any gap what ages is read again.
 */
export class CacheCoherence implements Closable {
  readonly #options: Options;
  /** Own messages that are still to come back, by what they say. */
  readonly #echoes = new Map<string, number>();
  #stop: () => void = () => undefined;
  #caches: Caches | undefined;
  /** The counter when messages were last known to arrive; undefined: not known. */
  #generation: string | undefined;
  #reading: "no" | "once" | "again" = "no";
  #gaps = 0;
  readonly #clock: Clock;
  readonly #closing = new AbortController();

  constructor(options: Options) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  async follow(caches: Caches): Promise<void> {
    this.#caches = caches;
    this.#stop = await this.#options.invalidations.subscribe(
      (invalidation) => this.#received(invalidation),
      () => void this.#gap(),
    );
    this.#noteGeneration();
  }

  /** A cache wrote or removed a shared value. */
  changed = (name: string, key: string): void => {
    if (!ANNOUNCED.has(name)) return;
    const single = name.endsWith("_params");
    const invalidation: Invalidation = single
      ? { type: name as CacheType }
      : { type: name as CacheType, id: key };
    const echo = echoOf(invalidation);
    this.#echoes.set(echo, (this.#echoes.get(echo) ?? 0) + 1);
    this.#options.invalidations.publish(invalidation).catch((thrown) => {
      this.#echoes.delete(echo);
      this.#options.logger.warn(
        { cache: name, error: toError(thrown).message },
        "a cache write was not announced",
      );
    });
  };

  close(): void {
    this.#closing.abort();
    this.#stop();
  }

  #received(invalidation: Invalidation): void {
    this.#noteGeneration();
    const echo = echoOf(invalidation);
    const own = this.#echoes.get(echo) ?? 0;
    if (own > 0) {
      if (own === 1) this.#echoes.delete(echo);
      else this.#echoes.set(echo, own - 1);
      return;
    }
    const { type, id } = invalidation;
    const name = CACHE_OF[type];
    if (name !== undefined) this.#caches?.[name].drop(id);
    // What is prepared from other values is either pinned by height or checked against the chain where it matters (sessions.ts).
    if (type === "session") this.#options.onDrop("session", undefined);
  }

  /** Messages arrive now, so the counter as it is now holds none that was missed. One read at a time, however many messages come. */
  #noteGeneration(): void {
    if (this.#reading !== "no") {
      this.#reading = "again";
      return;
    }
    this.#reading = "once";
    const gaps = this.#gaps;
    this.#options.invalidations
      .generation()
      .then((generation) => {
        // After a gap only what the gap itself read counts.
        if (gaps === this.#gaps) this.#generation = generation;
      })
      // An older count than the true one makes the next gap drop more than it must, never less.
      .catch(() => undefined)
      .finally(() => {
        const again = this.#reading === "again";
        this.#reading = "no";
        if (again) this.#noteGeneration();
      });
  }

  async #gap(): Promise<void> {
    this.#echoes.clear();
    this.#gaps += 1;
    const gap = this.#gaps;
    const before = this.#generation;
    const after = await this.#readGeneration();
    // A later gap looks at the whole time since `before`.
    if (gap !== this.#gaps || this.#closing.signal.aborted) return;
    this.#generation = after;
    const { logger, onDrop } = this.#options;
    if (before !== undefined && before === after) {
      for (const cache of Object.values(this.#caches ?? {})) cache.expire();
      logger.info({}, "the connection to Redis was away; no invalidation was missed");
      return;
    }
    if (this.#caches) dropFromMemory(this.#caches, "all", undefined);
    onDrop("all", undefined);
    logger.info({ before, after }, "the connection to Redis was away: memory caches dropped");
  }

  /** Commands have a connection of their own, which may come back later than the subscription. */
  async #readGeneration(): Promise<string | undefined> {
    const { signal } = this.#closing;
    const deadline = this.#clock.monotonic() + COUNTER_WAIT_MS;
    for (;;) {
      const generation = await this.#options.invalidations.generation().catch(() => undefined);
      if (generation !== undefined || signal.aborted || this.#clock.monotonic() >= deadline)
        return generation;
      await this.#clock.sleep(COUNTER_RETRY_MS, signal);
    }
  }
}

const echoOf = ({ type, id }: Invalidation): string => `${type}|${id ?? ""}`;
