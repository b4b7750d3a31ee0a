import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { AppError } from "../../base/errors.ts";
import { goTime, parseGoTime } from "./go-time.ts";

/** Go's states (mining-path 7.1). A terminal state is never left. */
export const OPEN_STATES = ["active", "claiming", "claimed", "proving"] as const;
export const TERMINAL_STATES = [
  "proved",
  "probabilistic_proved",
  "claim_skipped",
  "claim_window_closed",
  "claim_tx_error",
  "claim_missing",
  "proof_window_closed",
  "proof_tx_error",
] as const;
export const SESSION_STATES = [...OPEN_STATES, ...TERMINAL_STATES] as const;
export type SessionState = (typeof SESSION_STATES)[number];

const TERMINAL: ReadonlySet<string> = new Set(TERMINAL_STATES);
export const isTerminal = (state: SessionState): boolean => TERMINAL.has(state);

/** What stays the same as long as the session exists. */
export type SessionIdentity = {
  readonly sessionId: string;
  readonly supplier: string;
  readonly serviceId: string;
  readonly application: string;
  readonly startHeight: bigint;
  readonly endHeight: bigint;
};

/** What a claim or proof leaves in the record; absent until known. Hashes of transactions are upper-case hex. */
export type SessionOutcome = {
  readonly claimedRoot?: Uint8Array;
  readonly claimTxHash?: string;
  readonly proofTxHash?: string;
  readonly lastWalEntryId?: string;
  readonly settlementOutcome?: string;
  readonly settlementHeight?: bigint;
  readonly settlementTxHash?: string;
  /** Ours, upokt: what the claim asked for, what was paid for it, what was burned of the supplier's stake. */
  readonly settlementClaimed?: bigint;
  readonly settlementPaid?: bigint;
  readonly settlementSlashed?: bigint;
};

/** One hash `ha:miner:sessions:{supplier}:{session}` (mining-path 7.2). Times are nanoseconds since the Unix epoch. */
export type SessionRecord = SessionIdentity &
  SessionOutcome & {
    readonly state: SessionState;
    /** Leaves and sum of the trie as of the last applied batch; the trie's root is the truth. */
    readonly relayCount: bigint;
    readonly computeUnits: bigint;
    readonly createdAt: bigint;
    readonly updatedAt: bigint;
  };

type Kind<T> = { encode(value: T): Uint8Array; decode(bytes: Uint8Array): T };

const text: Kind<string> = { encode: utf8, decode: fromUtf8 };
const bytes: Kind<Uint8Array> = { encode: (value) => value, decode: (value) => value };
const integer: Kind<bigint> = {
  encode: (value) => utf8(value.toString()),
  decode: (value) => BigInt(fromUtf8(value)),
};
const time: Kind<bigint> = {
  encode: (ns) => utf8(goTime(ns)),
  decode: (value) => parseGoTime(fromUtf8(value)),
};
const state: Kind<SessionState> = {
  encode: utf8,
  decode: (value) => {
    const name = fromUtf8(value);
    const known = SESSION_STATES.find((candidate) => candidate === name);
    if (known === undefined)
      throw new AppError("REDIS_BAD_VALUE", "an unknown session state", { state: name });
    return known;
  },
};

const REQUIRED = {
  sessionId: ["session_id", text],
  supplier: ["supplier_operator_address", text],
  serviceId: ["service_id", text],
  application: ["application_address", text],
  startHeight: ["session_start_height", integer],
  endHeight: ["session_end_height", integer],
  state: ["state", state],
  relayCount: ["relay_count", integer],
  computeUnits: ["total_compute_units", integer],
  createdAt: ["created_at", time],
  updatedAt: ["last_updated_at", time],
} as const;

const OUTCOME = {
  claimedRoot: ["claimed_root_hash", bytes],
  claimTxHash: ["claim_tx_hash", text],
  proofTxHash: ["proof_tx_hash", text],
  lastWalEntryId: ["last_wal_entry_id", text],
  settlementOutcome: ["settlement_outcome", text],
  settlementHeight: ["settlement_height", integer],
  settlementTxHash: ["settlement_tx_hash", text],
  settlementClaimed: ["settlement_claimed_upokt", integer],
  settlementPaid: ["settlement_paid_upokt", integer],
  settlementSlashed: ["settlement_slashed_upokt", integer],
} as const;

type AnyKind = { encode(value: never): Uint8Array; decode(bytes: Uint8Array): unknown };
type Table = Readonly<Record<string, readonly [field: string, kind: AnyKind]>>;

function encodeFields(table: Table, values: Readonly<Record<string, unknown>>): Map<string, Uint8Array> {
  const fields = new Map<string, Uint8Array>();
  for (const [name, [field, kind]] of Object.entries(table)) {
    const value = values[name];
    if (value !== undefined) fields.set(field, kind.encode(value as never));
  }
  return fields;
}

/** The hash fields of a record; what is not known is not there. */
export const encodeSession = (record: SessionRecord): Map<string, Uint8Array> =>
  new Map([...encodeFields(REQUIRED, record), ...encodeFields(OUTCOME, record)]);

export const encodeOutcome = (outcome: SessionOutcome): Map<string, Uint8Array> =>
  encodeFields(OUTCOME, outcome);

/** Throws AppError REDIS_BAD_VALUE when a field is missing or not what it should be; unknown fields are ignored. */
export function decodeSession(fields: ReadonlyMap<string, Uint8Array>): SessionRecord {
  const record: Record<string, unknown> = {};
  for (const [name, [field, kind]] of [...Object.entries(REQUIRED), ...Object.entries(OUTCOME)]) {
    const value = fields.get(field);
    if (value !== undefined && value.length > 0) record[name] = decodeField(field, kind, value);
    else if (Object.hasOwn(REQUIRED, name))
      throw new AppError("REDIS_BAD_VALUE", "a session record lacks a field", { field });
  }
  return record as SessionRecord;
}

function decodeField(field: string, kind: AnyKind, value: Uint8Array): unknown {
  try {
    return kind.decode(value);
  } catch (thrown) {
    throw new AppError("REDIS_BAD_VALUE", "a field of a session record cannot be read", { field }, thrown);
  }
}
