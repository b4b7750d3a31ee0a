import type { InvalidateTarget } from "../runtime/ops/view.ts";
import { line, type Span } from "./line.ts";
import { itemsOf, type Mode, type State, selectedIndex, selectedItem, tableOf, withTable } from "./model.ts";
import { SCREENS, screenOf } from "./screens/all.ts";
import type { ScreenId } from "./screens/screen.ts";

/** What a key asks of the world outside the screen. */
export type Effect =
  | { readonly do: "quit" }
  | { readonly do: "refresh" }
  | { readonly do: "invalidate"; readonly target: InvalidateTarget };

export type Step = { readonly state: State; readonly effects: readonly Effect[] };

/** One row of the table that the handler, the footer and the help screen are made from. */
export type KeyRow = {
  readonly keys: readonly string[];
  /** As it is written on the screen. */
  readonly shown: string;
  readonly does: string;
  /** Short form, for the footer; absent: help only. */
  readonly footer?: string;
  readonly modes: readonly Mode["kind"][];
  /** Absent: all. */
  readonly screens?: readonly ScreenId[];
  readonly act: (state: State) => Step;
};

const show = (state: State): Step => ({ state, effects: [] });
const ask = (state: State, ...effects: readonly Effect[]): Step => ({ state, effects });
const TABLE: Mode = { kind: "table" };

export const note = (state: State, ...text: readonly (Span | string)[]): State => ({
  ...state,
  notice: { line: line(...text), at: state.now },
});

const goTo =
  (screen: ScreenId) =>
  (state: State): Step =>
    show({ ...state, screen, mode: TABLE, session: undefined });

function turn(by: number) {
  return (state: State): Step => {
    const at = SCREENS.findIndex(({ id }) => id === state.screen);
    const next = SCREENS[(at + by + SCREENS.length) % SCREENS.length];
    return next ? goTo(next.id)(state) : show(state);
  };
}

/** Lines of a page: what the header, the column titles and the bottom leave, at least. */
const page = ({ size }: State): number => Math.max(1, size.rows - 8);

/** Moves the selection in a table, the text in details and help. */
function move(by: (state: State) => number) {
  return (state: State): Step => {
    const { mode } = state;
    if (mode.kind === "detail" || mode.kind === "help")
      return show({ ...state, mode: { ...mode, top: Math.max(0, mode.top + by(state)) } });
    const items = itemsOf(state);
    const from = selectedIndex(items, tableOf(state));
    const index = Math.max(0, Math.min(items.length - 1, from + by(state)));
    return show(withTable(state, { index, selected: items[index]?.key }));
  };
}

const FAR = 1_000_000;

function nextSort(state: State): Step {
  const { view } = state;
  if (view === undefined) return show(state);
  const columns = screenOf(state.screen).columns(view);
  let index = tableOf(state).sort.index;
  do index = (index + 1) % columns.length;
  while (columns[index]?.title === "");
  return show(withTable(state, { sort: { index, descending: columns[index]?.align === "right" } }));
}

function reverseSort(state: State): Step {
  const { index, descending } = tableOf(state).sort;
  return show(withTable(state, { sort: { index, descending: !descending } }));
}

/** Nothing is invalidated by one key: it asks first. */
function askInvalidate(state: State): Step {
  if (state.isReadOnly) return show(note(state, "read-only: nothing can be invalidated from here"));
  if (state.pending !== undefined) return show(note(state, "an invalidation is under way"));
  const target = selectedItem(state)?.target;
  if (target === undefined) return show(state);
  return show({ ...state, mode: { kind: "confirm", target } });
}

function confirm(state: State): Step {
  if (state.mode.kind !== "confirm") return show(state);
  const { target } = state.mode;
  return ask({ ...state, mode: TABLE, pending: target, notice: undefined }, { do: "invalidate", target });
}

function open(state: State): Step {
  const items = itemsOf(state);
  const index = selectedIndex(items, tableOf(state));
  const item = items[index];
  if (item === undefined) return show(state);
  const selected = withTable(state, { index, selected: item.key });
  return ask({ ...selected, mode: { kind: "detail", top: 0 }, session: undefined }, { do: "refresh" });
}

const back = (state: State): Step => show({ ...state, mode: TABLE, session: undefined, notice: undefined });

const clear = (state: State): Step =>
  show(withTable({ ...state, mode: TABLE, notice: undefined }, { filter: "" }));

const pause = (state: State): Step =>
  state.isPaused ? ask({ ...state, isPaused: false }, { do: "refresh" }) : show({ ...state, isPaused: true });

const LIST: readonly Mode["kind"][] = ["table"];
const READING: readonly Mode["kind"][] = ["table", "detail", "help"];
const SHEETS: readonly Mode["kind"][] = ["detail", "help"];

