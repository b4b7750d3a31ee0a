import type { ServiceRevenueShare } from "../../chain/proto/shared.ts";
import type { MintDistribution } from "../../chain/proto/tokenomics.ts";
import { exactDecimal, floorOf } from "./decimal.ts";

/** Minted upokt by receiver. */
export type Split = {
  readonly supplier: bigint;
  readonly proposer: bigint;
  readonly sourceOwner: bigint;
  readonly application: bigint;
  readonly dao: bigint;
};

/** Every share rounded down; the DAO takes the rest (chain 8.4). */
export function splitMint(amount: bigint, distribution: MintDistribution): Split {
  const share = (rate: number) => floorOf(amount, exactDecimal(rate));
  const supplier = share(distribution.supplier);
  const proposer = share(distribution.proposer);
  const sourceOwner = share(distribution.sourceOwner);
  const application = share(distribution.application);
  return {
    supplier,
    proposer,
    sourceOwner,
    application,
    dao: amount - supplier - proposer - sourceOwner - application,
  };
}

export type Payment = { readonly address: string; readonly amount: bigint };

/** Why a supplier's shares cannot be used, with the sum they have. */
export type RevShareFault = { readonly sum: bigint; readonly text: string };

/** What is wrong with a list of shares; the owner is paid everything then (chain 8.4). */
export function revShareFault(shares: readonly ServiceRevenueShare[]): RevShareFault | undefined {
  const sum = shares.reduce((total, { revSharePercentage }) => total + revSharePercentage, 0n);
  if (shares.length === 0) return { sum, text: "the revenue share list is empty" };
  const addresses = new Set(shares.map(({ address }) => address));
  if (addresses.size !== shares.length) return { sum, text: "an address has more than one revenue share" };
  if (sum !== 100n) return { sum, text: `revenue shares add up to ${sum} percent, not 100` };
  return undefined;
}

/**
 * A supplier's reward among those who share it: rounded down each, the remainder to the first listed; ascending by address,
 * those without any left out (chain 8.4). `shares` must be without fault.
 */
export function shareReward(amount: bigint, shares: readonly ServiceRevenueShare[]): Payment[] {
  const parts = shares.map(({ revSharePercentage }) => (amount * revSharePercentage) / 100n);
  const rest = parts.reduce((left, part) => left - part, amount);
  return shares
    .map(({ address }, index) => ({ address, amount: (parts[index] ?? 0n) + (index === 0 ? rest : 0n) }))
    .filter((payment) => payment.amount > 0n)
    .toSorted((left, right) => byText(left.address, right.address));
}

/** Order of texts by code unit, which is byte order for addresses and reasons. */
export function byText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
