import { createHash } from "node:crypto";
import type { BackendBlock, BackendResults, BackendTx, BackendTxResult } from "../backend.ts";
import type { BlockOutcome } from "./block.ts";
import { txHash } from "./tx.ts";

const sha256 = (text: string): Uint8Array => new Uint8Array(createHash("sha256").update(text).digest());

/** Blocks and what came of them, the newest `keep` of them, and the index of transactions. */
export class Ledger {
  readonly #seed: string;
  readonly #keep: bigint;
  readonly #blocks = new Map<bigint, BackendBlock>();
  readonly #results = new Map<bigint, BackendResults>();
  readonly #index = new Map<string, BackendTx>();
  readonly #lies = new Map<bigint, Uint8Array>();
  #stored = 0n;
  #executed = 0n;

  /** `seed` decides on all hashes: the same seed and height give the same hash, whatever is in the block. */
  constructor(seed: string, keep = 10_000n) {
    this.#seed = seed;
    this.#keep = keep;
  }

  get stored(): bigint {
    return this.#stored;
  }

  get executed(): bigint {
    return this.#executed;
  }

  blockHash(height: bigint): Uint8Array {
    return sha256(`${this.#seed}/block/${height}`);
  }

  /** Stores a block that is not executed yet (chain 2.2). */
  store(height: bigint, timeNs: bigint, txs: readonly Uint8Array[]): BackendBlock {
    const block = { height, hash: this.blockHash(height), timeNs, appHash: this.#appHash(height - 1n), txs };
    this.#blocks.set(height, block);
    this.#stored = height;
    return block;
  }

  /** Makes the results of the newest stored block readable. */
  execute(height: bigint, { txs, events }: BlockOutcome): void {
    const results: readonly BackendTxResult[] = txs.map(
      ({ code, codespace, log, data, gasWanted, gasUsed, events: own }) => ({
        code,
        codespace,
        log,
        data,
        gasWanted,
        gasUsed,
        events: own,
      }),
    );
    this.#results.set(height, { height, txs: results, events, appHash: this.#appHash(height) });
    this.#executed = height;
    this.#forget(height - this.#keep);
  }

  /** Makes the transactions of a block findable by hash. */
  index(height: bigint): void {
    for (const [index, tx] of (this.#blocks.get(height)?.txs ?? []).entries())
      this.#index.set(txHash(tx), { height, index });
  }

  block(height: bigint): BackendBlock | undefined {
    const block = this.#blocks.get(height);
    const lie = this.#lies.get(height);
    return block === undefined || lie === undefined ? block : { ...block, hash: lie };
  }

  results(height: bigint): BackendResults | undefined {
    return this.#results.get(height);
  }

  tx(hash: string): BackendTx | undefined {
    return this.#index.get(hash);
  }

  /** From now on asking for the block gives another hash than the one that counts on chain. */
  lieAbout(height: bigint): Uint8Array {
    const lie = sha256(`${this.#seed}/lie/${height}`);
    this.#lies.set(height, lie);
    return lie;
  }

  #appHash(height: bigint): Uint8Array {
    return sha256(`${this.#seed}/app/${height}`);
  }

  #forget(height: bigint): void {
    for (const tx of this.#blocks.get(height)?.txs ?? []) this.#index.delete(txHash(tx));
    this.#blocks.delete(height);
    this.#results.delete(height);
  }
}
