import { AppError, toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { broadcastTx, prepareTx, type SentTx } from "../../chain/node/tx-sender.ts";
import type { Block, ChainClient } from "../../chain/node/types.ts";
import type { Any } from "../../chain/proto/cosmos.ts";
import { TimeoutNonces, type TimeoutRules, txTimeout } from "../../chain/protocol/tx/timeout.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import type { Turns } from "./turns.ts";

/** One message of a session, on its way to the chain. */
export type Item = {
  readonly sessionId: string;
  readonly message: Any;
  /** Hex for the tracking record: a claim's root, a proof's bytes. */
  readonly hash: string;
};

export type Submitted =
  | {
      readonly outcome: "accepted";
      readonly txHash: string;
      readonly height: bigint;
      /** This message's part of the transaction's fee, in upokt, rounded up. */
      readonly feeUpokt: bigint;
    }
  /** The broadcast was not answered: the transaction may be on its way. */
  | {
      readonly outcome: "unanswered";
      readonly txHash: string;
      readonly height: bigint;
      readonly text: string;
    }
  /** The chain refuses this very message; `text` is its reason. */
  | { readonly outcome: "refused"; readonly text: string }
  /** Nothing has reached the chain; to be tried again at the next block. */
  | { readonly outcome: "failed"; readonly text: string };

export type SubmitOptions = {
  readonly client: Pick<ChainClient, "query" | "simulate" | "broadcast">;
  readonly keys: Pick<KeyRing, "publicKey" | "sign">;
  readonly chainId: string;
  readonly gas: { readonly limit: bigint; readonly price: string; readonly adjustment: number };
  readonly timeout: TimeoutRules;
  readonly blockTimeMs: () => number;
  readonly latestBlock: () => Block | undefined;
  /** Transactions of all suppliers that are made and sent at once. */
  readonly turns: Turns;
  readonly logger: Logger;
};

export type Order = {
  readonly supplier: string;
  readonly items: readonly Item[];
  /** Last block of the window. */
  readonly close: bigint;
  /** False: each message goes by itself. */
  readonly together: boolean;
  /** Whether the supplier is still ours: asked right before anything leaves. */
  readonly isOurs: () => boolean;
};

const ALREADY_THERE = 19;
/** Below what nodes take by default: a mempool's limit is 1 MiB a transaction. */
const MOST_BYTES = 700_000;
const MOST_MESSAGES = 250;
/** Refusals of a whole transaction that a smaller one may not meet: out of gas, too large (mining-path 5.5). */
const TOO_MUCH = new Set([11, 21]);

/**
 * Sends messages of one supplier in as few transactions as they fit in. A message that the chain refuses does not take the others down;
 * where the chain does not say which it was, the halves are tried.
 */
export class Submitter {
  readonly #options: SubmitOptions;
  readonly #nonces = new TimeoutNonces();

  constructor(options: SubmitOptions) {
    this.#options = options;
  }

  /** The outcome of every item by session. Never throws. */
  async submit(order: Order): Promise<ReadonlyMap<string, Submitted>> {
    const results = new Map<string, Submitted>();
    const waiting = portions(order);
    for (let items = waiting.shift(); items !== undefined; items = waiting.shift()) {
      try {
        const next = items;
        const sent = await this.#options.turns.take(order.close, () => this.#send(order, next));
        for (const { sessionId } of items) results.set(sessionId, accepted(sent, items.length));
      } catch (thrown) {
        waiting.unshift(...afterRefusal(thrown, items, results));
      }
    }
    return results;
  }

  async #send(
    { supplier, close, isOurs }: Order,
    items: readonly Item[],
  ): Promise<SentTx & { height: bigint }> {
    const { client, keys, chainId, gas, latestBlock, logger } = this.#options;
    const block = latestBlock();
    if (block === undefined) throw new AppError("CHAIN_UNREACHABLE", "no block was seen yet");
    const prepared = await prepareTx({
      client,
      messages: items.map(({ message }) => message),
      signer: {
        address: supplier,
        publicKey: keys.publicKey(supplier),
        sign: (digest) => keys.sign(supplier, digest),
      },
      chainId,
      gas,
      timeoutNs: this.#timeout(supplier, block, close),
    });
    if (!isOurs()) throw new AppError("LEASE_LOST", "the supplier is another miner's by now");
    const sent = await broadcastTx(client, prepared).catch((thrown: unknown) => {
      throw unanswered(thrown, prepared.hash, block.height);
    });
    logger.info(
      { supplier, tx: sent.hash, code: sent.code, messages: items.length, fee: sent.feeUpokt.toString() },
      "transaction broadcast",
    );
    if (sent.code !== 0 && sent.code !== ALREADY_THERE)
      throw new AppError("CHAIN_TX_REFUSED", sent.log, {
        code: sent.code,
        codespace: sent.codespace,
        log: sent.log,
        checked: true,
      });
    return { ...sent, height: block.height };
  }

  /** Anchored on the chain's time, which the chain compares it with; unique per supplier, because it is the nonce (mining-path 5.2). */
  #timeout(supplier: string, block: Block, close: bigint): bigint {
    const { timeout, blockTimeMs } = this.#options;
    const leftNs = BigInt(Math.round(Number(close - block.height) * blockTimeMs() * 1e6));
    return this.#nonces.next(supplier, block.timeMs, txTimeout(leftNs, timeout).durationNs);
  }
}