/** First match wins. */
export const KEYS: readonly KeyRow[] = [
  ...SCREENS.map(
    ({ id, name }, index): KeyRow => ({
      keys: [`${index + 1}`],
      shown: `${index + 1}`,
      does: `the ${name} screen`,
      modes: READING,
      act: goTo(id),
    }),
  ),
  { keys: ["tab"], shown: "tab", does: "the next screen", modes: READING, act: turn(1) },
  { keys: ["shift-tab"], shown: "shift-tab", does: "the screen before", modes: READING, act: turn(-1) },
  {
    keys: ["enter"],
    shown: "enter",
    does: "all that is known of the selected row",
    footer: "details",
    modes: LIST,
    act: open,
  },
  {
    keys: ["esc", "enter"],
    shown: "esc",
    does: "back to the table",
    footer: "back",
    modes: SHEETS,
    act: back,
  },
  {
    keys: ["/"],
    shown: "/",
    does: "filter by words; !word leaves out, esc clears",
    footer: "filter",
    modes: LIST,
    act: (state) => show({ ...state, mode: { kind: "filter" } }),
  },
  { keys: ["s"], shown: "s", does: "sort by the next column", footer: "sort", modes: LIST, act: nextSort },
  { keys: ["S"], shown: "S", does: "sort the other way round", modes: LIST, act: reverseSort },
  {
    keys: ["a"],
    shown: "a",
    does: "show everything, also what is over or cannot change, or hide it",
    footer: "all",
    modes: LIST,
    screens: ["sessions", "cache"],
    act: (state) => show(withTable(state, { withOver: !tableOf(state).withOver })),
  },
  {
    keys: ["i"],
    shown: "i",
    does: "invalidate the session's application in every cache, after a question",
    footer: "invalidate app",
    modes: LIST,
    screens: ["sessions"],
    act: askInvalidate,
  },
  {
    keys: ["i"],
    shown: "i",
    does: "invalidate the selected entry in every cache, after a question",
    footer: "invalidate",
    modes: LIST,
    screens: ["cache"],
    act: askInvalidate,
  },
  { keys: ["p", " "], shown: "p", does: "pause, and go on", footer: "pause", modes: READING, act: pause },
  {
    keys: ["r"],
    shown: "r",
    does: "read everything now",
    footer: "refresh",
    modes: READING,
    act: (state) => ask(state, { do: "refresh" }),
  },
  { keys: ["j", "down"], shown: "j ↓", does: "down", modes: READING, act: move(() => 1) },
  { keys: ["k", "up"], shown: "k ↑", does: "up", modes: READING, act: move(() => -1) },
  {
    keys: ["pagedown", "ctrl-d"],
    shown: "pgdn ctrl-d",
    does: "a page down",
    modes: READING,
    act: move(page),
  },
  {
    keys: ["pageup", "ctrl-u"],
    shown: "pgup ctrl-u",
    does: "a page up",
    modes: READING,
    act: move((state) => -page(state)),
  },
  { keys: ["g", "home"], shown: "g home", does: "to the first", modes: READING, act: move(() => -FAR) },
  { keys: ["G", "end"], shown: "G end", does: "to the last", modes: READING, act: move(() => FAR) },
  { keys: ["esc"], shown: "esc", does: "clear filter and message", modes: LIST, act: clear },
  { keys: ["y"], shown: "y", does: "yes, invalidate", footer: "yes", modes: ["confirm"], act: confirm },
  { keys: ["n", "esc", "q", "enter"], shown: "n", does: "no", footer: "no", modes: ["confirm"], act: back },
  {
    keys: ["enter"],
    shown: "enter",
    does: "keep the filter",
    footer: "keep",
    modes: ["filter"],
    act: (state) => show({ ...state, mode: TABLE }),
  },
  { keys: ["esc"], shown: "esc", does: "clear the filter", footer: "clear", modes: ["filter"], act: clear },
  {
    keys: ["?"],
    shown: "?",
    does: "this help",
    footer: "keys",
    modes: ["table", "detail"],
    act: (state) => show({ ...state, mode: { kind: "help", top: 0 } }),
  },
  { keys: ["?"], shown: "?", does: "back to the table", modes: ["help"], act: back },
  {
    keys: ["q"],
    shown: "q",
    does: "quit",
    footer: "quit",
    modes: READING,
    act: (state) => ask(state, { do: "quit" }),
  },
  {
    keys: ["ctrl-c"],
    shown: "ctrl-c",
    does: "quit, whatever is on the screen",
    modes: ["table", "detail", "help", "filter", "confirm"],
    act: (state) => ask(state, { do: "quit" }),
  },
];

/** The keys that do something now. */
export const keysFor = (state: State): readonly KeyRow[] =>
  KEYS.filter(
    ({ modes, screens }) =>
      modes.includes(state.mode.kind) && (screens === undefined || screens.includes(state.screen)),
  );

/** What a key does; one that means nothing here changes nothing, except that it is typed into an open filter. */
export function press(state: State, key: string): Step {
  const row = keysFor(state).find(({ keys }) => keys.includes(key));
  if (row) return row.act(state);
  return show(state.mode.kind === "filter" ? type(state, key) : state);
}

const LONGEST_FILTER = 60;

function type(state: State, key: string): State {
  const { filter } = tableOf(state);
  if (key === "backspace") return withTable(state, { filter: filter.slice(0, -1) });
  const isText = key.length === 1 && key >= " ";
  return isText ? withTable(state, { filter: (filter + key).slice(0, LONGEST_FILTER) }) : state;
}
