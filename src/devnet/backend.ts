/** What the RPC server needs from a chain. Plain data; the server gives it a node's JSON form. */

export type BackendEvent = {
  readonly type: string;
  readonly attributes: readonly { readonly key: string; readonly value: string }[];
};

export type BackendBlock = {
  readonly height: bigint;
  /** 32 bytes. */
  readonly hash: Uint8Array;
  /** Header time, Unix nanoseconds; strictly increasing. */
  readonly timeNs: bigint;
  /** 32 bytes: state after the block before. */
  readonly appHash: Uint8Array;
  readonly txs: readonly Uint8Array[];
};

export type BackendTxResult = {
  readonly code: number;
  readonly codespace: string;
  readonly log: string;
  /** Undefined for a failed transaction. */
  readonly data: Uint8Array | undefined;
  readonly gasWanted: bigint;
  readonly gasUsed: bigint;
  readonly events: readonly BackendEvent[];
};

export type BackendResults = {
  readonly height: bigint;
  readonly txs: readonly BackendTxResult[];
  readonly events: readonly BackendEvent[];
  /** 32 bytes: state after this block. */
  readonly appHash: Uint8Array;
};

export type BackendStatus = {
  readonly chainId: string;
  /** Newest block that is stored; greater than `executed` while it is being executed (chain 2.2). */
  readonly stored: bigint;
  /** Newest block whose results and state can be read. */
  readonly executed: bigint;
  readonly catchingUp: boolean;
};

export type BackendQueryAnswer = {
  readonly code: number;
  readonly codespace: string;
  readonly log: string;
  readonly value: Uint8Array | undefined;
  readonly height: bigint;
};

export type CheckTxAnswer =
  | { readonly code: number; readonly codespace: string; readonly log: string }
  /** The mempool's own refusal, such as "tx already exists in cache": an error object on the wire. */
  | { readonly refused: string };

export type BackendTx = { readonly height: bigint; readonly index: number };

export type Backend = {
  status(): BackendStatus;
  /** A stored block; undefined outside 1…stored. */
  block(height: bigint): BackendBlock | undefined;
  /** Undefined until the block is executed. */
  results(height: bigint): BackendResults | undefined;
  /** Height 0 is the newest. Never throws for a bad request: that is an answer with a code (chain 3.1). */
  query(path: string, data: Uint8Array, height: bigint): BackendQueryAnswer | Promise<BackendQueryAnswer>;
  checkTx(tx: Uint8Array): CheckTxAnswer | Promise<CheckTxAnswer>;
  /** Where an indexed transaction is, by its upper-case hash. */
  tx(hash: string): BackendTx | undefined;
  mempool(): readonly Uint8Array[];
  /** Called after execution and commit of each block. Returns the way to stop. */
  onBlock(listener: (height: bigint) => void): () => void;
  /** A command of the control API: JSON in, JSON out. Throws AppError for an unknown command or bad arguments. */
  control(name: string, args: Readonly<Record<string, unknown>>): Promise<unknown>;
};

/** What the in-process chain is to its RPC server. */
export type DevnetBackend = Backend;
