import { createHash } from "node:crypto";
import { toHex, utf8 } from "../../base/bytes.ts";
import type { Backend, BackendBlock, BackendEvent, BackendResults, BackendTxResult } from "../backend.ts";

// The JSON forms of CometBFT 0.38 (recordings/cometbft). Hashes that only consensus needs are stable filler (chain 13).

const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};
export const upperHex = (bytes: Uint8Array): string => toHex(bytes).toUpperCase();
export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
export const txHash = (tx: Uint8Array): string => upperHex(sha256(tx));

const filler = (...labels: readonly string[]): Uint8Array => sha256(utf8(labels.join("/")));
const EMPTY_HASH = upperHex(sha256());
const VALIDATOR_KEY = filler("validator key");
const VALIDATOR_ADDRESS = upperHex(sha256(VALIDATOR_KEY).slice(0, 20));
const VALIDATORS_HASH = upperHex(filler("validators"));
const CONSENSUS_HASH = upperHex(filler("consensus params"));
const VOTING_POWER = "900";
const CONSENSUS_PARAMS = {
  block: { max_bytes: "22020096", max_gas: "-1" },
  evidence: { max_age_num_blocks: "100000", max_age_duration: "172800000000000", max_bytes: "1048576" },
  validator: { pub_key_types: ["ed25519"] },
  version: {},
  abci: {},
};
const NO_BLOCK_ID = { hash: "", parts: { total: 0, hash: "" } };

/** RFC 3339 with up to nine decimals, trailing zeros cut off, as Go prints times. */
function goTime(ns: bigint): string {
  const seconds = ns / 1_000_000_000n;
  const whole = new Date(Number(seconds) * 1_000).toISOString().slice(0, 19);
  const decimals = (ns % 1_000_000_000n).toString().padStart(9, "0").replace(/0+$/, "");
  return decimals === "" ? `${whole}Z` : `${whole}.${decimals}Z`;
}

export const blockId = ({ hash }: BackendBlock) => ({
  hash: upperHex(hash),
  parts: { total: 1, hash: upperHex(sha256(hash)) },
});

export function header(backend: Backend, block: BackendBlock) {
  const last = backend.block(block.height - 1n);
  const lastResults = last?.txs.length ? upperHex(filler("results", String(last.height))) : EMPTY_HASH;
  return {
    version: { block: "11" },
    chain_id: backend.status().chainId,
    height: String(block.height),
    time: goTime(block.timeNs),
    last_block_id: last ? blockId(last) : NO_BLOCK_ID,
    last_commit_hash: last ? upperHex(filler("commit", String(last.height))) : EMPTY_HASH,
    data_hash: upperHex(sha256(...block.txs.map((tx) => sha256(tx)))),
    validators_hash: VALIDATORS_HASH,
    next_validators_hash: VALIDATORS_HASH,
    consensus_hash: CONSENSUS_HASH,
    app_hash: upperHex(block.appHash),
    last_results_hash: lastResults,
    evidence_hash: EMPTY_HASH,
    proposer_address: VALIDATOR_ADDRESS,
  };
}

/** The votes for a block; their time is the next block's header time (chain 2.3). */
export function commit(block: BackendBlock, next: BackendBlock | undefined) {
  const signature = Buffer.concat([filler("r", String(block.height)), filler("s", String(block.height))]);
  return {
    height: String(block.height),
    round: 0,
    block_id: blockId(block),
    signatures: [
      {
        block_id_flag: 2,
        validator_address: VALIDATOR_ADDRESS,
        timestamp: goTime((next ?? block).timeNs),
        signature: base64(signature),
      },
    ],
  };
}

export function block(backend: Backend, of: BackendBlock) {
  const last = backend.block(of.height - 1n);
  return {
    header: header(backend, of),
    data: { txs: of.txs.map(base64) },
    evidence: { evidence: [] },
    last_commit: last ? commit(last, of) : { height: "0", round: 0, block_id: NO_BLOCK_ID, signatures: [] },
  };
}

const event = ({ type, attributes }: BackendEvent) => ({
  type,
  attributes: attributes.map(({ key, value }) => ({ key, value, index: true })),
});

export const txResult = (result: BackendTxResult) => ({
  code: result.code,
  data: result.data === undefined ? null : base64(result.data),
  log: result.log,
  info: "",
  gas_wanted: String(result.gasWanted),
  gas_used: String(result.gasUsed),
  events: result.events.map(event),
  codespace: result.codespace,
});

export const blockResults = (results: BackendResults) => ({
  height: String(results.height),
  txs_results: results.txs.length === 0 ? null : results.txs.map(txResult),
  finalize_block_events: results.events.map(event),
  validator_updates: null,
  consensus_param_updates: CONSENSUS_PARAMS,
  app_hash: base64(results.appHash),
});

/** What a NewBlock event carries of the results: lists are empty there, not null (recordings/websocket). */
export const finalizeBlock = (results: BackendResults) => ({
  events: results.events.map(event),
  ...(results.txs.length === 0 ? {} : { tx_results: results.txs.map(txResult) }),
  validator_updates: [],
  consensus_param_updates: CONSENSUS_PARAMS,
  app_hash: base64(results.appHash),
});

/** In events a transaction's result is protobuf JSON: zero values are left out. */
export function protoTxResult(result: BackendTxResult) {
  const { code, data, log, info, gas_wanted, gas_used, events, codespace } = txResult(result);
  const fields = { code, data, log, info, gas_wanted, gas_used, events, codespace };
  const isZero = (value: unknown) => value === 0 || value === "" || value === "0" || value === null;
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isZero(value)));
}

const validatorKey = { type: "tendermint/PubKeyEd25519", value: base64(VALIDATOR_KEY) };

export const validator = {
  address: VALIDATOR_ADDRESS,
  pub_key: validatorKey,
  voting_power: VOTING_POWER,
  proposer_priority: "0",
};

export function status(backend: Backend, rpcAddress: string) {
  const { chainId, stored, catchingUp } = backend.status();
  const latest = backend.block(stored);
  const earliest = backend.block(1n);
  return {
    node_info: {
      protocol_version: { p2p: "8", block: "11", app: "0" },
      id: toHex(filler("node id").slice(0, 20)),
      listen_addr: "tcp://127.0.0.1:26656",
      network: chainId,
      version: "0.38.22",
      channels: "40202122233038606100",
      moniker: "devnet",
      other: { tx_index: "on", rpc_address: rpcAddress },
    },
    sync_info: {
      latest_block_hash: latest ? upperHex(latest.hash) : "",
      latest_app_hash: latest ? upperHex(latest.appHash) : "",
      latest_block_height: String(stored),
      latest_block_time: latest ? goTime(latest.timeNs) : "1970-01-01T00:00:00Z",
      earliest_block_hash: earliest ? upperHex(earliest.hash) : "",
      earliest_app_hash: earliest ? upperHex(earliest.appHash) : "",
      earliest_block_height: earliest ? "1" : "0",
      earliest_block_time: earliest ? goTime(earliest.timeNs) : "1970-01-01T00:00:00Z",
      catching_up: catchingUp,
    },
    validator_info: { address: VALIDATOR_ADDRESS, pub_key: validatorKey, voting_power: VOTING_POWER },
  };
}
