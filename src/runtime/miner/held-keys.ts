import type { KeyRing, KeySource } from "../keys/key-ring.ts";

type Leaving = { readonly ring: KeyRing; readonly since: number };

/**
 * The keys a miner signs with: those that are configured, and those taken out of the configuration whose suppliers have sessions to
 * finish. What was served is claimed and proved by its supplier's key, so a removed key is kept, in memory only, until there is nothing
 * left to sign.
 */
export class HeldKeys implements KeyRing {
  readonly #now: () => number;
  #configured: KeyRing;
  readonly #leaving = new Map<string, Leaving>();

  /** `now` is a monotonic clock, in milliseconds. */
  constructor(configured: KeyRing, now: () => number) {
    this.#configured = configured;
    this.#now = now;
  }

  get configured(): KeyRing {
    return this.#configured;
  }

  /** From now on these are configured. The suppliers that begin to leave by that. */
  take(next: KeyRing): readonly string[] {
    const before = this.#configured;
    const removed = before.addresses().filter((address) => !next.has(address));
    for (const address of removed) this.#leaving.set(address, { ring: before, since: this.#now() });
    for (const address of next.addresses()) this.#leaving.delete(address);
    this.#configured = next;
    return removed;
  }

  /** Suppliers without a configured key, and for how many milliseconds. */
  leaving(): readonly { readonly address: string; readonly forMs: number }[] {
    return [...this.#leaving].map(([address, { since }]) => ({ address, forMs: this.#now() - since }));
  }

  letGo(address: string): void {
    this.#leaving.delete(address);
  }

  addresses(): readonly string[] {
    return [...this.#configured.addresses(), ...this.#leaving.keys()];
  }

  has(address: string): boolean {
    return this.#configured.has(address) || this.#leaving.has(address);
  }

  publicKey(address: string): Uint8Array {
    return this.#ringOf(address).publicKey(address);
  }

  sign(address: string, digest: Uint8Array): Uint8Array {
    return this.#ringOf(address).sign(address, digest);
  }

  get sources(): readonly KeySource[] {
    return this.#configured.sources;
  }

  #ringOf(address: string): KeyRing {
    return this.#leaving.get(address)?.ring ?? this.#configured;
  }
}
