import type { FleetView, InvalidateTarget, Section, SessionDetail } from "../../runtime/ops/view.ts";
import type { Line } from "../line.ts";
import type { Cell, Column } from "../table.ts";

export type ScreenId = "sessions" | "queues" | "cache" | "fleet";

/** One row of a screen, whatever it is of. */
export type Item = {
  /** Stays the same from one view to the next, so that the selection stays on it. */
  readonly key: string;
  readonly cells: readonly Cell[];
  /** What the filter looks in, besides the cells' texts. */
  readonly words: string;
  /** Shown only with `a`. */
  readonly isOver: boolean;
  /** What `i` invalidates. */
  readonly target?: InvalidateTarget;
  readonly session?: { readonly supplier: string; readonly sessionId: string };
};

export type DetailFacts = {
  readonly view: FleetView;
  readonly session: SessionDetail | undefined;
  /** Relays per second of each replica, newest last. */
  readonly history: Readonly<Record<string, readonly number[]>>;
  readonly width: number;
};

/** One screen as data: what its rows, columns and texts are. The components draw any of them. */
export type Screen = {
  readonly id: ScreenId;
  readonly name: string;
  /** What its rows are called, for "12 of 148 sessions". */
  readonly noun: string;
  readonly columns: (view: FleetView) => readonly Column[];
  readonly items: (view: FleetView, history: DetailFacts["history"]) => readonly Item[];
  /** Column sorted by at first. */
  readonly sortedBy: { readonly index: number; readonly descending: boolean };
  /** The part of the view that it shows: its age is the screen's age. */
  readonly section: (view: FleetView) => Section<unknown>;
  /** What is shown without and with `a`; absent: `a` adds nothing. */
  readonly scopes?: { readonly usual: string; readonly all: string };
  /** The line below the rows. */
  readonly summary: (view: FleetView) => Line;
  /** Told when there is no row. */
  readonly empty: string;
  /** Everything known of a row. */
  readonly detail: (key: string, facts: DetailFacts) => readonly Line[];
  /** What the marks in the rows mean, for the help. */
  readonly legend: readonly Line[];
};
