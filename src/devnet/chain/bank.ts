import { moduleAddress } from "../../chain/protocol/address.ts";
import { type ChainEvent, plainEvent } from "../context.ts";
import type { ChainState } from "../state.ts";
import { ensureAccount } from "./accounts.ts";
import { coinText } from "./coins.ts";
import { TxError } from "./tx-error.ts";

type Emit = (event: ChainEvent) => void;

export const balanceOf = (state: ChainState, address: string): bigint => state.balances.get(address) ?? 0n;

/** Moves coins and tells so. Throws TxError 5 of sdk if the sender has less. */
export function send(state: ChainState, emit: Emit, from: string, to: string, amount: bigint): void {
  take(state, from, amount);
  put(state, to, amount);
  const text = coinText(amount);
  emit(plainEvent("coin_spent", { spender: from, amount: text }));
  emit(plainEvent("coin_received", { receiver: to, amount: text }));
  emit(plainEvent("transfer", { recipient: to, sender: from, amount: text }));
  emit(plainEvent("message", { sender: from }));
}

/** Makes new coins in a module's account. */
export function mint(state: ChainState, emit: Emit, module: string, amount: bigint): void {
  const minter = moduleAddress(module);
  put(state, minter, amount);
  emit(plainEvent("coin_received", { receiver: minter, amount: coinText(amount) }));
  emit(plainEvent("coinbase", { minter, amount: coinText(amount) }));
}

/** Destroys coins of a module's account. Throws TxError 5 of sdk if it has less. */
export function burn(state: ChainState, emit: Emit, module: string, amount: bigint): void {
  const burner = moduleAddress(module);
  take(state, burner, amount);
  emit(plainEvent("coin_spent", { spender: burner, amount: coinText(amount) }));
  emit(plainEvent("burn", { burner, amount: coinText(amount) }));
}

function take(state: ChainState, address: string, amount: bigint): void {
  const balance = balanceOf(state, address);
  if (balance < amount)
    throw new TxError(
      5,
      "sdk",
      `spendable balance ${balance}upokt is smaller than ${amount}upokt: insufficient funds`,
    );
  state.balances.set(address, balance - amount);
}

function put(state: ChainState, address: string, amount: bigint): void {
  ensureAccount(state, address);
  state.balances.set(address, balanceOf(state, address) + amount);
}
