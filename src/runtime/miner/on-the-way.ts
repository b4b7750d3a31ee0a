import type { Clock } from "../../base/clock.ts";
import { AppError } from "../../base/errors.ts";
import type { RedisConnections } from "../redis/connect.ts";
import { HEARTBEAT_TTL_MS, type Heartbeats, type Known } from "../redis/heartbeat.ts";

/** Why relays of an ended session may not be in the stream yet; `relayer` is the id of the one that has them. */
export type RelaysToCome = {
  readonly reason: "redis_back" | "relayer_silent" | "relayer_holds";
  readonly relayer?: string;
  /** On the relayer's disk. */
  readonly relays?: number;
};

/** Undefined: every relayer that is known has its relays in Redis. Throws the AppError of a Redis that is away. */
export type OnTheWay = () => Promise<RelaysToCome | undefined>;

type Options = {
  readonly redis: Pick<RedisConnections, "link" | "server">;
  readonly heartbeats: Pick<Heartbeats, "known">;
  readonly clock: Clock;
};

/** A relayer is back within two seconds (redis/connect.ts) and beats within another. Those of the Go peer do not beat. */
const SETTLE_MS = 3_000;
/** A relayer beats every second. One that misses three is cut off, frozen or killed: what it holds comes when it is back. */
const SILENT_MS = 3_000;
/** An answer serves all suppliers that are looked at in the same moment. */
const ASK_AGAIN_MS = 100;

/**
 * Relays that no stream shows, because a relayer keeps them while it cannot reach Redis or will publish them once more. Known from
 * the relayers' heartbeats. What was said before Redis came back counts for nothing, and one that has not spoken since is waited
 * for as long as a heartbeat lives; after that it is held to be gone.
 */
export function onTheWay({ redis, heartbeats, clock }: Options): OnTheWay {
  const { link, server } = redis;
  // Both may have been started at once, after a power cut: relayers then come with what they have on disk.
  const wasUp = server !== undefined && server.upSeconds * 1_000 >= HEARTBEAT_TTL_MS;
  const backMs = () => (wasUp && link.times === 1 ? Number.POSITIVE_INFINITY : link.ageMs);
  let asked:
    | { readonly at: number; readonly times: number; readonly known: Promise<readonly Known[]> }
    | undefined;
  const known = () => {
    const now = clock.monotonic();
    if (asked === undefined || now - asked.at >= ASK_AGAIN_MS || asked.times !== link.times)
      asked = { at: now, times: link.times, known: heartbeats.known() };
    return asked.known;
  };
  return async () => {
    const back = backMs();
    if (back < SETTLE_MS) return { reason: "redis_back" };
    try {
      for (const replica of await known()) {
        const toCome = toComeFrom(replica, back);
        if (toCome !== undefined) return toCome;
      }
    } catch (thrown) {
      // A user who may not read heartbeats claims all the same.
      if (!(thrown instanceof AppError && thrown.code === "REDIS_REFUSED")) throw thrown;
    }
    return undefined;
  };
}

function toComeFrom({ id, ageMs, last }: Known, backMs: number): RelaysToCome | undefined {
  const silent = { reason: "relayer_silent", relayer: id } as const;
  // Whether it was a relayer is forgotten, too.
  if (last === undefined) return backMs < HEARTBEAT_TTL_MS ? silent : undefined;
  if (last.role !== "relayer") return undefined;
  if (ageMs > Math.min(backMs, SILENT_MS)) return silent;
  const spool = last.details["spool"];
  if (typeof spool !== "object" || spool === null || Array.isArray(spool)) return undefined;
  const { state, relays, inDoubt } = spool as { readonly [name: string]: unknown };
  const holds = state === "away" || inDoubt === true || (typeof relays === "number" && relays > 0);
  return holds ? { reason: "relayer_holds", relayer: id, relays: Number(relays) } : undefined;
}
