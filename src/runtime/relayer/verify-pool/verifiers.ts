import { AccountBudget } from "../../../base/account-budget.ts";
import { type OpenedVerifiers, openRingVerifiers } from "../../../chain/protocol/ring/verify.ts";

/** Of each thread that verifies: the same for the main thread and the workers, to which they are copied. */
export type VerifierSettings = {
  /** Most memory for tables, in MiB. */
  readonly megabytes: number;
  readonly tables: "auto" | "full" | "small";
};

/**
 * Of signatures that only the slow verifier can judge, in each thread: what an honest signer makes meets a special case less than once
 * in 2^200 signatures, while each contrived one costs the time of four to a hundred others. All together they may take a tenth of
 * a thread where they are dearest, some 5 ms each.
 */
const SLOW_EACH = { perSecond: 1, burst: 5 };
const SLOW_TOGETHER = { perSecond: 20, burst: 20 };
const SLOW_ACCOUNTS = 5_000;

/** The one place where the verifiers that the pool uses are opened; `now` as Clock's `monotonic`. Takes some 40 ms; never throws. */
export function openPoolVerifiers(
  { megabytes, tables }: VerifierSettings,
  now: () => number,
): OpenedVerifiers {
  const budget = new AccountBudget({
    each: SLOW_EACH,
    together: SLOW_TOGETHER,
    mostAccounts: SLOW_ACCOUNTS,
    now,
  });
  return openRingVerifiers({ megabytes, tables, mayVerifySlowly: (account) => budget.take(account) });
}
