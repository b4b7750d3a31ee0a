import type { Clock } from "../../base/clock.ts";
import type { Outcome } from "./outcome.ts";

export type LoadPlan = {
  readonly count: number;
  /** Relays in flight at a time. */
  readonly concurrency: number;
  /** Relays begun per second; 0: each worker sends the next one as soon as it has its answer. */
  readonly rps: number;
};

type Load<Relay> = {
  readonly plan: LoadPlan;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The relay with that number, signed; a worker signs its next one itself. */
  readonly relay: (number: number) => Relay | Promise<Relay>;
  readonly send: (relay: Relay, worker: number) => Promise<Outcome>;
  readonly onOutcome: (relay: Relay, outcome: Outcome) => void;
};

export type LoadTime = { readonly seconds: number; readonly begun: number };

/**
 * Sends relays until all are answered or the signal aborts; those in flight are waited for. At a given rate a relay's latency counts from
 * when it was due, so that a relayer that stalls is seen to stall. Rejects with what `relay` throws.
 */
export async function runLoad<Relay>(load: Load<Relay>): Promise<LoadTime> {
  const { plan, clock, signal } = load;
  const { count, concurrency, rps } = plan;
  const start = clock.monotonic();
  let next = 0;
  const dueAt = (number: number) => start + (number * 1000) / rps;
  const one = async (number: number, worker: number): Promise<void> => {
    const lateMs = rps === 0 ? 0 : Math.max(0, clock.monotonic() - dueAt(number));
    const relay = await load.relay(number);
    load.onOutcome(relay, delayed(await load.send(relay, worker), lateMs));
  };
  const work = async (worker: number): Promise<void> => {
    while (next < count && !signal.aborted) {
      const number = next++;
      if (rps > 0) await clock.sleep(Math.max(0, dueAt(number) - clock.monotonic()), signal);
      await one(number, worker);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, (_, worker) => work(worker)));
  return { seconds: (clock.monotonic() - start) / 1000, begun: next };
}

const delayed = (outcome: Outcome, lateMs: number): Outcome =>
  outcome.kind === "answered" && lateMs > 0 ? { ...outcome, latencyMs: outcome.latencyMs + lateMs } : outcome;
