/** How much there may be of something: so much at once, and so much a second in the long run. */
export type Rate = { readonly perSecond: number; readonly burst: number };

export type AccountBudgetOptions = {
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
 * How often each of many accounts may still do something dear, and all of them together: token buckets. It is for what honest accounts
 * need next to never, so who runs out, or in whose name somebody else did, only goes without that.
 */
export class AccountBudget {
  readonly #options: AccountBudgetOptions;
  /** In the order in which they last asked. */
  readonly #accounts = new Map<string, Bucket>();
  readonly #together: Bucket;

  constructor(options: AccountBudgetOptions) {
    this.#options = options;
    this.#together = { tokens: options.together.burst, at: options.now() };
  }

  /** Accounts remembered. */
  get size(): number {
    return this.#accounts.size;
  }

  /** Whether that account may once more; if so, it counts. All that name no account are one. */
  take(account = ""): boolean {
    const bucket = this.#bucketOf(account);
    if (bucket.tokens < 1 || this.#together.tokens < 1) return false;
    bucket.tokens--;
    this.#together.tokens--;
    return true;
  }

  /** Whether that account may once more; it does not count. */
  has(account = ""): boolean {
    return this.#bucketOf(account).tokens >= 1 && this.#together.tokens >= 1;
  }

  #bucketOf(account: string): Bucket {
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
    return bucket;
  }
}

function refill(bucket: Bucket, { perSecond, burst }: Rate, time: number): void {
  const gained = (Math.max(0, time - bucket.at) / 1000) * perSecond;
  bucket.tokens = Math.min(burst, bucket.tokens + gained);
  bucket.at = time;
}
