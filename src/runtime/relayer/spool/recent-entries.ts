import type { Clock } from "../../../base/clock.ts";
import type { RelayEntry } from "../../redis/relay-stream.ts";

/** Redis writes its append-only file to the disk every second; a slow disk may double that. */
export const HORIZON_MS = 2_000;
/** Looking for a restart takes a moment, too. */
const KEPT_MS = HORIZON_MS + 1_000;
const MOST_BYTES = 67_108_864;
const SLAB_BYTES = 262_144;
/** A slab takes entries for so long. */
const SLAB_MS = 500;

/** Entries of one moment, one behind the other. What survives a garbage collection is a few slabs, not every relay's objects. */
type Slab = {
  readonly bytes: Buffer;
  used: number;
  readonly suppliers: string[];
  readonly ends: number[];
  readonly begun: number;
  newest: number;
};

/**
 * The entries that Redis took in the last seconds: what it may have lost when it comes back from a crash. Bounded in bytes; then the
 * oldest go.
 */
export class RecentEntries {
  readonly #clock: Clock;
  /** The oldest first. */
  readonly #slabs: Slab[] = [];
  #spare: Buffer | undefined;
  #bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `forget`: false while it is not known whether Redis still is the one that took the others. */
  add({ supplier, data }: RelayEntry, forget: boolean): void {
    const now = this.#clock.monotonic();
    let slab = this.#slabs.at(-1);
    if (slab === undefined || slab.used + data.length > slab.bytes.length || now - slab.begun > SLAB_MS) {
      this.#forget(now, forget);
      slab = this.#open(data.length, now);
    }
    slab.bytes.set(data, slab.used);
    slab.used += data.length;
    slab.suppliers.push(supplier);
    slab.ends.push(slab.used);
    slab.newest = now;
  }

  entries(): RelayEntry[] {
    return this.#slabs.flatMap(({ bytes, suppliers, ends }) =>
      suppliers.map((supplier, index) => ({
        supplier,
        data: Uint8Array.prototype.slice.call(bytes, ends[index - 1] ?? 0, ends[index]),
      })),
    );
  }

  #open(length: number, now: number): Slab {
    const bytes =
      (length <= SLAB_BYTES && this.#spare) || Buffer.allocUnsafeSlow(Math.max(length, SLAB_BYTES));
    if (bytes === this.#spare) this.#spare = undefined;
    const slab = { bytes, used: 0, suppliers: [], ends: [], begun: now, newest: now };
    this.#slabs.push(slab);
    this.#bytes += bytes.length;
    return slab;
  }

  #forget(now: number, forget: boolean): void {
    for (let oldest = this.#slabs[0]; oldest !== undefined; oldest = this.#slabs[0]) {
      if (this.#bytes < MOST_BYTES && !(forget && now - oldest.newest > KEPT_MS)) return;
      this.#slabs.shift();
      this.#bytes -= oldest.bytes.length;
      if (oldest.bytes.length === SLAB_BYTES) this.#spare = oldest.bytes;
    }
  }
}
