import { AppError } from "../../base/errors.ts";
import type { Any, Coin } from "../proto/cosmos.ts";
import { buildTx } from "../protocol/tx/build.ts";
import { feeFor, gasLimitFor } from "../protocol/tx/fee.ts";
import { account } from "./queries.ts";
import type { ChainClient } from "./types.ts";

export type TxSigner = {
  readonly address: string;
  /** 33 bytes, compressed. */
  readonly publicKey: Uint8Array;
  /** Signs a 32-byte digest: 64 bytes r, s (RFC 6979, low s). */
  readonly sign: (digest: Uint8Array) => Uint8Array;
};

export type TxGas = {
  /** 0: simulate and multiply by `adjustment`; else this limit, without a simulation (mining-path 5.4). */
  readonly limit: bigint;
  /** Decimal upokt for one unit of gas, such as "0.000001upokt". */
  readonly price: string;
  readonly adjustment: number;
};

export type TxOrder = {
  readonly client: Pick<ChainClient, "query" | "simulate" | "broadcast">;
  readonly messages: readonly Any[];
  readonly signer: TxSigner;
  readonly chainId: string;
  readonly gas: TxGas;
  /** Unix nanoseconds at which the transaction dies. It is also the nonce: unique per signer (mining-path 5.2). */
  readonly timeoutNs: bigint;
  /** Asked from the chain unless known; it never changes. */
  readonly accountNumber?: bigint;
  readonly memo?: string;
};

export type PreparedTx = {
  readonly bytes: Uint8Array;
  readonly hash: string;
  readonly gasLimit: bigint;
  readonly feeUpokt: bigint;
};

export type SentTx = Omit<PreparedTx, "bytes"> & {
  readonly code: number;
  readonly codespace: string;
  readonly log: string;
};

/**
 * One unordered transaction, SIGN_MODE_DIRECT, ready to be sent; the caller may keep its hash before anything leaves the process.
 * Throws CHAIN_TX_REFUSED when the simulation fails, CHAIN_NOT_FOUND when the signer has no account.
 */
export async function prepareTx(order: TxOrder): Promise<PreparedTx> {
  const { client, messages, signer, chainId, gas, timeoutNs, memo } = order;
  const accountNumber = order.accountNumber ?? (await accountNumberOf(client, signer.address));
  const build = (gasLimit: bigint, fee: readonly Coin[]) =>
    buildTx({
      messages,
      chainId,
      accountNumber,
      publicKey: signer.publicKey,
      sign: signer.sign,
      fee,
      gasLimit,
      unordered: { timeoutNs },
      ...(memo === undefined ? {} : { memo }),
    });
  const gasLimit = gas.limit > 0n ? gas.limit : await simulated(client, build(0n, []).bytes, gas.adjustment);
  const fee = feeFor(gas.price, gasLimit);
  const feeUpokt = fee.reduce((sum, { amount }) => sum + BigInt(amount), 0n);
  return { ...build(gasLimit, fee), gasLimit, feeUpokt };
}

/**
 * Sends what `prepareTx` made. Code 0 or 19 (this node has it already) means that the transaction waits in a mempool, nothing more.
 * An error carries `hash`: after CHAIN_TIMEOUT or CHAIN_UNREACHABLE the transaction may be on its way all the same.
 */
export async function broadcastTx(client: Pick<ChainClient, "broadcast">, tx: PreparedTx): Promise<SentTx> {
  const { hash, gasLimit, feeUpokt } = tx;
  try {
    const { code, codespace, log } = await client.broadcast(tx.bytes);
    return { hash, code, codespace, log, gasLimit, feeUpokt };
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    throw new AppError(thrown.code, thrown.message, { ...thrown.fields, hash }, thrown);
  }
}

/** Prepares and broadcasts in one step. */
export const sendTx = async (order: TxOrder): Promise<SentTx> =>
  broadcastTx(order.client, await prepareTx(order));

async function accountNumberOf(client: TxOrder["client"], address: string): Promise<bigint> {
  const found = await account(client, address);
  if (found === undefined)
    throw new AppError("CHAIN_NOT_FOUND", "the signer has no account on this chain; send it some upokt", {
      address,
    });
  return found.accountNumber;
}

async function simulated(client: TxOrder["client"], tx: Uint8Array, adjustment: number): Promise<bigint> {
  const { gasUsed } = await client.simulate(tx);
  return gasLimitFor(gasUsed, adjustment);
}
