/** Time as an argument: tests give their own. Nothing else in the code reads the wall clock or sets a timer. */
export type Clock = {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds that only grow; for durations and lease deadlines. */
  monotonic(): number;
  /** Resolves after `ms`, or at once (without error) when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `act` once after `ms`, unless the function given back is called before. For what happens on every relay: no promise, no signal. */
  after(ms: number, act: () => void): () => void;
};

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const timer = setTimeout(done, ms);
      function done() {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      }
      signal?.addEventListener("abort", done, { once: true });
    }),
  after: (ms, act) => {
    const timer = setTimeout(act, ms);
    return () => clearTimeout(timer);
  },
};

export type Repeat = {
  readonly everyMs: number;
  readonly signal: AbortSignal;
  /** Called with whatever one turn threw; the next turn comes all the same. */
  readonly onError: (thrown: unknown) => void;
};

/** Runs `turn` again and again, one at a time, with `everyMs` between the end of one and the start of the next, until the signal aborts. */
export async function repeat(
  clock: Clock,
  { everyMs, signal, onError }: Repeat,
  turn: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await turn();
    } catch (thrown) {
      onError(thrown);
    }
    await clock.sleep(everyMs, signal);
  }
}
