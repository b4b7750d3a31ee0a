import type { Clock } from "../../../base/clock.ts";
import type { RelayEntry } from "../../redis/relay-stream.ts";

/** Redis writes its append-only file to the disk every second; a slow disk may double that. */
export const HORIZON_MS = 2_000;
/** Looking for a restart takes a moment, too. */
const KEPT_MS = HORIZON_MS + 1_000;
const MOST_BYTES = 67_108_864;

type Kept = { readonly entry: RelayEntry; readonly at: number };

/**
 * The entries that Redis took in the last seconds: what it may have lost when it comes back from a crash. Bounded in bytes; then the
 * oldest go.
 */
export class RecentEntries {
  readonly #clock: Clock;
  #kept: Kept[] = [];
  #first = 0;
  #bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `forget`: false while it is not known whether Redis still is the one that took the others. */
  add(entry: RelayEntry, forget: boolean): void {
    const at = this.#clock.monotonic();
    this.#kept.push({ entry, at });
    this.#bytes += entry.data.length;
    for (let oldest = this.#kept[this.#first]; oldest !== undefined; oldest = this.#kept[this.#first]) {
      if (this.#bytes <= MOST_BYTES && !(forget && at - oldest.at > KEPT_MS)) break;
      this.#bytes -= oldest.entry.data.length;
      this.#first += 1;
    }
    if (this.#first > 1_024 && this.#first * 2 > this.#kept.length) {
      this.#kept = this.#kept.slice(this.#first);
      this.#first = 0;
    }
  }

  entries(): RelayEntry[] {
    return this.#kept.slice(this.#first).map(({ entry }) => entry);
  }
}
