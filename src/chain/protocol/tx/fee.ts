import { AppError } from "../../../base/errors.ts";
import type { Coin } from "../../proto/cosmos.ts";

/** A price of one unit of gas, exact: units / 10^18 of the denomination. */
export type GasPrice = { readonly units: bigint; readonly denom: string };

const DECIMALS = 18;
const SCALE = 10n ** BigInt(DECIMALS);
const PRICE = /^(\d+)(?:\.(\d{1,18}))?([a-zA-Z][a-zA-Z0-9/:._-]{2,127})$/;

/** Reads a price such as "0.000001upokt"; throws AppError GAS_PRICE_INVALID on any other form. */
export function parseGasPrice(text: string): GasPrice {
  const [, whole, decimals = "", denom] = PRICE.exec(text.trim()) ?? [];
  if (whole === undefined || denom === undefined)
    throw new AppError("GAS_PRICE_INVALID", "a gas price reads like 0.000001upokt", { text });
  return { units: BigInt(whole + decimals.padEnd(DECIMALS, "0")), denom };
}

/** Gas limit times price, rounded up; no coin at all if that is 0 (mining-path 5.4). Throws as `parseGasPrice` does. */
export function feeFor(gasPrice: string | GasPrice, gasLimit: bigint): Coin[] {
  const { units, denom } = typeof gasPrice === "string" ? parseGasPrice(gasPrice) : gasPrice;
  const amount = (units * gasLimit + SCALE - 1n) / SCALE;
  return amount === 0n ? [] : [{ denom, amount: amount.toString() }];
}

/** Simulated gas times the adjustment, a product of doubles cut to an integer (mining-path 5.4). */
export const gasLimitFor = (simulated: bigint, adjustment: number): bigint =>
  BigInt(Math.trunc(Number(simulated) * adjustment));
