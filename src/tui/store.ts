import { type Clock, repeat } from "../base/clock.ts";
import { toError } from "../base/errors.ts";
import type { Invalidated, InvalidateTarget, ViewSource } from "../runtime/ops/view.ts";
import type { Effect } from "./keys.ts";
import { lookedAt, type State } from "./model.ts";
import { type DashboardEvent, update } from "./state.ts";

type Options = {
  readonly source: ViewSource;
  readonly invalidate: (target: InvalidateTarget) => Promise<Invalidated>;
  readonly clock: Clock;
  /** Called with every new state. */
  readonly onChange: (state: State) => void;
  readonly first: State;
};

export type Store = {
  readonly state: State;
  dispatch(event: DashboardEvent): void;
  /** Reads the view again and again until somebody quits. */
  run(): Promise<void>;
  quit(): void;
};

const TICK_MS = 1_000;

/** Holds the state, and does what keys ask of the world. */
export function openStore({ source, invalidate, clock, onChange, first }: Options): Store {
  let state = first;
  let wake = new AbortController();
  let isAsked = false;
  const stop = new AbortController();

  const dispatch = (event: DashboardEvent): void => {
    const step = update(state, event);
    const isNew = step.state !== state;
    state = step.state;
    if (isNew) onChange(state);
    for (const effect of step.effects) perform(effect);
  };
  const perform = (effect: Effect): void => {
    if (effect.do === "quit") quit();
    else if (effect.do === "refresh") refresh();
    else void invalidateNow(effect.target);
  };
  const quit = (): void => {
    stop.abort();
    wake.abort();
  };
  const refresh = (): void => {
    isAsked = true;
    wake.abort();
  };
  const invalidateNow = async (target: InvalidateTarget): Promise<void> => {
    try {
      dispatch({ type: "invalidated", target, result: await invalidate(target) });
    } catch (thrown) {
      dispatch({ type: "failed", what: "the invalidation failed", why: toError(thrown).message });
    }
    refresh();
  };
  const readOnce = async (): Promise<void> => {
    dispatch({ type: "view", view: await source.read() });
    const place = lookedAt(state);
    if (place === undefined) return;
    try {
      dispatch({ type: "session", session: await source.session(place.supplier, place.sessionId) });
    } catch (thrown) {
      dispatch({ type: "failed", what: "the session could not be read", why: toError(thrown).message });
    }
  };
  const readForEver = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      // Cleared before the read: what is asked for while one is under way is answered by the next.
      isAsked = false;
      wake = new AbortController();
      await readOnce();
      do await clock.sleep(isAsked ? 0 : state.intervalMs, wake.signal);
      while (state.isPaused && !isAsked && !stop.signal.aborted);
    }
  };
  const tick = async (): Promise<void> => dispatch({ type: "tick", now: clock.now() });
  return {
    get state() {
      return state;
    },
    dispatch,
    quit,
    run: async () => {
      const ticking = repeat(
        clock,
        { everyMs: TICK_MS, signal: stop.signal, onError: () => undefined },
        tick,
      );
      await readForEver();
      await ticking;
    },
  };
}
