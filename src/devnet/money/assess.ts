import { AppError } from "../../base/errors.ts";
import { ProofValidationStatus } from "../../chain/proto/proof.ts";
import type { Service, Supplier } from "../../chain/proto/shared.ts";
import type { ClaimValue } from "../../chain/protocol/pricing.ts";
import { pendingSessions } from "../../chain/protocol/session-grid.ts";
import { computeUnitsAt, sharedParamsAt } from "../chain/at-height.ts";
import { amountOf } from "../chain/coins.ts";
import { type ChainState, liveParams } from "../state.ts";
import { type Allowance, allowances } from "./budget.ts";
import { requirementOf, worthOf } from "./claim-value.ts";
import { exactDecimal } from "./decimal.ts";
import type { RipeClaim } from "./ripe-claims.ts";

/** What will become of a ripe claim, before any money moves (chain 8.1, 8.2). */
export type Verdict =
  | { readonly outcome: "discarded"; readonly ripe: RipeClaim; readonly cause: string }
  | {
      readonly outcome: "expired" | "settled";
      readonly ripe: RipeClaim;
      readonly value: ClaimValue;
      readonly service: Service;
      readonly supplier: Supplier;
      /** Of the proof requirement: 0, 1 or 2. */
      readonly reason: number;
    };

/** A claim on its own: records that must be there, its price, its proof. */
export function assess(state: ChainState, ripe: RipeClaim): Verdict {
  try {
    return assessOrThrow(state, ripe);
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    return { outcome: "discarded", ripe, cause: thrown.message };
  }
}

function assessOrThrow(state: ChainState, ripe: RipeClaim): Verdict {
  const { claim, header } = ripe;
  const { serviceId, applicationAddress, sessionStartBlockHeight } = header;
  const service = state.services.get(serviceId);
  if (service === undefined) throw gone(`service ID not found: "${serviceId}"`);
  if (state.applications.get(applicationAddress) === undefined)
    throw gone(`app address: ${applicationAddress}: application not found`);
  const supplier = state.suppliers.get(claim.supplierOperatorAddress);
  if (supplier === undefined)
    throw gone(`supplier with operator address: "${claim.supplierOperatorAddress}": supplier not found`);
  if ((computeUnitsAt(state, serviceId, sessionStartBlockHeight) ?? 0n) === 0n)
    throw gone(`service ${serviceId} has no compute units per relay`);
  const value = worthOf(state, header, claim.rootHash);
  const requirement = requirementOf(state, claim, header, value.upokt);
  if (requirement === undefined) throw gone("the proof requirement's seed block is not known");
  const proven = !requirement.required || claim.proofValidationStatus === ProofValidationStatus.validated;
  const outcome = proven ? "settled" : "expired";
  return { outcome, ripe, value, service, supplier, reason: requirement.reason };
}

const gone = (cause: string): AppError => new AppError("CLAIM_DISCARDED", cause);

/**
 * What each claim may take of its application's stake as it is now, by the claim's place in the list (chain 8.3). Claims that are
 * discarded count as takers, as those that expire do, but want nothing.
 */
export function allowancesOf(state: ChainState, verdicts: readonly Verdict[]): Map<Verdict, Allowance> {
  const groups = new Map<string, Verdict[]>();
  for (const verdict of verdicts) {
    const { applicationAddress, sessionId } = verdict.ripe.header;
    const key = `${applicationAddress}/${sessionId}`;
    groups.set(key, [...(groups.get(key) ?? []), verdict]);
  }
  return new Map([...groups.values()].flatMap((group) => groupAllowances(state, group)));
}

function groupAllowances(state: ChainState, group: readonly Verdict[]): [Verdict, Allowance][] {
  const header = group[0]?.ripe.header;
  const application = header && state.applications.get(header.applicationAddress);
  if (header === undefined || application === undefined) return [];
  const { globalInflationPerClaim, overservicingBonusMultiplier } = liveParams(state, "tokenomics");
  const granted = allowances({
    claims: group.map((verdict) => ({
      claimedUpokt: verdict.outcome === "discarded" ? 0n : verdict.value.upokt,
      settles: verdict.outcome === "settled",
    })),
    stakeUpokt: amountOf(application.stake),
    pendingSessions: pendingSessions(sharedParamsAt(state, header.sessionEndBlockHeight)),
    spendLimitUpokt: amountOf(application.perSessionSpendLimit),
    inflation: exactDecimal(globalInflationPerClaim),
    bonusMultiplier: overservicingBonusMultiplier,
  });
  return group.flatMap((verdict, index) => {
    const allowance = granted[index];
    return allowance === undefined ? [] : [[verdict, allowance]];
  });
}
