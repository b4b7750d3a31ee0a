import { TxError } from "./tx-error.ts";

/** Counts gas; the unit is the chain's own. */
export class GasMeter {
  readonly #limit: bigint | undefined;
  #used = 0n;

  /** Without a limit nothing is ever too much, as in simulation. */
  constructor(limit?: bigint) {
    this.#limit = limit;
  }

  get used(): bigint {
    return this.#used;
  }

  /** Throws TxError 11 of sdk above the limit; what was asked for then counts as used (chain 4.1 step 4). */
  consume(amount: number, location: string): void {
    this.#used += BigInt(amount);
    if (this.#limit === undefined || this.#used <= this.#limit) return;
    throw new TxError(
      11,
      "sdk",
      `out of gas in location: ${location}; gasWanted: ${this.#limit}, gasUsed: ${this.#used}: out of gas`,
    );
  }
}

// A plausible formula, not equality, is what a devnet needs (chain 4.4). The first three rows are the chain's own figures, the others
// come from the gas_used of recorded transactions.
export const GAS = {
  /** Reading the account module's params, before anything else. */
  params: { flat: 1000, firstBytes: 3, bytes: 171 },
  txByte: 10,
  signature: 1000,
  unordered: 2240,
  fee: 15_000,
  account: 12_000,
  newPublicKey: 10_000,
  claim: 84_000,
  proof: { base: 100_000, perByte: 17 },
  send: 22_000,
  supplier: { base: 60_000, perService: 38_000 },
  application: 26_000,
  paramsUpdate: 12_000,
} as const;
