import type { FleetView, InvalidateTarget, SessionDetail } from "../runtime/ops/view.ts";
import type { Line } from "./line.ts";
import { SCREENS, screenOf } from "./screens/all.ts";
import type { Item, Screen, ScreenId } from "./screens/screen.ts";
import { sortRows } from "./table.ts";

/** What has the keyboard. */
export type Mode =
  | { readonly kind: "table" }
  | { readonly kind: "filter" }
  | { readonly kind: "confirm"; readonly target: InvalidateTarget }
  /** `top`: the first line shown. */
  | { readonly kind: "detail"; readonly top: number }
  | { readonly kind: "help"; readonly top: number };

export type Table = {
  /** Key of the selected row, and where it was when it was last there. */
  readonly selected: string | undefined;
  readonly index: number;
  readonly sort: { readonly index: number; readonly descending: boolean };
  readonly filter: string;
  /** Shows rows that are over, too. */
  readonly withOver: boolean;
};

export type Size = { readonly columns: number; readonly rows: number };

export type State = {
  readonly screen: ScreenId;
  readonly tables: Readonly<Record<ScreenId, Table>>;
  readonly mode: Mode;
  readonly isPaused: boolean;
  readonly isReadOnly: boolean;
  /** Undefined until the first read has ended. */
  readonly view: FleetView | undefined;
  /** Of the session that is looked at. */
  readonly session: SessionDetail | undefined;
  /** Relays per second of each replica, one sample a view. */
  readonly history: Readonly<Record<string, readonly number[]>>;
  /** Unix ms. */
  readonly now: number;
  readonly size: Size;
  /** How often the view is read; older data counts as stale. */
  readonly intervalMs: number;
  /** What came of the last action; goes after a while or with esc. */
  readonly notice: { readonly line: Line; readonly at: number } | undefined;
  /** The invalidation that is under way. */
  readonly pending: InvalidateTarget | undefined;
};

const firstTable = ({ sortedBy }: Screen): Table => ({
  selected: undefined,
  index: 0,
  sort: sortedBy,
  filter: "",
  withOver: false,
});

type Start = Pick<State, "isReadOnly" | "size" | "now" | "intervalMs"> & { readonly screen?: ScreenId };

export function firstState({ isReadOnly, size, now, intervalMs, screen = "sessions" }: Start): State {
  const tables = Object.fromEntries(SCREENS.map((one) => [one.id, firstTable(one)]));
  return {
    screen,
    tables: tables as Record<ScreenId, Table>,
    mode: { kind: "table" },
    isPaused: false,
    isReadOnly,
    view: undefined,
    session: undefined,
    history: {},
    now,
    size,
    intervalMs,
    notice: undefined,
    pending: undefined,
  };
}

export const tableOf = (state: State): Table => state.tables[state.screen];

export const withTable = (state: State, change: Partial<Table>): State => ({
  ...state,
  tables: { ...state.tables, [state.screen]: { ...tableOf(state), ...change } },
});

/** The rows of the screen as they are shown: filtered and sorted. */
export function itemsOf(state: State): readonly Item[] {
  if (state.view === undefined) return [];
  const { filter, sort, withOver } = tableOf(state);
  const all = screenOf(state.screen).items(state.view, state.history);
  const shown = all.filter((item) => (withOver || !item.isOver) && matches(item, filter));
  return sortRows(shown, sort.index, sort.descending);
}

/** How many rows there are before filter and scope. */
export const totalOf = (state: State): number =>
  state.view === undefined ? 0 : screenOf(state.screen).items(state.view, state.history).length;

/** Every word of the filter must occur, in any cell or in what the row is about; "!word" must not. Case does not matter. */
function matches({ cells, words }: Item, filter: string): boolean {
  const wanted = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return true;
  const text = `${words} ${cells.map((cell) => cell.text).join(" ")}`.toLowerCase();
  return wanted.every((word) =>
    word.startsWith("!") ? word === "!" || !text.includes(word.slice(1)) : text.includes(word),
  );
}

/** Where the selection is: on its row, else where that row was. -1 when there is none. */
export function selectedIndex(items: readonly Item[], { selected, index }: Table): number {
  const found = items.findIndex(({ key }) => key === selected);
  return found >= 0 ? found : Math.min(index, items.length - 1);
}

export function selectedItem(state: State): Item | undefined {
  const items = itemsOf(state);
  return items[selectedIndex(items, tableOf(state))];
}

/** The session whose details are on the screen: they are read anew with every view. */
export function lookedAt(state: State): Item["session"] {
  return state.mode.kind === "detail" ? selectedItem(state)?.session : undefined;
}
