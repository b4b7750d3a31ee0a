import type { Clock } from "../../src/base/clock.ts";

export type ManualClock = Clock & {
  /** Lets time pass: what is due happens in its order. */
  advance(ms: number): void;
  /** Timers that are set. */
  timers(): number;
};

/** A clock that stands still until it is told. */
export function manualClock(): ManualClock {
  let now = 0;
  const due = new Set<{ readonly at: number; readonly act: () => void }>();
  const after = (ms: number, act: () => void) => {
    const timer = { at: now + ms, act };
    due.add(timer);
    return () => void due.delete(timer);
  };
  return {
    now: () => now,
    monotonic: () => now,
    sleep: (ms) => new Promise((resolve) => after(ms, resolve)),
    after,
    timers: () => due.size,
    advance: (ms) => {
      const until = now + ms;
      for (;;) {
        const [next] = [...due].filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at);
        if (next === undefined) break;
        due.delete(next);
        now = Math.max(now, next.at);
        next.act();
      }
      now = until;
    },
  };
}
