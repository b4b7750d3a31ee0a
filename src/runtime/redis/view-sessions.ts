import { toHex } from "../../base/bytes.ts";
import { toError } from "../../base/errors.ts";
import type { SharedParams } from "../../chain/proto/shared.ts";
import { relayCost } from "../../chain/protocol/pricing.ts";
import { sessionWindows } from "../../chain/protocol/session-grid.ts";
import { countdown } from "../ops/countdown.ts";
import type { SessionsView, SessionView, SettledView } from "../ops/view.ts";
import type { RedisClient } from "./client.ts";
import type { Keys } from "./keys.ts";
import { fieldsOf, textsOf } from "./reply.ts";
import { decodeSession, isTerminal, OPEN_STATES, type SessionRecord } from "./session-record.ts";
import type { ParamsMemory } from "./view-params.ts";

/** Records held at most, and records of sessions that are over read at most in one turn: the rest follows in the next ones. */
const MAX_SESSIONS = 5_000;
const OVER_PER_TURN = 500;

type Unreadable = SessionsView["unreadable"][number];
type Place = { readonly supplier: string; readonly sessionId: string };

export type SessionReader = {
  /** Records of these suppliers, without windows and countdown. */
  read(suppliers: readonly string[]): Promise<SessionRecords>;
};

export type SessionRecords = {
  readonly records: readonly SessionRecord[];
  readonly total: number;
  readonly unreadable: readonly Unreadable[];
};

/**
 * Reads what may have changed: open sessions every time, those that are over once their settlement is known never again. Writes
 * nothing, index entries whose record has expired are left to the miners.
 */
export function sessionReader(redis: RedisClient, keys: Keys): SessionReader {
  const settled = new Map<string, SessionRecord>();
  const read = async (suppliers: readonly string[]): Promise<SessionRecords> => {
    const indexes = await Promise.all(suppliers.map((supplier) => readIndex(redis, keys, supplier)));
    const open = indexes.flatMap((index) => index.open);
    const over = indexes.flatMap((index) => index.over);
    const names = new Set(over.map(nameOf));
    for (const name of settled.keys()) if (!names.has(name)) settled.delete(name);
    const fresh = over.filter((place) => !settled.has(nameOf(place))).slice(0, OVER_PER_TURN);
    const unreadable: Unreadable[] = [];
    const records: SessionRecord[] = [];
    await Promise.all(
      [...open.slice(0, MAX_SESSIONS), ...fresh].map(async (place) => {
        try {
          const fields = fieldsOf(await redis.send("HGETALL", keys.session(place.supplier, place.sessionId)));
          if (fields.size === 0) return;
          const record = decodeSession(fields);
          if (isFinal(record) && settled.size < MAX_SESSIONS) settled.set(nameOf(place), record);
          else records.push(record);
        } catch (thrown) {
          const { message, code } = toError(thrown) as Error & { code?: string };
          if (code === "REDIS_UNREACHABLE" || code === "REDIS_TIMEOUT") throw thrown;
          unreadable.push({ ...place, reason: message });
        }
      }),
    );
    return { records: [...records, ...settled.values()], total: open.length + over.length, unreadable };
  };
  return { read };
}

const nameOf = ({ supplier, sessionId }: Place): string => `${supplier}|${sessionId}`;

const isFinal = (record: SessionRecord): boolean =>
  isTerminal(record.state) && record.settlementOutcome !== undefined;

async function readIndex(redis: RedisClient, keys: Keys, supplier: string) {
  const [all, open] = await Promise.all([
    redis.send("SMEMBERS", keys.sessionIndex(supplier)),
    redis.send("SUNION", ...OPEN_STATES.map((state) => keys.sessionState(supplier, state))),
  ]);
  const openIds = new Set(textsOf(open));
  const over = textsOf(all).filter((sessionId) => !openIds.has(sessionId));
  const placed = (sessionIds: Iterable<string>): Place[] =>
    [...sessionIds].map((sessionId) => ({ supplier, sessionId }));
  return { open: placed(openIds), over: placed(over) };
}

type Known = {
  readonly height: bigint | undefined;
  readonly params: ParamsMemory;
  readonly ownerOf: (supplier: string) => string | undefined;
};

/** A record as it is shown at a height. */
export function sessionView(record: SessionRecord, { height, params, ownerOf }: Known): SessionView {
  const atEnd = params.at(record.endHeight);
  const windows = atEnd && sessionWindows(atEnd, record.endHeight);
  const settled = settledOf(record);
  const { state, endHeight } = record;
  return {
    supplier: record.supplier,
    service: record.serviceId,
    application: record.application,
    sessionId: record.sessionId,
    state,
    startHeight: record.startHeight,
    endHeight,
    relays: record.relayCount,
    computeUnits: record.computeUnits,
    worthUpokt: worth(record.computeUnits, params.at(record.startHeight)),
    settled,
    windows,
    next: countdown({ state, endHeight, windows, settledAt: settled?.height }, height),
    owner: ownerOf(record.supplier),
    claimTx: record.claimTxHash,
    proofTx: record.proofTxHash,
    claimedRoot: record.claimedRoot && toHex(record.claimedRoot),
    createdAt: Number(record.createdAt / 1_000_000n),
    updatedAt: Number(record.updatedAt / 1_000_000n),
  };
}

const worth = (computeUnits: bigint, params: SharedParams | undefined): bigint | undefined =>
  params && relayCost(computeUnits, params);

function settledOf(record: SessionRecord): SettledView | undefined {
  if (record.settlementOutcome === undefined) return undefined;
  return {
    outcome: record.settlementOutcome,
    height: record.settlementHeight,
    claimedUpokt: record.settlementClaimed,
    paidUpokt: record.settlementPaid,
    slashedUpokt: record.settlementSlashed,
  };
}
