import { AppError } from "../../base/errors.ts";
import type { SharedParams } from "../proto/shared.ts";
import { rootTotals } from "./claim.ts";
import { difficultyMultiplier } from "./difficulty.ts";

/** The fields of the shared params in force at a session's start that turn compute units into money. */
export type PriceParams = Pick<SharedParams, "computeUnitsToTokensMultiplier" | "computeUnitCostGranularity">;

/** Compute units of a claim (its root's sum) and the difficulty target of its service, both as of the session's start. */
export type ClaimedWork = { readonly computeUnits: bigint; readonly target: Uint8Array };

/** What a claim says and what the chain makes of it. */
export type ClaimValue = {
  /** Leaves in the tree. */
  readonly relays: bigint;
  /** Their sum of weights, as claimed. */
  readonly computeUnits: bigint;
  /** What these stand for before the difficulty filter. */
  readonly estimatedRelays: bigint;
  readonly estimatedComputeUnits: bigint;
  /** The price, before the caps at settlement. */
  readonly upokt: bigint;
};

/**
 * A claim's price in upokt, rounded down once at the end (mining-path 9.1): compute units · difficulty multiplier · tokens per unit
 * / granularity. Throws AppError DIFFICULTY_INVALID on a zero target and PARAMS_INVALID on a zero granularity or on tokens per
 * unit beyond int64, which the chain refuses to value.
 */
export function claimedUpokt({
  computeUnits,
  target,
  params,
}: ClaimedWork & { readonly params: PriceParams }): bigint {
  const { numerator, denominator } = difficultyMultiplier(target);
  const { tokens, granularity } = prices(params);
  return (computeUnits * numerator * tokens) / (denominator * granularity);
}

/** What the compute units stand for, rounded down and cut to 64 bits as the chain has it (mining-path 9.1). */
export function estimatedComputeUnits({ computeUnits, target }: ClaimedWork): bigint {
  const { numerator, denominator } = difficultyMultiplier(target);
  return BigInt.asUintN(64, (computeUnits * numerator) / denominator);
}

/** The number of relays the leaves stand for (mining-path 9.1); throws AppError CLAIM_INVALID if a relay weighs less than 1. */
export function estimatedRelays(work: ClaimedWork & { readonly relays: bigint }): bigint {
  const estimate = estimatedComputeUnits(work);
  if (work.relays === 0n) return 0n;
  const perRelay = work.computeUnits / work.relays;
  if (perRelay === 0n)
    throw new AppError("CLAIM_INVALID", "fewer compute units than relays", {
      computeUnits: work.computeUnits,
      relays: work.relays,
    });
  return estimate / perRelay;
}

/** Everything the chain derives from a claim's 48-byte root, with target and params as of the session's start (mining-path 9.1). */
export function claimValue(root: Uint8Array, target: Uint8Array, params: PriceParams): ClaimValue {
  const { sum: computeUnits, count: relays } = rootTotals(root);
  return {
    relays,
    computeUnits,
    estimatedRelays: estimatedRelays({ computeUnits, relays, target }),
    estimatedComputeUnits: estimatedComputeUnits({ computeUnits, target }),
    upokt: claimedUpokt({ computeUnits, target, params }),
  };
}

/** One served relay's price in upokt, rounded down; the difficulty plays no part in it (relay-path 7.1). */
export function relayCost(computeUnitsPerRelay: bigint, params: PriceParams): bigint {
  const { tokens, granularity } = prices(params);
  return (computeUnitsPerRelay * tokens) / granularity;
}

function prices(params: PriceParams): { tokens: bigint; granularity: bigint } {
  const tokens = BigInt.asIntN(64, params.computeUnitsToTokensMultiplier);
  const granularity = params.computeUnitCostGranularity;
  if (tokens < 0n || granularity === 0n)
    throw new AppError("PARAMS_INVALID", "shared params that give no price", {
      computeUnitsToTokensMultiplier: params.computeUnitsToTokensMultiplier,
      computeUnitCostGranularity: granularity,
    });
  return { tokens, granularity };
}
