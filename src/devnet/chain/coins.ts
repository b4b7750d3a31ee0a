import type { Coin } from "../../chain/proto/cosmos.ts";

export const DENOM = "upokt";

/** The coin of an amount of upokt. */
export const upokt = (amount: bigint): Coin => ({ denom: DENOM, amount: amount.toString() });

/** The upokt of a coin; 0 without one. */
export const amountOf = (coin: Coin | undefined): bigint => BigInt(coin?.amount ?? "0");

/** As events and error texts print an amount; nothing for no coin at all. */
export const coinText = (amount: bigint): string => (amount === 0n ? "" : `${amount}${DENOM}`);

export const coinsText = (coins: readonly Coin[]): string =>
  coins.map(({ denom, amount }) => `${amount}${denom}`).join(",");
