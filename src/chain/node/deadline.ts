import type { Clock } from "../../base/clock.ts";

/** Runs `work` with a signal that aborts after `ms`; `late` makes the error thrown when that happened. */
export async function withDeadline<T>(
  clock: Clock,
  ms: number,
  late: () => Error,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const done = new AbortController();
  const expired = clock.sleep(ms, done.signal).then(() => {
    if (done.signal.aborted) return new Promise<never>(() => {});
    deadline.abort();
    throw late();
  });
  const working = work(deadline.signal);
  try {
    return await Promise.race([working, expired]);
  } catch (thrown) {
    // the aborted work may reject before the deadline itself does
    throw deadline.signal.aborted ? late() : thrown;
  } finally {
    done.abort();
    working.catch(() => {}); // after a deadline the aborted work rejects with nobody listening
    expired.catch(() => {});
  }
}
