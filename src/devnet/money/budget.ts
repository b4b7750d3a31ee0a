import { ceilOf, type Decimal, withoutRate } from "./decimal.ts";

/** A ripe claim of one application in one session. */
type BudgetClaim = {
  readonly claimedUpokt: bigint;
  /** Whether it will be paid: proven, or in no need of a proof. One that is not still takes its part of the budget. */
  readonly settles: boolean;
};

export type BudgetInput = {
  readonly claims: readonly BudgetClaim[];
  /** The application's stake in upokt before anything of this block is burned. */
  readonly stakeUpokt: bigint;
  /** Sessions that may wait for settlement at a time. */
  readonly pendingSessions: bigint;
  /** The application's own limit per session in upokt, 0 for none. */
  readonly spendLimitUpokt: bigint;
  /** global_inflation_per_claim. */
  readonly inflation: Decimal;
  /** overservicing_bonus_multiplier. */
  readonly bonusMultiplier: bigint;
};

export type Allowance = {
  readonly settledUpokt: bigint;
  /** What the claim would take from the application's stake as claimed, inflation included. */
  readonly expectedBurn: bigint;
  /** Most that it may take. */
  readonly cap: bigint;
  readonly trimmed: boolean;
  readonly spendLimitExceeded: boolean;
};

/** What each claim of an application's session is paid at most, in the order of the claims (chain 8.3). */
export function allowances(input: BudgetInput): Allowance[] {
  const { claims, inflation, bonusMultiplier } = input;
  const { floor, spendLimitExceeded } = floorBudget(input);
  const burns = claims.map(({ claimedUpokt }) => claimedUpokt + ceilOf(claimedUpokt, inflation));
  const pool = bonusPool(claims, burns, floor);
  const multiplier = bonusMultiplier > 1n ? bonusMultiplier : 1n;
  return claims.map(({ claimedUpokt }, index) => {
    const expectedBurn = burns[index] ?? 0n;
    const cap = capFor(expectedBurn, floor, multiplier, pool);
    const trimmed = expectedBurn > cap;
    const affordable = withoutRate(cap, inflation);
    const settledUpokt = trimmed && affordable < claimedUpokt ? affordable : claimedUpokt;
    return { settledUpokt, expectedBurn, cap, trimmed, spendLimitExceeded };
  });
}

function floorBudget({ claims, stakeUpokt, pendingSessions, spendLimitUpokt }: BudgetInput) {
  const perSession = stakeUpokt / pendingSessions;
  const suppliers = BigInt(claims.length);
  const floor = perSession / suppliers;
  if (spendLimitUpokt <= 0n) return { floor, spendLimitExceeded: false };
  const limited = smaller(spendLimitUpokt, perSession) / suppliers;
  return limited < floor
    ? { floor: limited, spendLimitExceeded: true }
    : { floor, spendLimitExceeded: false };
}

type BonusPool = { readonly unused: bigint; readonly excess: bigint };

/** What the paid claims leave of their floors, and what they want above them. */
function bonusPool(claims: readonly BudgetClaim[], burns: readonly bigint[], floor: bigint): BonusPool {
  let [unused, excess] = [0n, 0n];
  for (const [index, { settles }] of claims.entries()) {
    const burn = burns[index] ?? 0n;
    if (!settles) continue;
    if (burn < floor) unused += floor - burn;
    else excess += burn - floor;
  }
  return { unused, excess };
}

function capFor(burn: bigint, floor: bigint, multiplier: bigint, { unused, excess }: BonusPool): bigint {
  if (multiplier === 1n || excess === 0n || burn <= floor) return floor;
  return smaller(floor + (unused * (burn - floor)) / excess, multiplier * floor);
}

const smaller = (left: bigint, right: bigint): bigint => (left < right ? left : right);
