import { AppError, toError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { broadcastTx, type PreparedTx, prepareTx, type SentTx } from "../../chain/node/tx-sender.ts";
import type { Block, ChainClient } from "../../chain/node/types.ts";
import type { Any } from "../../chain/proto/cosmos.ts";
import { TimeoutNonces, type TimeoutRules, txTimeout } from "../../chain/protocol/tx/timeout.ts";
import type { KeyRing } from "../keys/key-ring.ts";

/** One message of a session, on its way to the chain. */
export type Item = { readonly sessionId: string; readonly message: Any };

export type Submitted =
  | {
      readonly outcome: "accepted";
      readonly txHash: string;
      readonly height: bigint;
      /** This message's part of the transaction's fee, in upokt, rounded up. */
      readonly feeUpokt: bigint;
    }
  /** The chain refuses this very message; `text` is its reason. Sending it again as it is would be refused again. */
  | { readonly outcome: "refused"; readonly text: string }
  /** Nothing is known to have reached the chain; to be tried again at the next block. */
  | { readonly outcome: "failed"; readonly text: string };

export type SubmitOptions = {
  readonly client: ChainClient;
  readonly keys: KeyRing;
  readonly chainId: string;
  readonly gas: { readonly limit: bigint; readonly price: string; readonly adjustment: number };
  readonly timeout: TimeoutRules;
  readonly blockTimeMs: () => number;
  readonly latestBlock: () => Block | undefined;
  readonly logger: Logger;
};

type Batch = {
  readonly supplier: string;
  readonly items: readonly Item[] /** Last block of the window. */;
  readonly close: bigint;
};

const ALREADY_THERE = 19;

/** Sends messages of one supplier in one transaction; a message that the chain refuses does not take the others down. */
export class Submitter {
  readonly #options: SubmitOptions;
  readonly #nonces = new TimeoutNonces();

  constructor(options: SubmitOptions) {
    this.#options = options;
  }

  async submit({ supplier, items, close }: Batch): Promise<ReadonlyMap<string, Submitted>> {
    const results = new Map<string, Submitted>();
    let rest = items;
    while (rest.length > 0) {
      try {
        const sent = await this.#send(supplier, rest, close);
        for (const { sessionId } of rest) results.set(sessionId, accepted(sent, rest.length));
        return results;
      } catch (thrown) {
        const index = refusedIndex(thrown, rest.length);
        const refused = index === undefined ? undefined : rest[index];
        const text = reasonOf(thrown);
        if (refused === undefined) {
          for (const { sessionId } of rest) results.set(sessionId, { outcome: "failed", text });
          return results;
        }
        results.set(refused.sessionId, { outcome: "refused", text });
        rest = rest.filter((item) => item !== refused);
      }
    }
    return results;
  }

  async #send(supplier: string, items: readonly Item[], close: bigint): Promise<SentTx & { height: bigint }> {
    const { client, keys, chainId, gas, latestBlock, logger } = this.#options;
    const block = latestBlock();
    if (block === undefined) throw new AppError("CHAIN_UNREACHABLE", "no block was seen yet");
    const prepared: PreparedTx = await prepareTx({
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
    const sent = await broadcastTx(client, prepared);
    logger.info(
      { supplier, tx: sent.hash, code: sent.code, messages: items.length, fee: sent.feeUpokt.toString() },
      "transaction broadcast",
    );
    if (sent.code !== 0 && sent.code !== ALREADY_THERE)
      throw new AppError("CHAIN_TX_REFUSED", sent.log, {
        code: sent.code,
        codespace: sent.codespace,
        log: sent.log,
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

const accepted = ({ hash, height, feeUpokt }: SentTx & { height: bigint }, messages: number): Submitted => ({
  outcome: "accepted",
  txHash: hash,
  height,
  feeUpokt: (feeUpokt + BigInt(messages) - 1n) / BigInt(messages),
});

/** Which message a failed simulation blames (chain 4.3). A transaction of one message can only be blamed on that. */
function refusedIndex(thrown: unknown, messages: number): number | undefined {
  if (!(thrown instanceof AppError) || thrown.code !== "CHAIN_TX_REFUSED") return undefined;
  const text = reasonOf(thrown);
  const found = /failed to execute message; message index: (\d+)/.exec(text)?.[1];
  if (found === undefined) return undefined;
  const index = Number(found);
  return index < messages ? index : undefined;
}

function reasonOf(thrown: unknown): string {
  const error = toError(thrown);
  const log = error instanceof AppError ? error.fields["log"] : undefined;
  return typeof log === "string" && log !== "" ? log : error.message;
}
