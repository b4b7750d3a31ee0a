/** How much there may be of something: so much at once, and so much a second in the long run. */
export type Rate = { readonly perSecond: number; readonly burst: number };

export type SlowBudgetOptions = {
  /** For one account. */
  readonly each: Rate;
  /** For all accounts together: what bounds the cost, however many accounts take part. */
  readonly together: Rate;
  /** Accounts that are remembered. One that is forgotten, the one that asked longest ago, begins with a full burst again. */
  readonly mostAccounts: number;
  /** Milliseconds that only grow: Clock's `monotonic`. */
  readonly now: () => number;
};

/** A token bucket: what is left, and when that was. */
type Bucket = { tokens: number; at: number };

/**
 * Who may still have the slow verifier judge a signature (KernelOptions.mayVerifySlowly). What an honest signer makes meets a special
 * case of the kernel less than once in 2^200 signatures, so a bound of one a second takes nothing from anybody, while each contrived
 * signature costs the time of four to a hundred others. Who runs out only has contrived signatures refused, also if somebody else
 * contrived them in his name.
 */
export class SlowBudget {
  readonly #options: SlowBudgetOptions;
  /** In the order in which they last asked. */
  readonly #accounts = new Map<string, Bucket>();
  readonly #together: Bucket;

  constructor(options: SlowBudgetOptions) {
    this.#options = options;
    this.#together = { tokens: options.together.burst, at: options.now() };
  }

  /** Accounts remembered. */
  get size(): number {
    return this.#accounts.size;
  }

  /** Whether that account may once more; if so, it counts. All that name no account are one. */
  take(account = ""): boolean {
    const { each, together, mostAccounts, now } = this.#options;
    const time = now();
    const bucket = this.#accounts.get(account) ?? { tokens: each.burst, at: time };
    this.#accounts.delete(account);
    this.#accounts.set(account, bucket);
    for (const oldest of this.#accounts.keys()) {
      if (this.#accounts.size <= mostAccounts) break;
      this.#accounts.delete(oldest);
    }
    refill(bucket, each, time);
    refill(this.#together, together, time);
    if (bucket.tokens < 1 || this.#together.tokens < 1) return false;
    bucket.tokens--;
    this.#together.tokens--;
    return true;
  }
}

function refill(bucket: Bucket, { perSecond, burst }: Rate, time: number): void {
  const gained = (Math.max(0, time - bucket.at) / 1000) * perSecond;
  bucket.tokens = Math.min(burst, bucket.tokens + gained);
  bucket.at = time;
}
