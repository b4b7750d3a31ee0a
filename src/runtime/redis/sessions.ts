import type { Clock } from "../../base/clock.ts";
import { AppError } from "../../base/errors.ts";
import { type Arg, isRefused, type RedisClient } from "./client.ts";
import { goTime, msToNs } from "./go-time.ts";
import type { Keys } from "./keys.ts";
import type { Lease } from "./leases.ts";
import { bytesOf, fieldsOf, listOf, textOf, textsOf } from "./reply.ts";
import { loadScript } from "./script.ts";
import {
  decodeSession,
  encodeOutcome,
  isTerminal,
  SESSION_STATES,
  type SessionOutcome,
  type SessionRecord,
  type SessionState,
} from "./session-record.ts";

const transitionScript = loadScript("transition");
const pruneScript = loadScript("prune-session");

export type Transition = {
  readonly lease: Lease;
  readonly supplier: string;
  readonly sessionId: string;
  /** Nothing changes unless the session is in one of these. */
  readonly from: readonly SessionState[];
  readonly to: SessionState;
  /** Fields to set with the change; those left out stay as they are. */
  readonly outcome?: SessionOutcome;
};

export type Moved =
  | { readonly result: "moved"; readonly was: SessionState }
  | { readonly result: "unexpected"; readonly state: string }
  | { readonly result: "missing" }
  | { readonly result: "fenced"; readonly owner: string };

export type Sessions = {
  /** Undefined when there is none. Throws AppError REDIS_BAD_VALUE on a record that cannot be read. */
  load(supplier: string, sessionId: string): Promise<SessionRecord | undefined>;
  /** Every session of a supplier, those that are over included. Ids whose record has expired are dropped from the index. */
  list(supplier: string): Promise<SessionList>;
  listByState(supplier: string, state: SessionState): Promise<SessionList>;
  /** Safe to repeat: a second run answers "unexpected" with the target state, or moves it from there again if that is allowed. */
  move(transition: Transition): Promise<Moved>;
  /** Writes what a settlement brought into a session that is over; its state stays. Needs no lease: the leader does it. */
  settle(supplier: string, sessionId: string, outcome: SessionOutcome): Promise<boolean>;
  /** Takes off whatever time to live a Go peer has set: call on taking over a session that is not over. */
  protect(supplier: string, sessionId: string): Promise<void>;
};

export type SessionList = {
  readonly sessions: readonly SessionRecord[];
  /** Records under our keys that cannot be read; never deleted. */
  readonly unreadable: readonly { readonly sessionId: string; readonly reason: string }[];
};

export type OpenSessions = {
  readonly redis: RedisClient;
  readonly keys: Keys;
  readonly clock: Clock;
  /** How long the record of a session that is over is kept. */
  readonly keepTerminalMs: number;
};

/** Session records in Go's hash form (mining-path 7.2). New ones are made by `TrieWrites.applyBatch`. */
export function openSessions({ redis, keys, clock, keepTerminalMs }: OpenSessions): Sessions {
  const load = async (supplier: string, sessionId: string): Promise<SessionRecord | undefined> => {
    const fields = fieldsOf(await readHash(redis, keys.session(supplier, sessionId)));
    return fields.size === 0 ? undefined : decodeSession(fields);
  };

  const listFrom = async (supplier: string, set: string): Promise<SessionList> => {
    const sessions: SessionRecord[] = [];
    const unreadable: { sessionId: string; reason: string }[] = [];
    const visit = async (sessionId: string) => {
      try {
        const record = await load(supplier, sessionId);
        if (record) sessions.push(record);
        else await prune(supplier, sessionId);
      } catch (thrown) {
        if (!(thrown instanceof AppError) || !UNREADABLE.has(thrown.code)) throw thrown;
        unreadable.push({ sessionId, reason: thrown.message });
      }
    };
    await Promise.all(textsOf(await redis.send("SMEMBERS", set)).map(visit));
    sessions.sort((left, right) => Number(left.startHeight - right.startHeight));
    return { sessions, unreadable };
  };

  const prune = async (supplier: string, sessionId: string) => {
    const sets = SESSION_STATES.map((state) => keys.sessionState(supplier, state));
    await redis.run(
      pruneScript,
      [keys.session(supplier, sessionId), keys.sessionIndex(supplier), ...sets],
      [sessionId],
    );
  };

  const move = async (transition: Omit<Transition, "lease">, lease: Lease | undefined): Promise<Moved> => {
    const args = transitionArgs(
      transition,
      lease,
      isTerminal(transition.to) ? keepTerminalMs : "",
      goTime(msToNs(clock.now())),
    );
    const [name, detail] = listOf(await redis.run(transitionScript, transitionKeys(keys, transition), args));
    const result = textOf(name);
    if (result === "moved") return { result, was: textOf(detail) as SessionState };
    if (result === "unexpected") return { result, state: textOf(detail) };
    if (result === "missing") return { result };
    if (result === "fenced") return { result, owner: textOf(detail) };
    throw new AppError("REDIS_FOREIGN_VALUE", "a key of ours holds a value of another kind", {
      key: textOf(detail),
    });
  };

  return {
    load,
    list: (supplier) => listFrom(supplier, keys.sessionIndex(supplier)),
    listByState: (supplier, state) => listFrom(supplier, keys.sessionState(supplier, state)),
    move: (transition) => move(transition, transition.lease),
    settle: async (supplier, sessionId, outcome) => {
      const state = await redis.send("HGET", keys.session(supplier, sessionId), "state");
      if (state === null) return false;
      const now = SESSION_STATES.find((candidate) => candidate === textOf(bytesOf(state)));
      if (now === undefined || !isTerminal(now)) return false;
      const { result } = await move({ supplier, sessionId, from: [now], to: now, outcome }, undefined);
      return result === "moved";
    },
    protect: async (supplier, sessionId) => {
      const kept = [keys.session(supplier, sessionId), keys.sessionIndex(supplier)];
      const sets = SESSION_STATES.map((state) => keys.sessionState(supplier, state));
      await Promise.all([...kept, ...sets].map((key) => redis.send("PERSIST", key)));
    },
  };
}

const UNREADABLE: ReadonlySet<string> = new Set(["REDIS_BAD_VALUE", "REDIS_BAD_REPLY", "BAD_KEY_PART"]);

/** Very old Go miners kept records as JSON strings under the same keys (mining-path 7.2): those are reported, not read. */
async function readHash(redis: RedisClient, key: string) {
  try {
    return await redis.send("HGETALL", key);
  } catch (thrown) {
    if (!isRefused(thrown, "WRONGTYPE")) throw thrown;
    throw new AppError("REDIS_BAD_VALUE", "a session record is no hash", { key }, thrown);
  }
}

const transitionKeys = (
  keys: Keys,
  { supplier, sessionId, from, to }: Omit<Transition, "lease">,
): string[] => [
  keys.session(supplier, sessionId),
  keys.sessionIndex(supplier),
  keys.sessionState(supplier, to),
  keys.supplierLease(supplier),
  keys.epoch(supplier),
  ...from.map((state) => keys.sessionState(supplier, state)),
];

function transitionArgs(
  { sessionId, from, to, outcome }: Omit<Transition, "lease">,
  lease: Lease | undefined,
  ttlMs: number | "",
  time: string,
): Arg[] {
  const fields = encodeOutcome(outcome ?? {});
  const holder = lease ? [lease.instance, lease.epoch] : ["", ""];
  return [...holder, sessionId, to, time, ttlMs, from.length, fields.size, ...from, ...[...fields].flat()];
}
