import type { comet38 } from "@cosmjs/tendermint-rpc";
import { toHex } from "../../base/bytes.ts";
import { AppError } from "../../base/errors.ts";
import { txHash } from "../protocol/tx/build.ts";
import type { Block, BlockResults, ChainEvent, ChainStatus, TxResult } from "./types.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The four fields of `status` that count; cosmjs refuses nodes without a moniker or validator key, this does not. */
export function readStatus(result: unknown): ChainStatus {
  const node = record(record(result)["node_info"]);
  const sync = record(record(result)["sync_info"]);
  const timeMs = Date.parse(String(sync["latest_block_time"]));
  const height = String(sync["latest_block_height"]);
  if (typeof node["network"] !== "string" || !/^\d+$/.test(height) || Number.isNaN(timeMs))
    throw new AppError("CHAIN_BAD_ANSWER", "the node's status lacks its chain id, height or time");
  return {
    chainId: node["network"],
    latestHeight: BigInt(height),
    latestTimeMs: timeMs,
    catchingUp: sync["catching_up"] === true,
  };
}

const record = (value: unknown): Fields =>
  typeof value === "object" && value !== null ? (value as Fields) : {};

/** A block hash of any other length would give a wrong but well-formed proof path (mining-path 6.1). */
export function readBlock({ block, blockId }: comet38.BlockResponse): Block {
  if (blockId.hash.length !== 32)
    throw new AppError("CHAIN_BAD_ANSWER", "the block's hash is not 32 bytes", {
      bytes: blockId.hash.length,
    });
  return { height: BigInt(block.header.height), hash: blockId.hash, timeMs: block.header.time.getTime() };
}

/** Results have no hashes: they come from the block's transactions, in the same order. */
export function readBlockResults(
  answer: comet38.BlockResultsResponse,
  txs: readonly Uint8Array[],
): BlockResults {
  const height = BigInt(answer.height);
  if (txs.length !== answer.results.length)
    throw new AppError("CHAIN_BAD_ANSWER", "the block and its results differ in the number of transactions", {
      height,
    });
  const results = answer.results.map((result, index) =>
    txResult(result, { hash: txHash(txs[index] as Uint8Array), height, index }),
  );
  return { height, txs: results, events: answer.finalizeBlockEvents.map(readEvent) };
}

export const readTx = (answer: comet38.TxResponse): TxResult =>
  txResult(answer.result, {
    hash: toHex(answer.hash).toUpperCase(),
    height: BigInt(answer.height),
    index: answer.index,
  });

function txResult(result: comet38.TxData, place: Pick<TxResult, "hash" | "height" | "index">): TxResult {
  return {
    ...place,
    code: result.code,
    codespace: result.codespace ?? "",
    log: result.log ?? "",
    gasUsed: result.gasUsed,
    gasWanted: result.gasWanted,
    events: result.events.map(readEvent),
  };
}

const readEvent = ({ type, attributes }: comet38.Event): ChainEvent => ({
  type,
  attributes: attributes.map(({ key, value }) => ({ key, value })),
});
