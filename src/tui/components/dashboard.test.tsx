import fc from "fast-check";
import { renderToString } from "ink";
import { render } from "ink-testing-library";
import type { ReactElement } from "react";
import { describe, expect, test } from "vitest";
import { NOW, sampleReplica, sampleSession, sampleView } from "../../../test/kit/fleet-view.ts";
import type { FleetView } from "../../runtime/ops/view.ts";
import { firstState, type Size, type State } from "../model.ts";
import { plainFrame } from "../run-dashboard.tsx";
import { SCREENS } from "../screens/all.ts";
import { update } from "../state.ts";
import { Dashboard } from "./dashboard.tsx";
import { Header } from "./header.tsx";
import { Rows } from "./rows.tsx";
import { Sheet } from "./sheet.tsx";
import { Tabs } from "./tabs.tsx";

const SMALL: Size = { columns: 80, rows: 24 };
const LARGE: Size = { columns: 200, rows: 50 };

const stateOf = (size: Size, view: FleetView = sampleView()): State =>
  update(firstState({ isReadOnly: false, size, now: NOW, intervalMs: 1_000 }), { type: "view", view }).state;
const press = (state: State, ...keys: readonly string[]): State =>
  keys.reduce((now, key) => update(now, { type: "key", key }).state, state);

const draw = (element: ReactElement, columns: number): readonly string[] =>
  renderToString(element, { columns }).split("\n");
const frame = (state: State): readonly string[] => draw(<Dashboard state={state} />, state.size.columns);
const text = (state: State): string => frame(state).join("\n");

function expectFits(lines: readonly string[], { columns, rows }: Size): void {
  expect(lines.length).toBeLessThanOrEqual(rows - 1);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
}

/** Every screen in every mode. */
const SITUATIONS: readonly (readonly string[])[] = ["1", "2", "3", "4"].flatMap((screen) => [
  [screen],
  [screen, "G"],
  [screen, "enter"],
  [screen, "?"],
  [screen, "?", "G"],
  [screen, "i"],
  [screen, "/", "e", "t"],
  [screen, "p"],
]);

describe.each([SMALL, LARGE])("at $columns x $rows", (size) => {
  test.each(SITUATIONS)("%s %s %s fits: one line is left, none is too long", (...keys) => {
    const lines = frame(press(stateOf(size), ...keys));
    expectFits(lines, size);
    expect(lines.length).toBe(size.rows - 1);
  });

  test("each component by itself is as wide as it is told", () => {
    const state = stateOf(size);
    const { columns } = size;
    for (const { id } of SCREENS) {
      const on = { ...state, screen: id };
      expectFits(draw(<Rows state={on} height={10} />, columns), { columns, rows: 11 });
      expectFits(draw(<Tabs state={on} />, columns), { columns, rows: 2 });
    }
    expectFits(draw(<Header view={state.view} now={NOW} width={columns} />, columns), { columns, rows: 2 });
    const long = [[{ text: "word ".repeat(200) }], [{ text: "x".repeat(900) }]];
    const sheet = <Sheet title="t" lines={long} top={3} width={columns} height={8} />;
    expectFits(draw(sheet, columns), { columns, rows: 9 });
  });
});

test("any terminal of at least 60x15, with any view, fits", { timeout: 60_000 }, () => {
  const keys = fc.array(
    fc.constantFrom("1", "2", "3", "4", "j", "G", "s", "enter", "?", "esc", "i", "/", "e"),
    {
      maxLength: 6,
    },
  );
  const size = fc.record({
    columns: fc.integer({ min: 60, max: 220 }),
    rows: fc.integer({ min: 15, max: 70 }),
  });
  fc.assert(
    fc.property(size, keys, fc.string({ unit: "binary", maxLength: 60 }), (some, pressed, hostile) => {
      const view = sampleView();
      const sessions = [
        ...view.sessions.value.sessions,
        sampleSession(3, { service: hostile, owner: hostile }),
      ];
      const replicas = [...view.replicas.value, sampleReplica(`r-${hostile}`, { version: hostile })];
      const odd = {
        ...view,
        sessions: { ...view.sessions, value: { ...view.sessions.value, sessions } },
        replicas: { ...view.replicas, value: replicas, problem: hostile || undefined },
      };
      expectFits(frame(press(stateOf(some, odd), ...pressed)), some);
    }),
    { numRuns: 50 },
  );
});

test("a smaller one says so", () => {
  const lines = frame(stateOf({ columns: 50, rows: 12 }));
  expect(lines.join("\n")).toContain("needs 60x15, has 50x12");
  expectFits(lines, { columns: 50, rows: 12 });
});

describe("the sessions screen", () => {
  test("tells state as glyph and word, relays, stake, blocks and owner at 80 columns", () => {
    const shown = text(stateOf(SMALL));
    expect(shown).toMatch(/▲ claiming +36 120 +1 236 POKT claim closes 1/);
    expect(shown).toMatch(/● active +1 204 +41\.20 POKT session ends 5/);
    expect(shown).toContain("✖ nobody");
    expect(shown).toContain("28 of 29 sessions · live (a: all) · by BLOCKS TO ▲");
    expect(shown).toMatch(/due within 10 blocks: [\d ]+ POKT in 3 sessions · ✖ 1 lost/);
  });
  test("tells what was paid and what is lost", () => {
    expect(text(stateOf(SMALL))).toMatch(/✖ claim late .* −1 360 POKT closed 9 ago/);
    expect(text(press(stateOf(LARGE), "a", "G"))).toMatch(/✔ settled .* \+126\.4 POKT +settled 4 ago/);
  });
  test("marks the selected row with more than colour", () => {
    const marked = frame(press(stateOf(SMALL), "j")).filter((line) => line.startsWith("▌"));
    expect(marked.length).toBe(1);
    expect(marked[0]).toContain("claiming");
  });
  test("shows whole addresses and the selected session where there is room", () => {
    const shown = text(stateOf(LARGE));
    expect(shown).toMatch(/ pokt1su1[qz9x]{35} /);
    expect(shown).toContain("─ selected ─");
    expect(shown).toContain("claim_window_closed");
  });
  test("details tell heights, money and the transactions", () => {
    const shown = text(press(stateOf(SMALL), "/", ..."claimed", "enter", "enter"));
    expect(shown).toMatch(/heights +1 197–1 206 · claim 1 208–1 212 · proof 1 212–1 216 · settles 1 217/);
    expect(shown).toContain("1 318 496 000 upokt at base difficulty");
    expect(shown).toContain(`tx ${"99D4EAA4".repeat(8)}`);
  });
});

