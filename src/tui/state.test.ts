import { describe, expect, test } from "vitest";
import { NOW, sampleView } from "../../test/kit/fleet-view.ts";
import { KEYS, keysFor } from "./keys.ts";
import { firstState, itemsOf, type State, selectedItem, tableOf } from "./model.ts";
import { type DashboardEvent, update } from "./state.ts";

const start = (change: Partial<State> = {}): State => ({
  ...firstState({ isReadOnly: false, size: { columns: 80, rows: 24 }, now: NOW, intervalMs: 1_000 }),
  ...change,
});
const loaded = (change: Partial<State> = {}): State =>
  update(start(change), { type: "view", view: sampleView() }).state;

/** The state after some keys, and what the last one asked for. */
function press(state: State, ...keys: readonly string[]) {
  let step = { state, effects: [] as readonly unknown[] };
  for (const key of keys) step = update(step.state, { type: "key", key });
  return step;
}
const typed = (state: State, ...keys: readonly string[]): State => press(state, ...keys).state;

describe("screens", () => {
  test("numbers and tab go through all four and round", () => {
    expect(["1", "2", "3", "4"].map((key) => typed(loaded(), key).screen)).toEqual([
      "sessions",
      "queues",
      "cache",
      "fleet",
    ]);
    expect(typed(loaded(), "tab", "tab").screen).toBe("cache");
    expect(typed(loaded(), "shift-tab").screen).toBe("fleet");
    expect(typed(loaded(), "tab", "tab", "tab", "tab").screen).toBe("sessions");
  });

  test("each keeps its own selection, filter and order", () => {
    const state = typed(loaded(), "j", "j", "/", "e", "t", "h", "enter", "2", "s", "1");
    expect(tableOf(state).filter).toBe("eth");
    expect(state.tables.queues.sort.index).not.toBe(state.tables.sessions.sort.index);
  });
});

describe("selection", () => {
  test("moves by one, by a page, to the ends, and no further", () => {
    const items = itemsOf(loaded());
    const at = (...keys: readonly string[]) => selectedItem(typed(loaded(), ...keys))?.key;
    expect(at()).toBe(items[0]?.key);
    expect(at("j")).toBe(items[1]?.key);
    expect(at("down", "down", "up")).toBe(items[1]?.key);
    expect(at("k")).toBe(items[0]?.key);
    expect(at("G")).toBe(items.at(-1)?.key);
    expect(at("G", "j")).toBe(items.at(-1)?.key);
    expect(at("pagedown")).toBe(items[16]?.key);
    expect(at("pagedown", "pageup")).toBe(items[0]?.key);
    expect(at("end", "home")).toBe(items[0]?.key);
  });

  test("stays on its row when rows move, and where it was when its row goes", () => {
    const state = typed(loaded(), "j", "j");
    const key = selectedItem(state)?.key;
    expect(selectedItem(typed(state, "S"))?.key).toBe(key);
    const view = sampleView();
    const left = view.sessions.value.sessions.filter((one) => `${one.supplier}/${one.sessionId}` !== key);
    const without = {
      ...view,
      sessions: { ...view.sessions, value: { ...view.sessions.value, sessions: left } },
    };
    const next = update(state, { type: "view", view: without }).state;
    expect(selectedItem(next)?.key).toBe(itemsOf(next)[2]?.key);
  });

  test("no row, no selection, no crash", () => {
    const empty = start();
    for (const { keys } of KEYS) for (const key of keys) expect(() => typed(empty, key)).not.toThrow();
    expect(selectedItem(typed(loaded(), "/", ..."zzzz", "enter", "j", "G", "i"))).toBeUndefined();
  });
});

describe("filter", () => {
  const rows = (text: string) => itemsOf(typed(loaded(), "/", ...text, "enter"));
  test("every word must occur, !word must not, case does not matter", () => {
    expect(rows("ETH").length).toBeGreaterThan(0);
    expect(rows("ETH").every(({ words, cells }) => `${words}${cells[1]?.text}`.includes("eth"))).toBe(true);
    expect(rows("eth").length + rows("!eth").length).toBe(itemsOf(loaded()).length);
    expect(rows("claiming anvil").map(({ words }) => words.includes("claiming"))).toEqual([true]);
  });
  test("keys are text while it is open; backspace takes back, esc clears", () => {
    const typing = typed(loaded(), "/", "q", "1", "i");
    expect([typing.mode.kind, tableOf(typing).filter]).toEqual(["filter", "q1i"]);
    expect(tableOf(typed(typing, "backspace")).filter).toBe("q1");
    expect(tableOf(typed(typing, "esc"))).toMatchObject({ filter: "" });
    expect(tableOf(typed(loaded(), "/", "e", "enter", "esc")).filter).toBe("");
  });
});

