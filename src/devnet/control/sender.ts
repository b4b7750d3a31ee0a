import { AppError } from "../../base/errors.ts";
import type { Any } from "../../chain/proto/cosmos.ts";
import { signDigest } from "../../chain/protocol/ecdsa.ts";
import { buildTx } from "../../chain/protocol/tx/build.ts";
import { feeFor } from "../../chain/protocol/tx/fee.ts";
import type { DevnetChain, Included } from "../chain/devnet-chain.ts";
import type { Identity } from "../genesis/identities.ts";

const GAS_LIMIT = 5_000_000n;
const LIFE_NS = 300_000_000_000n;

export type Sent = { readonly hash: string } & (Included | { readonly waits: string });

/**
 * Sends messages as a transaction of somebody whose key the genesis has, and waits for its block. On a halted chain it only waits in the
 * mempool. Throws AppError DEVNET_REFUSED if the chain refuses it, before or in the block.
 */
export class TxSender {
  readonly #chain: DevnetChain;
  #serial = 0n;

  constructor(chain: DevnetChain) {
    this.#chain = chain;
  }

  async send(signer: Identity, messages: readonly Any[]): Promise<Sent> {
    const { bytes, hash } = this.#build(signer, messages);
    const checked = this.#chain.checkTx(bytes);
    if ("refused" in checked) throw refusedBy(checked.refused);
    if (checked.code !== 0) throw refusedBy(checked.log);
    const included = this.#chain.included(hash);
    if (this.#chain.manual) await this.#chain.step();
    else if (this.#chain.halted) return { hash, waits: "the chain is halted" };
    const result = await included;
    if (result === undefined) throw refusedBy("the transaction left the mempool without a block");
    if (result.code !== 0) throw refusedBy(result.log);
    return { hash, ...result };
  }

  #build({ name, address, publicKey, privateKey }: Identity, messages: readonly Any[]) {
    if (privateKey === undefined || publicKey === undefined)
      throw new AppError("USAGE", `the genesis has no private key of "${name}"`, { name });
    const account = this.#chain.latest.accounts.get(address);
    if (account === undefined) throw new AppError("USAGE", `"${name}" has no account`, { address });
    this.#serial++;
    return buildTx({
      messages: [...messages],
      chainId: this.#chain.genesis.chainId,
      accountNumber: account.accountNumber,
      publicKey,
      sign: (digest) => signDigest(privateKey, digest),
      fee: feeFor(this.#chain.genesis.minGasPrice, GAS_LIMIT),
      gasLimit: GAS_LIMIT,
      unordered: { timeoutNs: this.#chain.latest.timeNs + LIFE_NS + this.#serial },
    });
  }
}

const refusedBy = (log: string): AppError =>
  new AppError("DEVNET_REFUSED", `the chain refused: ${log}`, { log });
