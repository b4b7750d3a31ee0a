import type { Backend, BackendBlock } from "../backend.ts";
import type { RpcParams } from "./envelope.ts";
import { parseEventQuery } from "./event-query.ts";
import { eventMap } from "./events.ts";
import { type Args, type ParamSpec, readParams, readQueryParams } from "./params.ts";
import { internalError } from "./rpc-error.ts";
import { order, page, searchTxs } from "./search.ts";
import * as shapes from "./shapes.ts";

export type Method = {
  readonly names: readonly string[];
  post(params: RpcParams): Promise<unknown>;
  get(search: URLSearchParams): Promise<unknown>;
};
export type Methods = ReadonlyMap<string, Method>;

const HEIGHT = { height: "int" } as const;
const SEARCH = { query: "text", prove: "bool", page: "int", per_page: "int", order_by: "text" } as const;
const SEARCH_BLOCKS = { query: "text", page: "int", per_page: "int", order_by: "text" } as const;

function method<Spec extends ParamSpec>(spec: Spec, run: (args: Args<Spec>) => unknown): Method {
  return {
    names: Object.keys(spec),
    post: async (params) => run(readParams(spec, params)),
    get: async (search) => run(readQueryParams(spec, search)),
  };
}

/** The methods a relay miner touches, over HTTP (chain 2.3); subscriptions belong to the WebSocket. */
export function rpcMethods(backend: Backend, rpcAddress: () => string): Methods {
  return new Map(
    Object.entries({
      health: method({}, () => ({})),
      status: method({}, () => shapes.status(backend, rpcAddress())),
      ...blockMethods(backend),
      ...abciMethods(backend),
      ...txMethods(backend),
    }),
  );
}

function blockMethods(backend: Backend) {
  const at = (height: bigint | undefined) => storedBlock(backend, height);
  return {
    block: method(HEIGHT, ({ height }) => blockAnswer(backend, at(height))),
    header: method(HEIGHT, ({ height }) => ({ header: shapes.header(backend, at(height)) })),
    commit: method(HEIGHT, ({ height }) => {
      const block = at(height);
      const signed = {
        header: shapes.header(backend, block),
        commit: shapes.commit(block, backend.block(block.height + 1n)),
      };
      return { signed_header: signed, canonical: block.height !== backend.status().stored };
    }),
    block_results: method(HEIGHT, ({ height }) => {
      const block = at(height);
      const results = backend.results(block.height);
      if (results === undefined) throw internalError(`could not find results for height #${block.height}`);
      return shapes.blockResults(results);
    }),
    validators: method({ height: "int", page: "int", per_page: "int" }, ({ height }) => {
      const block_height = height === undefined ? backend.status().stored + 1n : at(height).height;
      return { block_height: String(block_height), validators: [shapes.validator], count: "1", total: "1" };
    }),
    block_search: method(SEARCH_BLOCKS, ({ query, page: wanted, per_page, order_by }) => {
      const matches = parseEventQuery(query ?? "");
      const found: BackendBlock[] = [];
      for (let height = 1n; height <= backend.status().executed; height++) {
        const [block, results] = [backend.block(height), backend.results(height)];
        if (block && results && matches(eventMap(results.events, { "block.height": String(height) })))
          found.push(block);
      }
      const blocks = page(order(found, order_by ?? "desc"), wanted, per_page);
      return {
        blocks: blocks.map((block) => blockAnswer(backend, block)),
        total_count: String(found.length),
      };
    }),
  };
}

const blockAnswer = (backend: Backend, block: BackendBlock) => ({
  block_id: shapes.blockId(block),
  block: shapes.block(backend, block),
});

function storedBlock(backend: Backend, height: bigint | undefined): BackendBlock {
  const { stored } = backend.status();
  const wanted = height ?? stored;
  if (wanted <= 0n) throw internalError(`height must be greater than 0, but got ${wanted}`);
  if (wanted > stored)
    throw internalError(
      `height ${wanted} must be less than or equal to the current blockchain height ${stored}`,
    );
  const block = backend.block(wanted);
  if (block === undefined) throw internalError(`block at height ${wanted} is not stored`);
  return block;
}

function abciMethods(backend: Backend) {
  return {
    abci_info: method({}, () => {
      const { executed } = backend.status();
      const appHash = backend.results(executed)?.appHash;
      const last = {
        last_block_height: String(executed),
        last_block_app_hash: appHash ? shapes.base64(appHash) : "",
      };
      return { response: { data: "pocket", ...last } };
    }),
    abci_query: method(
      { path: "text", data: "hex", height: "int", prove: "bool" },
      async ({ path = "", data = new Uint8Array(), height = 0n }) => {
        const answer = await backend.query(path, data, height);
        const value = answer.value?.length ? shapes.base64(answer.value) : null;
        return {
          response: {
            code: answer.code,
            log: answer.log,
            info: "",
            index: "0",
            key: null,
            value,
            proofOps: null,
            height: String(answer.height),
            codespace: answer.codespace,
          },
        };
      },
    ),
  };
}

function txMethods(backend: Backend) {
  const broadcast = async (tx: Uint8Array) => {
    const checked = await backend.checkTx(tx);
    if ("refused" in checked) throw internalError(checked.refused);
    const { code, log, codespace } = checked;
    return { code, data: "", log, codespace, hash: shapes.txHash(tx) };
  };
  return {
    broadcast_tx_sync: method({ tx: "base64" }, ({ tx = new Uint8Array() }) => broadcast(tx)),
    broadcast_tx_async: method({ tx: "base64" }, async ({ tx = new Uint8Array() }) => {
      await broadcast(tx);
      return { code: 0, data: "", log: "", codespace: "", hash: shapes.txHash(tx) };
    }),
    tx: method({ hash: "base64", prove: "bool" }, ({ hash = new Uint8Array() }) => {
      const name = shapes.upperHex(hash);
      const place = backend.tx(name);
      const tx = place && backend.block(place.height)?.txs[place.index];
      const result = place && backend.results(place.height)?.txs[place.index];
      if (!(place && tx && result)) throw internalError(`tx (${name}) not found`);
      return txAnswer({ ...place, tx, result });
    }),
    tx_search: method(SEARCH, ({ query, page: wanted, per_page, order_by }) => {
      const found = searchTxs(backend, parseEventQuery(query ?? ""));
      const txs = page(order(found, order_by ?? ""), wanted, per_page);
      return { txs: txs.map(txAnswer), total_count: String(found.length) };
    }),
    num_unconfirmed_txs: method({}, () => {
      const waiting = backend.mempool();
      const bytes = waiting.reduce((sum, tx) => sum + tx.length, 0);
      const count = String(waiting.length);
      return { n_txs: count, total: count, total_bytes: String(bytes), txs: null };
    }),
  };
}

type FoundTx = ReturnType<typeof searchTxs>[number];

const txAnswer = ({ height, index, tx, result }: FoundTx) => ({
  hash: shapes.txHash(tx),
  height: String(height),
  index,
  tx_result: shapes.txResult(result),
  tx: shapes.base64(tx),
});