describe("order", () => {
  test("at first what can be lost soonest comes first", () => {
    const states = itemsOf(loaded()).map(({ cells }) => cells[3]?.text);
    expect(states.slice(0, 4)).toEqual(["✖ claim late", "▲ claiming", "▲ claim due", "● claimed"]);
  });
  test("s goes on to the next column, S turns it round, unknown values stay last", () => {
    const sorted = typed(loaded(), ..."sss");
    // The column of the bars has no title and is nothing to sort by.
    expect(sorted.tables.sessions.sort).toEqual({ index: 10, descending: false });
    expect(typed(sorted, "s").tables.sessions.sort.index).toBe(0);
    const queues = typed(loaded(), "2");
    const oldest = (state: State) => itemsOf(state).map(({ cells }) => cells[3]?.text);
    expect(oldest(queues)).toEqual(["▲ 12 s", "8.0 s", "4.0 s", "empty"]);
    expect(oldest(typed(queues, "S"))).toEqual(["4.0 s", "8.0 s", "▲ 12 s", "empty"]);
  });
  test("sessions that are over come with a", () => {
    expect(itemsOf(typed(loaded(), "a")).length).toBe(itemsOf(loaded()).length + 1);
  });
});

describe("invalidation", () => {
  test("asks first; n, esc and enter do nothing; y does it", () => {
    const asked = typed(loaded(), "i");
    expect(asked.mode).toMatchObject({ kind: "confirm", target: { entity: "application" } });
    for (const key of ["n", "esc", "enter", "q", "x", "i"]) expect(press(asked, key).effects).toEqual([]);
    const done = press(asked, "y");
    expect(done.effects).toEqual([{ do: "invalidate", target: done.state.pending }]);
    expect(press(done.state, "i").state.mode.kind).toBe("table");
  });
  test("on the cache screen it is the selected entry; params have no id", () => {
    const cache = typed(loaded(), "3", "/", ..."shared", "enter", "i");
    expect(cache.mode).toEqual({ kind: "confirm", target: { entity: "params", id: undefined } });
  });
  test("never when read-only, and not on screens without it", () => {
    expect(typed(loaded({ isReadOnly: true }), "i").mode.kind).toBe("table");
    expect(typed(loaded(), "4", "i").mode.kind).toBe("table");
  });
  test("what came of it is told, with who is missing, and goes after a while", () => {
    const result = {
      deleted: ["ha:cache:application:pokt1"],
      expected: 3,
      acked: 2,
      replicas: [
        { id: "r1", role: "relayer", ms: 3.2 },
        { id: "m1", role: "miner", ms: 13.9 },
      ],
      missing: ["r2"],
    };
    const target = { entity: "service", id: "eth" };
    const told = update(loaded(), { type: "invalidated", target, result }).state;
    const text = told.notice?.line.map((span) => span.text).join("");
    expect(text).toBe("▲ service eth: acked 2/3 in 14 ms missing: r2 (r1 4, m1 14)");
    expect(update(told, { type: "tick", now: NOW + 31_000 }).state.notice).toBeUndefined();
  });
});

describe("time", () => {
  test("p pauses; going on reads at once", () => {
    const paused = press(loaded(), "p");
    expect([paused.state.isPaused, paused.effects]).toEqual([true, []]);
    expect(press(paused.state, "p")).toMatchObject({ effects: [{ do: "refresh" }] });
  });
  test("each view adds a sample of the relayers' rates, a minute of them is kept", () => {
    let state = loaded();
    for (let times = 0; times < 80; times++)
      state = update(state, { type: "view", view: sampleView() }).state;
    expect(state.history["relayer-r1"]?.length).toBe(60);
    expect(state.history["miner-a"]).toBeUndefined();
  });
});

test("keys are unambiguous: in each mode and screen a key means one thing", () => {
  for (const screen of ["1", "2", "3", "4"])
    for (const mode of [[], ["enter"], ["?"], ["/"]]) {
      const keys = keysFor(typed(loaded(), screen, ...mode)).flatMap((row) => row.keys);
      expect(new Set(keys).size).toBe(keys.length);
    }
});

test("details open and close, help opens and closes, q and ctrl-c quit", () => {
  expect(typed(loaded(), "enter").mode.kind).toBe("detail");
  expect(typed(loaded(), "enter", "esc").mode.kind).toBe("table");
  expect(typed(loaded(), "enter", "j", "j").mode).toEqual({ kind: "detail", top: 2 });
  expect(typed(loaded(), "?", "?").mode.kind).toBe("table");
  const quits: DashboardEvent[] = [
    { type: "key", key: "q" },
    { type: "key", key: "ctrl-c" },
  ];
  for (const event of quits) expect(update(loaded(), event).effects).toEqual([{ do: "quit" }]);
  expect(press(loaded(), "i", "ctrl-c").effects).toEqual([{ do: "quit" }]);
});
