import {
  absent,
  field,
  type JsonField,
  jsonBoolean,
  jsonInteger,
  jsonText,
  optional,
  struct,
} from "./go-json.ts";

/** One of the two halves of a submission record; `hash` is the root's hex of a claim, the whole gob's hex of a proof. */
export type SubmissionPart = {
  readonly hash: string;
  readonly txHash: string;
  /** The broadcast was accepted; says nothing of inclusion. */
  readonly success: boolean;
  readonly errorReason: string;
  readonly submitHeight: bigint;
  /** Unix seconds, and the same time as RFC 3339 text. */
  readonly submitTimestamp: bigint;
  readonly submitTimeUtc: string;
  readonly currentHeight: bigint;
  /** on_chain_found, on_chain_missing or poll_error; empty until known. */
  readonly onChainOutcome: string;
  readonly inclusionHeight: bigint;
  /** Absent in Go's records of a claim. */
  readonly rebroadcasts: bigint;
};

/** `ha:tx:track:{supplier}:{end}:{session}` (mining-path 5.6). */
export type Submission = {
  readonly supplier: string;
  readonly serviceId: string;
  readonly application: string;
  readonly sessionId: string;
  readonly sessionStart: bigint;
  readonly sessionEnd: bigint;
  readonly claim: SubmissionPart;
  readonly proof: SubmissionPart;
  readonly relays: bigint;
  readonly computeUnits: bigint;
  readonly proofRequired: boolean;
  /** Hex; empty until decided. */
  readonly proofRequirementSeed: string;
};

/** The part of a phase in which nothing was sent yet. */
export const NOTHING_SENT: SubmissionPart = {
  hash: "",
  txHash: "",
  success: false,
  errorReason: "",
  submitHeight: 0n,
  submitTimestamp: 0n,
  submitTimeUtc: "",
  currentHeight: 0n,
  onChainOutcome: "",
  inclusionHeight: 0n,
  rebroadcasts: 0n,
};

const partFields = (phase: "claim" | "proof"): readonly JsonField<SubmissionPart>[] => [
  optional(`${phase}_hash`, "hash", jsonText),
  optional(`${phase}_tx_hash`, "txHash", jsonText),
  field(`${phase}_success`, "success", jsonBoolean),
  optional(`${phase}_error_reason`, "errorReason", jsonText),
  optional(`${phase}_submit_height`, "submitHeight", jsonInteger),
  optional(`${phase}_submit_timestamp`, "submitTimestamp", jsonInteger),
  optional(`${phase}_submit_time_utc`, "submitTimeUtc", jsonText),
  optional(`${phase}_current_height`, "currentHeight", jsonInteger),
  optional(`${phase}_on_chain_outcome`, "onChainOutcome", jsonText),
  optional(`${phase}_inclusion_height`, "inclusionHeight", jsonInteger),
  optional(`${phase}_rebroadcasts`, "rebroadcasts", jsonInteger),
];

/** The keys of a part lie flat in the record. */
const inside = (name: "claim" | "proof"): JsonField<Submission>[] =>
  partFields(name).map(({ key, write }) => ({
    key,
    write: (submission) => write(submission[name]),
    read: () => ({}),
  }));

const flat = struct<Submission>(
  field("supplier", "supplier", jsonText),
  field("service", "serviceId", jsonText),
  field("application", "application", jsonText),
  field("session_id", "sessionId", jsonText),
  field("session_start", "sessionStart", jsonInteger),
  field("session_end", "sessionEnd", jsonInteger),
  ...inside("claim"),
  ...inside("proof"),
  field("num_relays", "relays", jsonInteger),
  field("compute_units", "computeUnits", jsonInteger),
  field("proof_required", "proofRequired", jsonBoolean),
  optional("proof_requirement_seed", "proofRequirementSeed", jsonText),
);

const claimPart = struct<SubmissionPart>(...partFields("claim"));
const proofPart = struct<SubmissionPart>(...partFields("proof"));

export const submissionJson = {
  write: flat.write,
  read: (json: unknown): Submission => ({
    ...flat.read(json),
    claim: claimPart.read(json),
    proof: proofPart.read(json),
  }),
};

/** A message that may have to be sent again: one value of the hash `ha:miner:rebroadcast:{phase}:{supplier}:{end}`. */
export type Rebroadcast = {
  /** The protobuf bytes of MsgCreateClaim or MsgSubmitProof. */
  readonly message: Uint8Array;
  readonly submitHeight: bigint;
  /** Hash of the newest transaction, and of the first; empty when none was accepted. */
  readonly txHash: string;
  readonly originalHash: string;
  readonly serviceId: string;
  readonly resends: bigint;
};

const base64 = {
  write: (bytes: Uint8Array) => `"${Buffer.from(bytes).toString("base64")}"`,
  read: (json: unknown) => Uint8Array.from(Buffer.from(jsonText.read(json), "base64")),
};

export const rebroadcastJson = struct<Rebroadcast>(
  absent("m", "message", base64),
  field("h", "submitHeight", jsonInteger),
  field("t", "txHash", jsonText),
  optional("o", "originalHash", jsonText),
  optional("s", "serviceId", jsonText),
  optional("n", "resends", jsonInteger),
);