test("the queues screen tells who has no miner and what is old or dead", () => {
  const shown = text(press(stateOf(SMALL), "2"));
  expect(shown).toMatch(/▌ pokt1\S+ +120 +45 +▲ 12 s +0 +0 +0 ✖ nobody/);
  expect(shown).toContain("✖ 3");
  expect(shown).toContain("240 in all streams, 90 of them pending · ✖ 1 without a miner");
});

test("the cache screen tells absent from unknown, and a replica's column where there is room", () => {
  const shown = text(press(stateOf({ columns: 120, rows: 24 }), "3"));
  expect(shown).toMatch(/application +pokt1ap0\S+ +1\/2 +12 s +12 s +4 min +12 s +·/);
  expect(shown).toMatch(/application +pokt1ap1\S+ +0\/2 +· +· +· +— +·/);
  expect(shown).toMatch(/supplier +\S+ +2\/2 +9\.0 s +none +none/);
});

test("the fleet screen tells who is gone, and never a rate of theirs", () => {
  const shown = text(press(stateOf(SMALL), "4"));
  expect(shown).toMatch(/relayer-r1 +relayer +0\.4 s +1 215 +0 +413 +4\.2 +38\.5 +943/);
  expect(shown).toMatch(/relayer-r2 +relayer +✖ gone +1 215 +0 +— +— +— +—/);
  expect(shown).toMatch(/miner-a +leader/);
});

test("a relayer's details name every endpoint that is not up", () => {
  const shown = text(press(stateOf(LARGE), "4", "/", ..."relayer-r1", "enter", "enter"));
  expect(shown).toContain("1 of 2 up");
  expect(shown).toContain("eth jsonrpc: node-2 is ejected");
  expect(shown).not.toContain("node-1 is");
});

test("the question names what is forgotten and the command that does the same", () => {
  const shown = text(press(stateOf({ columns: 120, rows: 24 }), "3", "i"));
  expect(shown).toContain(`= relayminer cache invalidate --app pokt1${"ap0".padEnd(38, "qz9x")}`);
  expect(shown).toContain("2 replicas read it from the chain again");
  expect(shown).toContain("y yes  n no");
});

describe("age", () => {
  test("each screen tells the age of its data; old data are stale, never shown as new", () => {
    for (const key of ["1", "2", "3", "4"]) {
      const fresh = press(stateOf(SMALL), key);
      expect(text(fresh)).toContain("data 0.0 s old");
      const old = update(fresh, { type: "tick", now: NOW + 12_000 }).state;
      expect(text(old)).toContain("▲ stale: data 12 s old");
    }
  });
  test("pause is told with the age", () => {
    const paused = update(press(stateOf(SMALL), "p"), { type: "tick", now: NOW + 5_000 }).state;
    expect(text(paused)).toContain("PAUSED · data 5.0 s old");
  });
  test("a part that cannot be read says why, the others stay", () => {
    const view = sampleView();
    const broken = { ...view, queues: { ...view.queues, problem: "Redis did not answer XLEN in time" } };
    const state = stateOf(SMALL, broken);
    expect(text(press(state, "2"))).toContain("✖ Redis did not answer XLEN in time");
    expect(text(press(state, "1"))).not.toContain("XLEN");
  });
  test("before the first view and with an empty fleet nothing is invented", () => {
    const none = firstState({ isReadOnly: false, size: SMALL, now: NOW, intervalMs: 1_000 });
    expect(text(none)).toContain("reading Redis …");
    const empty = { value: [], readAt: NOW, problem: undefined };
    const view = sampleView({
      replicas: empty,
      queues: empty,
      chain: { height: undefined, blockAgeMs: undefined, blockMs: undefined },
    });
    expect(text(stateOf(SMALL, view))).toContain("height unknown");
    expect(text(press(stateOf(SMALL, view), "4"))).toContain("no replica beats");
  });
});

test("help is made from the keys: each of the screen's keys is in it", () => {
  const shown = text(press(stateOf({ columns: 100, rows: 60 }), "?"));
  for (const word of [
    "shift-tab",
    "pgdn ctrl-d",
    "filter by words",
    "sort by the next column",
    "yes, invalidate",
  ])
    expect(shown).toContain(word);
});

test("Ink draws the same in a terminal", () => {
  const state = stateOf(SMALL);
  const { lastFrame, unmount } = render(<Dashboard state={state} />);
  expect(lastFrame()?.split("\n").length).toBe(SMALL.rows - 1);
  expectFits(lastFrame()?.split("\n") ?? [], SMALL);
  expect(lastFrame()).toContain("1[Sessions]");
  unmount();
});

test("a frame for a pipe is plain text with every row and without the keys", () => {
  const plain = plainFrame({ view: sampleView(), screen: "sessions", columns: 120 });
  expect(plain).not.toContain("\u001b");
  expect(plain).not.toContain("q quit");
  expect(plain.split("\n").filter((line) => line.includes("● active")).length).toBe(24);
});
