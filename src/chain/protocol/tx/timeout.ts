/** How long a transaction may live, all in nanoseconds (mining-path 5.3; go-peers 2.3 for the settings' names). */
export type TimeoutRules = {
  /** Taken off the time left in the window, for clocks that differ. */
  readonly skewNs: bigint;
  /** Used when the window has no time left. */
  readonly defaultNs: bigint;
  readonly minNs: bigint;
  /** Must stay below the chain's ten minutes. */
  readonly maxNs: bigint;
};

export type TxTimeout = {
  readonly durationNs: bigint;
  /** Which rule decided, for logs. */
  readonly rule: "default" | "min_clamp" | "window" | "max_clamp";
};

const SECOND = 1_000_000_000n;

/** 60 s off the window, at least 2 min, at most 9 min 50 s, and 2 min without a window (mining-path 5.3). */
export const DEFAULT_TIMEOUT_RULES: TimeoutRules = {
  skewNs: 60n * SECOND,
  defaultNs: 120n * SECOND,
  minNs: 120n * SECOND,
  maxNs: 590n * SECOND,
};

/** The life of a transaction from the time left in its window (mining-path 5.3). It counts from the latest block's time. */
export function txTimeout(windowLeftNs: bigint, rules: TimeoutRules = DEFAULT_TIMEOUT_RULES): TxTimeout {
  if (windowLeftNs <= 0n) return { durationNs: rules.defaultNs, rule: "default" };
  const adjusted = windowLeftNs - rules.skewNs;
  if (adjusted < rules.minNs) return { durationNs: rules.minNs, rule: "min_clamp" };
  if (adjusted > rules.maxNs) return { durationNs: rules.maxNs, rule: "max_clamp" };
  return { durationNs: adjusted, rule: "window" };
}

const NANOS_PER_MS = 1_000_000n;
const SPREAD = Number(SECOND);

/**
 * Timeouts that no two transactions of a supplier share: in an unordered transaction the timeout is the nonce, and the chain
 * refuses a second use of it (mining-path 5.2). The part below a second is drawn, so that a restarted process or another one that
 * holds the same key does not repeat a nonce either.
 */
export class TimeoutNonces {
  readonly #random: () => number;
  readonly #used = new Map<string, Set<bigint>>();

  /** `random` is in [0, 1), as Math.random. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /**
   * A timeout in nanoseconds since 1970 that this supplier did not use yet: at most a second (plus a nanosecond for each
   * collision) before `blockTimeMs` + `durationNs`, never after it.
   */
  next(supplier: string, blockTimeMs: number, durationNs: bigint): bigint {
    const blockTimeNs = BigInt(Math.trunc(blockTimeMs)) * NANOS_PER_MS;
    const used = this.#stillValid(supplier, blockTimeNs);
    let timeout = blockTimeNs + durationNs - BigInt(Math.floor(this.#random() * SPREAD));
    while (used.has(timeout)) timeout -= 1n;
    used.add(timeout);
    return timeout;
  }

  /** Forgets what the chain forgets too: timeouts at or before its time. */
  #stillValid(supplier: string, blockTimeNs: bigint): Set<bigint> {
    const used = new Set<bigint>();
    for (const timeout of this.#used.get(supplier) ?? []) if (timeout > blockTimeNs) used.add(timeout);
    this.#used.set(supplier, used);
    return used;
  }
}
