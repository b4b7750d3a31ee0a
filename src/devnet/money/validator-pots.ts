import type { Validator } from "../state.ts";
import { eighteenDecimals, floorOf, parseDecimal } from "./decimal.ts";
import { byText } from "./shares.ts";

/** What one validator and those who delegate to it get of a pot, in upokt. */
export type ValidatorShare = {
  readonly validator: Validator;
  /** All tokens bonded with it. */
  readonly tokens: bigint;
  readonly share: bigint;
  readonly commission: bigint;
  readonly commissionRate: string;
  readonly selfReward: bigint;
  readonly delegatorsReward: bigint;
  /** Others than the validator itself. */
  readonly delegators: number;
  /** By account, in the order of the delegations; those without any left out. */
  readonly payments: readonly { readonly address: string; readonly amount: bigint }[];
};

/** A pot among the bonded validators by their tokens, ascending by address (chain 8.5). */
export function sharePot(pot: bigint, validators: readonly Validator[]): ValidatorShare[] {
  const sorted = validators.toSorted((left, right) => byText(left.operatorAddress, right.operatorAddress));
  const tokens = sorted.map(bondedTokens);
  const shares = proportionally(pot, tokens);
  return sorted.map((validator, index) => shareOf(validator, tokens[index] ?? 0n, shares[index] ?? 0n));
}

const bondedTokens = ({ delegations }: Validator): bigint =>
  delegations.reduce((sum, { tokens }) => sum + tokens, 0n);

function shareOf(validator: Validator, tokens: bigint, share: bigint): ValidatorShare {
  const rate = parseDecimal(validator.commissionRate);
  const commission = floorOf(share, rate);
  const delegations = validator.delegations.toSorted((left, right) => byText(left.address, right.address));
  const rewards = proportionally(
    share - commission,
    delegations.map((delegation) => delegation.tokens),
  );
  let [selfReward, delegatorsReward] = [0n, 0n];
  const payments: { address: string; amount: bigint }[] = [];
  for (const [index, { address }] of delegations.entries()) {
    const amount = rewards[index] ?? 0n;
    if (address === validator.accountAddress) selfReward += amount;
    else {
      delegatorsReward += amount;
      if (amount > 0n) payments.push({ address, amount });
    }
  }
  const own = commission + selfReward;
  if (own > 0n) payments.push({ address: validator.accountAddress, amount: own });
  return {
    validator,
    tokens,
    share,
    commission,
    commissionRate: eighteenDecimals(rate),
    selfReward,
    delegatorsReward,
    delegators: delegations.filter(({ address }) => address !== validator.accountAddress).length,
    payments,
  };
}

/** Parts of an amount by weight, rounded down; what is left goes one by one to the largest remainders, the earlier on a tie. */
export function proportionally(amount: bigint, weights: readonly bigint[]): bigint[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0n);
  if (total === 0n) return weights.map(() => 0n);
  const parts = weights.map((weight) => (amount * weight) / total);
  const left = parts.reduce((rest, part) => rest - part, amount);
  const ranked = weights
    .map((weight, index) => ({ index, remainder: (amount * weight) % total }))
    .toSorted(
      (one, other) => Number(other.remainder > one.remainder) - Number(other.remainder < one.remainder),
    );
  for (const { index } of ranked.slice(0, Number(left))) parts[index] = (parts[index] ?? 0n) + 1n;
  return parts;
}
