import type { Backend, BackendBlock, BackendEvent, BackendResults, BackendTxResult } from "../backend.ts";
import type { EventMap } from "./event-query.ts";
import { base64, block, blockId, finalizeBlock, header, protoTxResult, txHash } from "./shapes.ts";

/** One published event: what subscriptions match against and what their frames carry (recordings/websocket). */
export type Published = {
  readonly events: EventMap;
  readonly data: { readonly type: string; readonly value: unknown };
};

/** Composite keys of a list of events with all their values; `extra` has the keys that CometBFT adds. */
export function eventMap(
  events: readonly BackendEvent[],
  extra: Readonly<Record<string, string>> = {},
): Record<string, string[]> {
  const map: Record<string, string[]> = {};
  for (const { type, attributes } of events)
    for (const { key, value } of attributes) {
      const name = `${type}.${key}`;
      const values = map[name];
      if (values) values.push(value);
      else map[name] = [value];
    }
  for (const [name, value] of Object.entries(extra)) map[name] = [value];
  return map;
}

export const txEvents = (result: BackendTxResult, height: bigint, hash: string) =>
  eventMap(result.events, { "tx.hash": hash, "tx.height": String(height) });

/** What a node publishes once a block is executed and committed, in its order. */
export function publishedOf(
  backend: Backend,
  of: BackendBlock,
  results: BackendResults,
): readonly Published[] {
  const newBlock = {
    block: block(backend, of),
    block_id: blockId(of),
    result_finalize_block: finalizeBlock(results),
  };
  return [
    {
      events: { ...eventMap(results.events), "tm.event": ["NewBlock"] },
      data: { type: "tendermint/event/NewBlock", value: newBlock },
    },
    {
      events: { "tm.event": ["NewBlockHeader"] },
      data: { type: "tendermint/event/NewBlockHeader", value: { header: header(backend, of) } },
    },
    ...results.txs.map((result, index) => txPublished(of, result, index)),
  ];
}

function txPublished(of: BackendBlock, result: BackendTxResult, index: number): Published {
  const tx = of.txs[index] ?? new Uint8Array();
  const value = {
    height: String(of.height),
    ...(index === 0 ? {} : { index }),
    tx: base64(tx),
    result: protoTxResult(result),
  };
  return {
    events: { ...txEvents(result, of.height, txHash(tx)), "tm.event": ["Tx"] },
    data: { type: "tendermint/event/Tx", value: { TxResult: value } },
  };
}
