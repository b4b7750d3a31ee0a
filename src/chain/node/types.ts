import type { Query } from "../proto/queries.ts";

export type ChainStatus = {
  readonly chainId: string;
  /** Newest stored block; its state may not be readable yet (chain 2.2). */
  readonly latestHeight: bigint;
  readonly latestTimeMs: number;
  readonly catchingUp: boolean;
};

export type Block = {
  readonly height: bigint;
  /** 32 bytes: the block id's hash. */
  readonly hash: Uint8Array;
  /** Header time, milliseconds since the Unix epoch. */
  readonly timeMs: number;
};

export type ChainEvent = {
  readonly type: string;
  readonly attributes: readonly { readonly key: string; readonly value: string }[];
};

export type TxResult = {
  /** Upper-case hex of sha256 of the transaction's bytes. */
  readonly hash: string;
  readonly height: bigint;
  readonly index: number;
  readonly code: number;
  readonly codespace: string;
  readonly log: string;
  readonly gasUsed: bigint;
  readonly gasWanted: bigint;
  readonly events: readonly ChainEvent[];
};

export type BlockResults = {
  readonly height: bigint;
  readonly txs: readonly TxResult[];
  /** Events of BeginBlock and EndBlock, in the chain's order. */
  readonly events: readonly ChainEvent[];
};

export type BroadcastResult = {
  readonly hash: string;
  readonly code: number;
  readonly codespace: string;
  readonly log: string;
};

/**
 * The chain over CometBFT RPC. Every call throws AppError: CHAIN_NOT_FOUND (abci code 22 of codespace sdk, nothing else),
 * CHAIN_REFUSED (any other refusal; fields code, codespace, log; codespace "rpc" for JSON-RPC error objects),
 * CHAIN_UNREACHABLE, CHAIN_TIMEOUT, CHAIN_BAD_ANSWER.
 */
export type ChainClient = {
  status(): Promise<ChainStatus>;
  /** One ABCI query; at the newest height unless `height` is given. */
  query<Req, Res>(query: Query<Req, Res>, request: Req, height?: bigint): Promise<Res>;
  /** The newest stored block unless `height` is given. */
  block(height?: bigint): Promise<Block>;
  blockResults(height: bigint): Promise<BlockResults>;
  /** CheckTx's verdict, code 0 = in the node's mempool. A duplicate answers code 19, a full mempool 20 (mining-path 5.5). */
  broadcast(tx: Uint8Array): Promise<BroadcastResult>;
  /** Undefined when the node does not (yet) know the transaction; the indexer runs behind the block (chain 2.2). */
  tx(hash: string): Promise<TxResult | undefined>;
  /** Runs the transaction on the committed state; CHAIN_TX_REFUSED (fields code, codespace, log) when it would fail (chain 4.4). */
  simulate(tx: Uint8Array): Promise<{ readonly gasUsed: bigint }>;
  close(): Promise<void>;
};
