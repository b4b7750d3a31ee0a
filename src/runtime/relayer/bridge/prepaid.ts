import type { Metered } from "../steps/meter.ts";

/** Requests without an answer that stay charged; of more, the oldest charges are given back. */
const MAX_KEPT = 256;

/** Whose budget a charge belongs to: one session of one supplier. */
export type Account = { readonly sessionId: string; readonly supplier: string };

/**
 * The charges of requests that had no answer yet. Each message of the backend is a relay and uses up one charge, or is charged itself; what
 * is left at the end is given back. So an application pays for exactly the relays that are mined, whatever number of messages answers a
 * request, and none of them is sent before it is paid for.
 */
export class Prepaid {
  #account: Account | undefined;
  #charges: Metered[] = [];

  get count(): number {
    return this.#charges.length;
  }

  /** Charges of another account are of no use from now on, and given back. */
  add(charge: Metered, account: Account): void {
    if (account.sessionId !== this.#account?.sessionId || account.supplier !== this.#account.supplier) {
      void this.refund();
      this.#account = account;
    }
    this.#charges.push(charge);
    if (this.#charges.length > MAX_KEPT) void this.#charges.shift()?.refund();
  }

  /** The latest one: answers belong to the latest request, and those before it that had none are what is given back. */
  take(): Metered | undefined {
    return this.#charges.pop();
  }

  /** Gives back what was not used. */
  async refund(): Promise<void> {
    const unused = this.#charges;
    this.#charges = [];
    await Promise.all(unused.map((charge) => charge.refund()));
  }
}
