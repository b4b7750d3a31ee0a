import type { Clock } from "../../base/clock.ts";
import { AppError, toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type {
  BackendBlock,
  BackendQueryAnswer,
  BackendResults,
  BackendStatus,
  BackendTx,
  CheckTxAnswer,
} from "../backend.ts";
import type { BlockContext, MoneyHooks } from "../context.ts";
import type { Genesis } from "../genesis.ts";
import { type ChainState, fork, StateStore } from "../state.ts";
import { executeBlock } from "./block.ts";
import { BlockTime } from "./block-time.ts";
import type { TxRules } from "./execute.ts";
import { writeGenesis } from "./genesis-state.ts";
import { Ledger } from "./ledger.ts";
import { Mempool } from "./mempool.ts";
import { messageRegistry } from "./messages/registry.ts";
import { answerQuery, type QueryHandler, refused } from "./queries/answer.ts";
import { cosmosQueries } from "./queries/cosmos.ts";
import { pocketQueries } from "./queries/pocket.ts";
import { proofQueries } from "./queries/proofs.ts";
import { txHash } from "./tx.ts";

export type ChainSettings = {
  /** How long a block is stored but not executed yet (chain 2.2). */
  commitRaceMs: number;
  /** How long after its commit a block's transactions cannot be found by hash yet. */
  indexerDelayMs: number;
};

export type ChainOptions = {
  readonly genesis: Genesis;
  readonly hooks: MoneyHooks;
  readonly clock: Clock;
  readonly log?: Logger | undefined;
  /** Overrides the genesis. */
  readonly blockTimeMs?: number | undefined;
  /** Blocks come only from `step`, and their times by count: nothing depends on the wall clock then. */
  readonly manual?: boolean | undefined;
  readonly settings?: Partial<ChainSettings> | undefined;
};

export type Intervention = (state: ChainState, ctx: BlockContext) => void;

/** Of a transaction in a block. */
export type Included = { readonly height: bigint; readonly code: number; readonly log: string };

const GENESIS_TIME_MS = Date.UTC(2026, 0, 1);

/** The chain itself: state, blocks, mempool and queries, without a network. */
export class DevnetChain {
  readonly genesis: Genesis;
  readonly settings: ChainSettings;
  readonly manual: boolean;
  readonly blockTimeMs: number;
  readonly mempool: Mempool;
  readonly ledger: Ledger;
  readonly time: BlockTime;
  readonly #rules: TxRules & { readonly hooks: MoneyHooks };
  readonly #clock: Clock;
  readonly #log: Logger | undefined;
  readonly #store: StateStore;
  readonly #queries: ReadonlyMap<string, QueryHandler>;
  readonly #listeners = new Set<(height: bigint) => void>();
  readonly #closing = new AbortController();
  #interventions: Intervention[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  #loop: Promise<void> | undefined;
  #halted = false;

  constructor({ genesis, hooks, clock, log, blockTimeMs, manual = false, settings }: ChainOptions) {
    this.genesis = genesis;
    this.manual = manual;
    this.blockTimeMs = blockTimeMs ?? genesis.blockTimeMs;
    if (!manual && this.blockTimeMs < 200)
      throw new AppError("USAGE", "blocks take at least 200 ms", { blockTimeMs: this.blockTimeMs });
    this.settings = { commitRaceMs: 0, indexerDelayMs: 0, ...settings };
    this.#clock = clock;
    this.#log = log;
    this.#rules = { registry: messageRegistry(hooks), minGasPrice: genesis.minGasPrice, hooks };
    const genesisMs = genesis.genesisTimeMs ?? (manual ? GENESIS_TIME_MS : clock.now());
    this.time = new BlockTime(genesisMs, this.blockTimeMs, manual ? undefined : clock);
    this.#store = new StateStore(genesis.chainId);
    const start = fork(this.#store.latest(), { timeNs: BigInt(genesisMs) * 1_000_000n });
    writeGenesis(start, genesis);
    this.#store.commit(start);
    this.ledger = new Ledger(`${genesis.seed}/${genesis.chainId}`);
    this.mempool = new Mempool(this.#store.latest(), this.#rules);
    this.#queries = new Map([...pocketQueries(), ...proofQueries(), ...cosmosQueries(this.#rules)]);
  }

  /** The newest committed state; read only. */
  get latest(): ChainState {
    return this.#store.latest();
  }

  /** A halted chain answers but makes no blocks by itself. */
  get halted(): boolean {
    return this.#halted;
  }

  halt(): void {
    this.#halted = true;
  }

  resume(): void {
    this.#halted = false;
  }

  status(): BackendStatus {
    const { stored, executed } = this.ledger;
    return { chainId: this.genesis.chainId, stored, executed, catchingUp: false };
  }

  block(height: bigint): BackendBlock | undefined {
    return this.ledger.block(height);
  }

  results(height: bigint): BackendResults | undefined {
    return this.ledger.results(height);
  }

  tx(hash: string): BackendTx | undefined {
    return this.ledger.tx(hash);
  }

  checkTx(tx: Uint8Array): CheckTxAnswer {
    return this.mempool.add(tx);
  }

  query(path: string, data: Uint8Array, height: bigint): BackendQueryAnswer {
    const handle = this.#queries.get(path);
    if (handle === undefined) return refused(6, "unknown query path: unknown request", 0n);
    const newest = this.#store.height;
    if (height > newest)
      return refused(
        26,
        "cannot query with height in the future; please provide a valid height: invalid height",
        0n,
      );
    const state = this.#store.at(height === 0n ? newest : height);
    if (state !== undefined) return answerQuery(state, handle, data);
    return refused(
      18,
      `failed to load state at height ${height}; version does not exist (latest height: ${newest}): invalid request`,
      0n,
    );
  }

  /** Called after execution and commit of each block. Returns the way to stop. */
  onBlock(listener: (height: bigint) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The change is made in the next block; resolves with its height once that is committed. Rejects with what the change throws. */
  intervene(change: Intervention): Promise<bigint> {
    return new Promise((resolve, reject) => {
      this.#interventions.push((state, ctx) => {
        try {
          const own = fork(state);
          change(own, ctx);
          own.commit();
          const stop = this.onBlock((height) => {
            stop();
            resolve(height);
          });
        } catch (thrown) {
          reject(toError(thrown));
        }
      });
    });
  }

  /** Resolves once a block with the transaction is committed; with undefined when it left the mempool without one. */
  included(hash: string): Promise<Included | undefined> {
    return new Promise((resolve) => {
      const stop = this.onBlock((height) => {
        const index = this.ledger.block(height)?.txs.findIndex((tx) => txHash(tx) === hash) ?? -1;
        const result = this.ledger.results(height)?.txs[index];
        if (result === undefined && this.mempool.has(hash)) return;
        stop();
        resolve(result && { height, code: result.code, log: result.log });
      });
    });
  }

  /** Makes one block and resolves with its height once it is committed. With `jump` the chain's clock moves on by a block's time. */
  step(jump = false): Promise<bigint> {
    const turn = this.#turn.then(() => this.#makeBlock(jump));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** Makes the first block and, unless manual, goes on by itself. */
  async start(): Promise<void> {
    await this.step();
    if (!this.manual) this.#loop = this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#loop;
    await this.#turn;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let next = this.#clock.monotonic() + this.blockTimeMs;
    while (!signal.aborted) {
      await this.#clock.sleep(Math.max(1, next - this.#clock.monotonic()), signal);
      next = Math.max(next + this.blockTimeMs, this.#clock.monotonic());
      if (signal.aborted || this.#halted) continue;
      await this.step().catch((thrown: unknown) => {
        this.#halted = true;
        this.#log?.error({ error: toError(thrown).stack }, "the devnet chain halted: a block failed");
      });
    }
  }

  async #makeBlock(jump: boolean): Promise<bigint> {
    const { signal } = this.#closing;
    const height = this.#store.height + 1n;
    const { timeNs, hash, txs } = this.ledger.store(height, this.time.next(jump), this.mempool.nextBlock());
    if (this.settings.commitRaceMs > 0) await this.#clock.sleep(this.settings.commitRaceMs, signal);
    const interventions = this.#interventions;
    this.#interventions = [];
    const outcome = executeBlock(this.latest, { height, timeNs, hash, txs, interventions }, this.#rules);
    this.#store.commit(outcome.state);
    const included = txs.map((bytes, index) => ({ bytes, code: outcome.txs[index]?.code ?? 1 }));
    this.mempool.committed(this.latest, included);
    this.ledger.execute(height, outcome);
    this.time.committed();
    if (this.settings.indexerDelayMs > 0) void this.#indexLater(height);
    else this.ledger.index(height);
    for (const listener of [...this.#listeners]) listener(height);
    return height;
  }

  async #indexLater(height: bigint): Promise<void> {
    await this.#clock.sleep(this.settings.indexerDelayMs, this.#closing.signal);
    this.ledger.index(height);
  }
}
