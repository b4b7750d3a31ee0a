/**
 * What an operator sees of a fleet, read from its Redis. Plain values: amounts in upokt and heights are bigint, ages and times are
 * milliseconds, `undefined` is "unknown" and never zero.
 */

/** One source of the view. When reading it fails, `value` stays what it was at `readAt` and `problem` says why. */
export type Section<Value> = {
  readonly value: Value;
  /** Unix ms of the last good read; undefined: never read. */
  readonly readAt: number | undefined;
  readonly problem: string | undefined;
};

/** Refusals, rates and latencies of one relayer; latencies are of its last relays. */
export type RelayFigures = {
  readonly perSecond: number | undefined;
  /** Since its start. */
  readonly served: number | undefined;
  readonly inFlight: number | undefined;
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  /** Reason → how many since its start. */
  readonly refused: Readonly<Record<string, number>>;
};

/** One endpoint of a backend, as a relayer sees it: up, down (by checks), ejected or probing (by what relays saw). */
export type EndpointView = {
  readonly service: string;
  readonly rpcType: string;
  readonly name: string;
  readonly state: string;
};

/** One process of the fleet, by its heartbeat. */
export type ReplicaView = {
  readonly id: string;
  readonly role: string;
  readonly version: string;
  readonly host: string;
  readonly pid: number | undefined;
  /** False: it stopped beating without a goodbye; the rest is what it last said to this reader. */
  readonly alive: boolean;
  readonly beatAgeMs: number | undefined;
  readonly startedAt: number | undefined;
  readonly height: bigint | undefined;
  /** Since its height last grew. */
  readonly heightAgeMs: number | undefined;
  /** Blocks behind the highest height that a live replica knows. */
  readonly lagBlocks: bigint | undefined;
  readonly isLeader: boolean | undefined;
  /** Undefined for a role that serves no relays. */
  readonly relays: RelayFigures | undefined;
  readonly suppliers: readonly string[];
  readonly services: readonly string[];
  /** Of a relayer's backends. */
  readonly endpoints: readonly EndpointView[];
  readonly rssBytes: number | undefined;
};

/** Heights that follow a session's end; both ends of a window are inside it. */
export type Windows = {
  readonly graceEnd: bigint;
  readonly claimOpen: bigint;
  readonly claimClose: bigint;
  readonly proofOpen: bigint;
  readonly proofClose: bigint;
  readonly settle: bigint;
};

export type Edge =
  | "session ends"
  | "claim opens"
  | "claim closes"
  | "proof opens"
  | "proof closes"
  | "settles"
  | "settled"
  | "closed";

/** The next thing that the chain's height decides; `blocks` is negative for one that has passed. */
export type Countdown = { readonly edge: Edge; readonly blocks: bigint };

/** What the chain made of a claim. Unknown until the miner has seen the settlement. */
export type SettledView = {
  /** Go's word: settled_proven, settled_invalid, expired, discarded, none. */
  readonly outcome: string;
  readonly height: bigint | undefined;
  readonly claimedUpokt: bigint | undefined;
  readonly paidUpokt: bigint | undefined;
  readonly slashedUpokt: bigint | undefined;
};

export type SessionView = {
  readonly supplier: string;
  readonly service: string;
  readonly application: string;
  readonly sessionId: string;
  /** Go's state word (mining-path 7.1). */
  readonly state: string;
  readonly startHeight: bigint;
  readonly endHeight: bigint;
  /** Leaves and compute units as of the last batch the miner applied. */
  readonly relays: bigint;
  readonly computeUnits: bigint;
  /** Price of the compute units at base difficulty: a higher difficulty makes the claim worth more, never less. */
  readonly worthUpokt: bigint | undefined;
  readonly settled: SettledView | undefined;
  readonly windows: Windows | undefined;
  readonly next: Countdown | undefined;
  /** The miner that holds the supplier's lease. */
  readonly owner: string | undefined;
  /** Hex, upper case; undefined: none sent. */
  readonly claimTx: string | undefined;
  readonly proofTx: string | undefined;
  /** Hex of the sealed root. */
  readonly claimedRoot: string | undefined;
  /** Unix ms. */
  readonly createdAt: number;
  readonly updatedAt: number;
};

export type SessionsView = {
  readonly sessions: readonly SessionView[];
  /** How many records Redis has; more than `sessions` when the reader's limit was reached or some are yet to be read. */
  readonly total: number;
  readonly unreadable: readonly {
    readonly supplier: string;
    readonly sessionId: string;
    readonly reason: string;
  }[];
};

