import { LRUCache } from "lru-cache";
import { AccountBudget } from "../../../base/account-budget.ts";
import { toLatin1 } from "../../../base/bytes.ts";

/** Key images that are remembered: one for each gateway, and for each application that signs for itself. */
const MAX_IMAGES = 20_000;
/** Bad signatures by strangers that are verified, in the name of one application and in all. */
const BAD_EACH = { perSecond: 50, burst: 500 };
const BAD_TOGETHER = { perSecond: 500, burst: 5_000 };
const MOST_ACCOUNTS = 5_000;

/**
 * Strangers are signatures by key images that have not been in a good one. Anybody can send them, in any application's name, and each
 * costs as much as three others; a gateway is one until its first good signature. Where many were bad, no more of an application's are
 * verified than would be bad at a bounded rate: a flood in its name costs little more than reading it, a new gateway of its still gets
 * through between the bad ones, and who is known notices nothing.
 */
export class Strangers {
  readonly #known = new LRUCache<string, true>({ max: MAX_IMAGES });
  readonly #bad: AccountBudget;

  /** `now` as Clock's `monotonic`. */
  constructor(now: () => number) {
    this.#bad = new AccountBudget({
      each: BAD_EACH,
      together: BAD_TOGETHER,
      mostAccounts: MOST_ACCOUNTS,
      now,
    });
  }

  isStranger(signature: Uint8Array): boolean {
    return !this.#known.has(imageOf(signature));
  }

  /** Whether a stranger's signature in an application's name is worth the work. */
  mayAsk(account: string): boolean {
    return this.#bad.has(account);
  }

  /** A signature was good: whose key image it has is known from now on. */
  good(signature: Uint8Array): void {
    this.#known.set(imageOf(signature), true);
  }

  /** A stranger's was bad. */
  bad(account: string): void {
    this.#bad.take(account);
  }
}

/** A name for the key image (relay-path 3.5). */
const imageOf = (signature: Uint8Array): string => toLatin1(signature.subarray(36, 69));
