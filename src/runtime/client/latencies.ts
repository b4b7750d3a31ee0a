/** Latencies in milliseconds, kept whole up to a bound and as an even sample beyond it. */
export class Latencies {
  readonly #kept: number[] = [];
  /** Beyond the bound, every n-th is kept. */
  #every = 1;
  #seen = 0;
  #max = 0;

  add(ms: number): void {
    this.#max = Math.max(this.#max, ms);
    if (this.#seen++ % this.#every !== 0) return;
    this.#kept.push(ms);
    if (this.#kept.length < MAX_KEPT) return;
    // Every second one goes: what stays is as even a sample as before.
    for (let index = 0; index * 2 < this.#kept.length; index++)
      this.#kept[index] = this.#kept[index * 2] ?? 0;
    this.#kept.length = Math.ceil(this.#kept.length / 2);
    this.#every *= 2;
  }

  summary(): LatencySummary | undefined {
    if (this.#kept.length === 0) return undefined;
    const sorted = this.#kept.toSorted((left, right) => left - right);
    const at = (part: number) =>
      sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? 0;
    return { p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99), max: this.#max };
  }
}

const MAX_KEPT = 131_072;

/** Milliseconds below which that part of the answers came. */
export type LatencySummary = {
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
};
