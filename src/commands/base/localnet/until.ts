import type { Clock } from "../../../base/clock.ts";
import { AppError } from "../../../base/errors.ts";
import type { Running } from "./processes.ts";

type Until = {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly withinMs: number;
  readonly everyMs?: number;
};

/** Asks again and again until the answer is true; false when it took too long. Throws the signal's reason. */
export async function until(
  { clock, signal, withinMs, everyMs = 40 }: Until,
  isSo: () => Promise<boolean>,
): Promise<boolean> {
  const deadline = clock.monotonic() + withinMs;
  for (;;) {
    signal.throwIfAborted();
    if (await isSo()) return true;
    if (clock.monotonic() >= deadline) return false;
    await clock.sleep(everyMs, signal);
  }
}

/** Waits until a program we started answers. Throws AppError LOCALNET_FAILED when it ends before or stays silent. */
export async function untilReady(
  program: Running,
  options: Until,
  isReady: () => Promise<boolean>,
): Promise<void> {
  const ready = await until(options, async () => program.ended() !== undefined || (await isReady()));
  const ended = program.ended();
  if (ready && ended === undefined) return;
  throw new AppError("LOCALNET_FAILED", `${program.name} did not come up`, {
    why: ended === undefined ? `it gave no answer within ${options.withinMs / 1000} s` : `it ${ended}`,
    todo: `Read ${program.logFile}.`,
  });
}

/** Whether a GET is answered with 2xx. */
export async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
