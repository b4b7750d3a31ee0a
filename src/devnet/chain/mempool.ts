import type { CheckTxAnswer } from "../backend.ts";
import { type ChainState, type ForkedState, fork } from "../state.ts";
import { runTx, type TxRules } from "./execute.ts";
import { decodeTx, txHash } from "./tx.ts";

const CACHE_SIZE = 10_000;
const MAX_TXS = 5000;
const MAX_TX_BYTES = 1_048_576;
const MAX_BLOCK_BYTES = 20 * 1024 * 1024;

/** Transactions that wait for a block, the cache of hashes that were seen, and the state that checks run on (chain 4.1). */
export class Mempool {
  readonly #rules: TxRules;
  readonly #waiting = new Map<string, Uint8Array>();
  readonly #seen = new Set<string>();
  #state: ForkedState;
  /** How many of the next accepted transactions vanish. */
  dropNext = 0;

  constructor(latest: ChainState, rules: TxRules) {
    this.#rules = rules;
    this.#state = fork(latest);
  }

  get txs(): readonly Uint8Array[] {
    return [...this.#waiting.values()];
  }

  has(hash: string): boolean {
    return this.#waiting.has(hash);
  }

  /** Runs CheckTx; an accepted transaction waits for the next block. */
  add(bytes: Uint8Array): CheckTxAnswer {
    if (bytes.length > MAX_TX_BYTES)
      return { refused: `Tx too large. Max size is ${MAX_TX_BYTES}, but got ${bytes.length}` };
    if (this.#waiting.size >= MAX_TXS)
      return { refused: `mempool is full: number of txs ${this.#waiting.size} (max: ${MAX_TXS})` };
    const hash = txHash(bytes);
    if (this.#seen.has(hash)) return { refused: "tx already exists in cache" };
    this.#remember(hash);
    const { code, codespace, log } = runTx(this.#state, bytes, "check", this.#rules);
    if (code !== 0) this.#seen.delete(hash);
    else if (this.dropNext > 0) this.dropNext--;
    else this.#waiting.set(hash, bytes);
    return { code, codespace, log };
  }

  /**
   * What goes into the next block: by hash, as arrival decides nothing on the chain, but ordered transactions after those and as they
   * came, since their sequences follow each other.
   */
  nextBlock(): readonly Uint8Array[] {
    const ordered = ([, bytes]: readonly [string, Uint8Array]) =>
      !decodeTx(bytes, this.#rules.registry).body.unordered;
    const waiting = [...this.#waiting];
    const free = waiting
      .filter((entry) => !ordered(entry))
      .toSorted(([left], [right]) => (left < right ? -1 : 1));
    const chosen: Uint8Array[] = [];
    let size = 0;
    for (const [, bytes] of [...free, ...waiting.filter(ordered)]) {
      size += bytes.length;
      if (size > MAX_BLOCK_BYTES) break;
      chosen.push(bytes);
    }
    return chosen;
  }

  /** After a block: its transactions leave, the others are checked again on the new state, without their signatures. */
  committed(
    latest: ChainState,
    included: readonly { readonly bytes: Uint8Array; readonly code: number }[],
  ): void {
    for (const { bytes, code } of included) {
      const hash = txHash(bytes);
      this.#waiting.delete(hash);
      if (code === 0) this.#remember(hash);
      else this.#seen.delete(hash);
    }
    this.#state = fork(latest);
    for (const [hash, bytes] of this.#waiting) {
      if (runTx(this.#state, bytes, "recheck", this.#rules).code === 0) continue;
      this.#waiting.delete(hash);
      this.#seen.delete(hash);
    }
  }

  #remember(hash: string): void {
    this.#seen.delete(hash);
    this.#seen.add(hash);
    if (this.#seen.size <= CACHE_SIZE) return;
    for (const oldest of this.#seen) {
      this.#seen.delete(oldest);
      return;
    }
  }
}