/** What goes into one transaction each. */
function portions({ items, together }: Order): Item[][] {
  const all: Item[][] = [];
  let bytes = 0;
  for (const item of items) {
    const last = all.at(-1);
    const size = item.message.value.length;
    if (last === undefined || !together || last.length >= MOST_MESSAGES || bytes + size > MOST_BYTES) {
      all.push([item]);
      bytes = size;
    } else {
      last.push(item);
      bytes += size;
    }
  }
  return all;
}

/** Notes what is decided and answers what is to be tried again, in the order to be tried. */
function afterRefusal(thrown: unknown, items: Item[], results: Map<string, Submitted>): Item[][] {
  const text = reasonOf(thrown);
  const index = refusedIndex(thrown, items.length);
  const refused = index === undefined ? undefined : items[index];
  if (refused !== undefined) {
    results.set(refused.sessionId, { outcome: "refused", text });
    const others = items.filter((item) => item !== refused);
    return others.length > 0 ? [others] : [];
  }
  if (items.length > 1 && mayFitInHalves(thrown)) {
    const half = items.length >> 1;
    return [items.slice(0, half), items.slice(half)];
  }
  const decided = decidedBy(thrown);
  for (const { sessionId } of items) results.set(sessionId, decided);
  return [];
}

const unanswered = (thrown: unknown, txHash: string, height: bigint): AppError =>
  new AppError("TX_UNANSWERED", toError(thrown).message, { txHash, height }, thrown);

function decidedBy(thrown: unknown): Submitted {
  const text = reasonOf(thrown);
  if (!(thrown instanceof AppError) || thrown.code !== "TX_UNANSWERED") return { outcome: "failed", text };
  const { txHash, height } = thrown.fields as { readonly txHash: string; readonly height: bigint };
  return { outcome: "unanswered", txHash, height, text };
}

const accepted = ({ hash, height, feeUpokt }: SentTx & { height: bigint }, messages: number): Submitted => ({
  outcome: "accepted",
  txHash: hash,
  height,
  feeUpokt: (feeUpokt + BigInt(messages) - 1n) / BigInt(messages),
});

/** Whether a node did not answer in time: it may have too much to do. */
export const isLate = (thrown: unknown): boolean =>
  thrown instanceof AppError &&
  (thrown.code === "CHAIN_TIMEOUT" || (thrown.code === "TX_UNANSWERED" && isLate(thrown.cause)));

const isRefusal = (thrown: unknown): thrown is AppError =>
  thrown instanceof AppError && thrown.code === "CHAIN_TX_REFUSED";

/** Which message a failed simulation blames (chain 4.3). */
function refusedIndex(thrown: unknown, messages: number): number | undefined {
  if (!isRefusal(thrown) || thrown.fields["checked"] === true) return undefined;
  const found = /failed to execute message; message index: (\d+)/.exec(reasonOf(thrown))?.[1];
  if (found === undefined) return undefined;
  const index = Number(found);
  return index < messages ? index : undefined;
}

/** A simulation that failed without a name, or a transaction that is too large as it is. */
const mayFitInHalves = (thrown: unknown): boolean =>
  isRefusal(thrown) && (thrown.fields["checked"] !== true || TOO_MUCH.has(Number(thrown.fields["code"])));

function reasonOf(thrown: unknown): string {
  const error = toError(thrown);
  const log = error instanceof AppError ? error.fields["log"] : undefined;
  return typeof log === "string" && log !== "" ? log : error.message;
}
