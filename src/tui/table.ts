import type { Line, Tone } from "./line.ts";
import { clean, cutEnd, cutMiddle } from "./text.ts";

export type Cell = {
  readonly text: string;
  readonly tone?: Tone;
  /** What the column is sorted by; the text when absent. Undefined values come last. */
  readonly sort?: number | bigint | string | undefined;
};

export type Column = {
  readonly title: string;
  readonly align: "left" | "right";
  /** Widths between which the column may shrink; it is never wider than what is in it. */
  readonly min: number;
  readonly max: number;
  /** When even the least widths do not fit, columns go in this order, highest first; 0 stays, SPARE comes only beside whole others. */
  readonly drop: number;
  readonly cut?: "middle" | "end";
  /** What the column holds, for the help. */
  readonly about?: string;
};

/** A column on the screen: its place in the cells and its width. */
export type Placed = { readonly index: number; readonly column: Column; readonly width: number };

const GAP = 2;
const TIGHT = 1;
export const SPARE = 99;
/** Every column gets so much before one gets all it could use. */
const COMFORTABLE = 14;

/** Which columns are shown and how wide: as wide as their content where there is room, else shrunk, else dropped. */
export function layout(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
): readonly Placed[] {
  const wanted = columns.map((column, index) => {
    const longest = rows.reduce((most, cells) => Math.max(most, cells[index]?.text.length ?? 0), 0);
    const natural = Math.max(
      titleWidth(column),
      Math.min(column.max, longest),
      Math.min(column.max, column.title.length + 1),
    );
    return { index, column, natural, least: Math.min(natural, Math.max(column.min, titleWidth(column))) };
  });
  const sumOf = (all: typeof wanted, of: "natural" | "least") =>
    all.reduce((sum, one) => sum + one[of], 0) + TIGHT * (all.length - 1);
  const isSpare = ({ column }: (typeof wanted)[number]) => column.drop >= SPARE;
  let kept = sumOf(wanted, "natural") > width ? wanted.filter((one) => !isSpare(one)) : wanted;
  while (sumOf(kept, "least") > width && kept.some(({ column }) => column.drop > 0)) {
    const worst = Math.max(...kept.map(({ column }) => column.drop));
    kept = kept.filter(({ column }) => column.drop !== worst);
  }
  const widths = kept.map(({ least }) => least);
  const comfortable = kept.map(({ natural }) => Math.min(natural, COMFORTABLE));
  const room = widen(widths, comfortable, width - sumOf(kept, "least"));
  widen(
    widths,
    kept.map(({ natural }) => natural),
    room,
  );
  return kept.map(({ index, column }, at) => ({ index, column, width: widths[at] ?? 0 }));
}

/** Title and the arrow of a sorted column; a title that may be cut in the middle (a replica's id) takes no more than ten. */
const titleWidth = ({ title, cut }: Column): number =>
  cut === "middle" ? Math.min(10, title.length + 1) : title.length + 1;

/** Gives columns of the screen, one at a time, to whoever lacks most: none starves beside a long one. Answers what is left. */
function widen(widths: number[], wanted: readonly number[], room: number): number {
  for (let left = room; ; left--) {
    const lacking = wanted.map((width, at) => width - (widths[at] ?? 0));
    const most = Math.max(...lacking, 0);
    if (left <= 0 || most === 0) return Math.max(0, left);
    const at = lacking.indexOf(most);
    widths[at] = (widths[at] ?? 0) + 1;
  }
}

/** Blanks between columns: two where there is room. */
export function gapFor(placed: readonly Placed[], width: number): number {
  const used = placed.reduce((sum, column) => sum + column.width, 0);
  return used + GAP * (placed.length - 1) <= width ? GAP : TIGHT;
}

export function rowLine(placed: readonly Placed[], cells: readonly Cell[], gap: number): Line {
  return placed.flatMap(({ index, column, width }, at) => {
    const { text = "", tone } = cells[index] ?? {};
    const blank = at === 0 ? [] : [{ text: " ".repeat(gap) }];
    return [...blank, { text: fitCell(text, column, width), ...(tone && { tone }) }];
  });
}

function fitCell(text: string, { align, cut }: Column, width: number): string {
  const shown = cut === "middle" ? cutMiddle(clean(text), width) : cutEnd(clean(text), width);
  return align === "right" ? shown.padStart(width) : shown.padEnd(width);
}

export function headerLine(
  placed: readonly Placed[],
  sorted: { readonly index: number; readonly descending: boolean },
  gap: number,
): Line {
  const cells: Cell[] = [];
  for (const { index, column } of placed) {
    const arrow = index === sorted.index ? (sorted.descending ? "▼" : "▲") : "";
    cells[index] = { text: column.title + arrow };
  }
  return rowLine(placed, cells, gap);
}

/** Sorted by one column; unknown values come last whichever way. Stable. */
export function sortRows<Row extends { readonly cells: readonly Cell[] }>(
  rows: readonly Row[],
  index: number,
  descending: boolean,
): readonly Row[] {
  const sortValue = ({ cells }: Row): Cell["sort"] => {
    const cell = cells[index];
    return cell && ("sort" in cell ? cell.sort : cell.text);
  };
  return rows.toSorted((left, right) => {
    const a = sortValue(left);
    const b = sortValue(right);
    if (a === b) return 0;
    if (a === undefined) return 1;
    if (b === undefined) return -1;
    return (a < b ? -1 : 1) * (descending ? -1 : 1);
  });
}
