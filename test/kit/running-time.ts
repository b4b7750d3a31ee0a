import { setTimeout as sleep } from "node:timers/promises";

const TICK_MS = 10;
/** What a tick may be late on a busy machine; what is beyond it is a stall. */
const MOST_MS = 50;

let ran = 0;
let last = performance.now();
setInterval(() => {
  const now = performance.now();
  ran += Math.min(now - last, MOST_MS);
  last = now;
}, TICK_MS).unref();

/** Milliseconds that this process ran: while its machine stands still it is not late. For what must not take longer than so much. */
export const runningTime = (): number => ran + Math.min(performance.now() - last, MOST_MS);

/** Resolves when this process ran for so long: time for it to read what has come, also after a stall. */
export async function ranFor(ms: number): Promise<void> {
  const end = runningTime() + ms;
  while (runningTime() < end) await sleep(TICK_MS);
}
