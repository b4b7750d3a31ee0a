import { expect, test, vi } from "vitest";
import { NOW, sampleView } from "../../test/kit/fleet-view.ts";
import type { Clock } from "../base/clock.ts";
import type { InvalidateTarget, SessionDetail } from "../runtime/ops/view.ts";
import { firstState, type State } from "./model.ts";
import { openStore } from "./store.ts";

/** A clock whose sleeps end when they are aborted, or when the test lets the next one end. */
function manualClock() {
  const sleepers: { ms: number; end: () => void }[] = [];
  const clock: Clock = {
    now: () => NOW,
    monotonic: () => 0,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted || ms === 0) return resolve();
        sleepers.push({ ms, end: resolve });
        signal?.addEventListener("abort", () => resolve(), { once: true });
      }),
    after: () => () => undefined,
  };
  const end = (ms: number) => {
    const at = sleepers.findLastIndex((sleeper) => sleeper.ms === ms);
    sleepers.splice(at, 1)[0]?.end();
  };
  return { clock, end };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

const detail = (supplier: string, sessionId: string): SessionDetail => ({
  supplier,
  sessionId,
  readAt: NOW,
  claim: undefined,
  proof: undefined,
  proofRequired: undefined,
  meteredUpokt: 7n,
  meterLimitUpokt: 9n,
  root: undefined,
  isSealed: false,
  leaves: undefined,
});

function opened(invalidate = vi.fn(async (_: InvalidateTarget) => RESULT)) {
  const { clock, end } = manualClock();
  const read = vi.fn(async () => sampleView());
  const states: State[] = [];
  const store = openStore({
    source: { read, session: async (supplier, sessionId) => detail(supplier, sessionId) },
    invalidate,
    clock,
    onChange: (state) => states.push(state),
    first: firstState({
      isReadOnly: false,
      size: { columns: 80, rows: 24 },
      now: NOW,
      intervalMs: 5_000,
    }),
  });
  const key = (...names: readonly string[]) => {
    for (const name of names) store.dispatch({ type: "key", key: name });
  };
  return { store, read, states, key, end, running: store.run(), invalidate };
}

const RESULT = {
  deleted: [],
  expected: 1,
  acked: 1,
  replicas: [{ id: "r1", role: "relayer", ms: 3 }],
  missing: [],
};

test("reads at once, again after each interval, and at r", async () => {
  const { read, key, end, store, running } = opened();
  await settle();
  expect(read).toHaveBeenCalledTimes(1);
  end(5_000);
  await settle();
  expect(read).toHaveBeenCalledTimes(2);
  key("r");
  await settle();
  expect(read).toHaveBeenCalledTimes(3);
  store.quit();
  await running;
});

test("while paused it reads only when asked", async () => {
  const { read, key, end, store, running } = opened();
  await settle();
  key("p");
  end(5_000);
  await settle();
  end(5_000);
  await settle();
  expect(read).toHaveBeenCalledTimes(1);
  key("r");
  await settle();
  expect(read).toHaveBeenCalledTimes(2);
  key("p");
  await settle();
  expect(read).toHaveBeenCalledTimes(3);
  store.quit();
  await running;
});

test("opening a session reads its details, closing it ends that", async () => {
  const { store, key, running } = opened();
  await settle();
  key("enter");
  await settle();
  expect(store.state.session?.meteredUpokt).toBe(7n);
  key("esc");
  expect(store.state.session).toBeUndefined();
  key("q");
  await running;
});

test("y runs the invalidation once, tells its outcome and reads anew", async () => {
  const { store, key, read, invalidate, running } = opened();
  await settle();
  key("i", "n");
  expect(invalidate).not.toHaveBeenCalled();
  key("i", "y", "y");
  await settle();
  expect(invalidate).toHaveBeenCalledTimes(1);
  expect(invalidate.mock.calls[0]?.[0].entity).toBe("application");
  expect(store.state.notice?.line[0]?.text).toMatch(/^✔ application .*: acked 1\/1 in 3 ms$/);
  expect(store.state.pending).toBeUndefined();
  expect(read).toHaveBeenCalledTimes(2);
  key("q");
  await running;
});

test("an invalidation that fails is told and can be tried again", async () => {
  const { store, key, running } = opened(vi.fn(async () => Promise.reject(new Error("no connection"))));
  await settle();
  key("i", "y");
  await settle();
  expect(store.state.notice?.line[0]?.text).toBe("✖ the invalidation failed: no connection");
  expect(store.state.pending).toBeUndefined();
  key("ctrl-c");
  await running;
});
