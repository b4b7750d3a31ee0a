import { addressOf, moduleAddress } from "../../chain/protocol/address.ts";
import type { Account, ChainState } from "../state.ts";

/** Creates the account if the address has none yet; numbers ascend in the order of creation (chain 12). */
export function ensureAccount(state: ChainState, address: string): Account {
  const known = state.accounts.get(address);
  if (known !== undefined) return known;
  const created: Account = {
    address,
    accountNumber: BigInt(state.accounts.keys().length),
    sequence: 0n,
    publicKey: undefined,
    module: undefined,
  };
  state.accounts.set(address, created);
  return created;
}

/** The public key of an account, or undefined: a key is known once its owner sent a transaction (chain 12). */
export const publicKeyOf = (state: ChainState, address: string): Uint8Array | undefined =>
  state.accounts.get(address)?.publicKey;

/** Gives the account its key. */
export function setPublicKey(state: ChainState, publicKey: Uint8Array): void {
  const account = ensureAccount(state, addressOf(publicKey));
  state.accounts.set(account.address, { ...account, publicKey });
}

const MINTER = ["minter", "burner", "staking"] as const;

/** The chain's modules that own coins, with their rights (recordings/abci_query/auth_account_module_no_pubkey for those of `proof`). */
export const MODULES: Readonly<Record<string, readonly string[]>> = {
  fee_collector: [],
  distribution: [],
  mint: ["minter"],
  bonded_tokens_pool: ["burner", "staking"],
  not_bonded_tokens_pool: ["burner", "staking"],
  gov: ["burner"],
  service: MINTER,
  gateway: MINTER,
  application: MINTER,
  supplier: MINTER,
  proof: MINTER,
  tokenomics: MINTER,
};

/** These must not receive coins by a transfer (chain 12). */
const BLOCKED = new Set(
  ["fee_collector", "distribution", "mint", "bonded_tokens_pool", "not_bonded_tokens_pool"].map(
    moduleAddress,
  ),
);

export const mayReceive = (address: string): boolean => !BLOCKED.has(address);

/** The address that parameter changes are made in the name of. */
export const AUTHORITY = moduleAddress("gov");