/** What waits for one supplier. */
export type QueueView = {
  readonly supplier: string;
  /** Entries in the relay stream, and those of them that a miner has read and not yet applied. */
  readonly length: number | undefined;
  readonly pending: number | undefined;
  /** Age of the oldest entry; undefined when the stream is empty or unknown (see `length`). */
  readonly oldestAgeMs: number | undefined;
  readonly deadLetters: number | undefined;
  /** Sessions whose claim window is open and whose claim was not sent; proofs likewise. */
  readonly claimsWaiting: number | undefined;
  readonly proofsWaiting: number | undefined;
  /** The miner that works for it; undefined: none holds the lease. */
  readonly owner: string | undefined;
  readonly epoch: string | undefined;
  readonly leaseMsLeft: number | undefined;
  readonly problem: string | undefined;
};

/** Redis' copy of a cached value. "none": this kind of value is not shared through Redis. */
export type SharedCopy =
  | { readonly state: "none" }
  | { readonly state: "absent" }
  | {
      readonly state: "held";
      /** Undefined when the entry does not say (no time to live, or not the usual one). */
      readonly ageMs: number | undefined;
      readonly ttlMs: number | undefined;
    };

/** One cached value, with its age in each tier. */
export type CacheView = {
  readonly entity: string;
  readonly key: string;
  /** Replica id → age in its memory; "absent": it does not hold it, "unknown": its heartbeat shows only a part of that cache. */
  readonly memory: Readonly<Record<string, number | "absent" | "unknown">>;
  readonly shared: SharedCopy;
};

export type CacheListing = {
  readonly entries: readonly CacheView[];
  /** Values in the memory of all replicas, whether listed or not. */
  readonly held: number;
  /** Grows with every invalidation. */
  readonly generation: string | undefined;
};

export type LeaderView = {
  readonly owner: string | undefined;
  readonly epoch: string | undefined;
  readonly leaseMsLeft: number | undefined;
};

export type RedisView = {
  readonly version: string;
  readonly usedBytes: number;
  /** 0: no limit is set. */
  readonly maxBytes: number;
  readonly appendOnly: boolean;
  readonly lastWriteOk: boolean;
  readonly answerMs: number;
  readonly warnings: readonly string[];
};

export type ChainView = {
  /** The highest height that a live replica knows. */
  readonly height: bigint | undefined;
  readonly blockAgeMs: number | undefined;
  /** Average as this reader has seen the height grow. */
  readonly blockMs: number | undefined;
};

export type FleetView = {
  /** Unix ms. */
  readonly readAt: number;
  readonly chain: ChainView;
  readonly replicas: Section<readonly ReplicaView[]>;
  readonly leader: Section<LeaderView>;
  readonly redis: Section<RedisView | undefined>;
  readonly sessions: Section<SessionsView>;
  readonly queues: Section<readonly QueueView[]>;
  readonly cache: Section<CacheListing>;
};

/** One half of what was sent to the chain for a session (Go's tracking record). */
export type SentView = {
  readonly txHash: string;
  readonly accepted: boolean;
  readonly error: string;
  readonly height: bigint;
  readonly rebroadcasts: bigint;
  /** on_chain_found, on_chain_missing, poll_error or empty. */
  readonly onChain: string;
  readonly inclusionHeight: bigint;
};

/** What is read of one session only when somebody looks at it. */
export type SessionDetail = {
  readonly supplier: string;
  readonly sessionId: string;
  readonly readAt: number;
  readonly claim: SentView | undefined;
  readonly proof: SentView | undefined;
  readonly proofRequired: boolean | undefined;
  /** upokt counted against the application's stake by all relayers, and the limit. */
  readonly meteredUpokt: bigint | undefined;
  readonly meterLimitUpokt: bigint | undefined;
  /** Trie in Redis: sealed, or the live root of the last batch. */
  readonly root: string | undefined;
  readonly isSealed: boolean;
  readonly leaves: bigint | undefined;
};

export type ViewSource = {
  /** Never rejects: what could not be read is told in each section. */
  read(): Promise<FleetView>;
  /** Rejects with the AppError of Redis. */
  session(supplier: string, sessionId: string): Promise<SessionDetail>;
};

/** Something of a cache that can be invalidated, in the words of `relayminer cache invalidate`. */
export type InvalidateTarget = { readonly entity: string; readonly id: string | undefined };

/** What came of an invalidation. */
export type Invalidated = {
  readonly deleted: readonly string[];
  readonly expected: number;
  readonly acked: number;
  readonly replicas: readonly { readonly id: string; readonly role: string; readonly ms: number }[];
  readonly missing: readonly string[];
};
