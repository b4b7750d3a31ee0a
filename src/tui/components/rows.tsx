import type { ReactElement } from "react";
import { type Line, line } from "../line.ts";
import { itemsOf, type State, selectedIndex, tableOf, totalOf } from "../model.ts";
import { screenOf } from "../screens/all.ts";
import { gapFor, headerLine, layout, rowLine } from "../table.ts";
import { count } from "../text.ts";
import { Lines } from "./lines.tsx";

type Props = { readonly state: State; readonly height: number };

const MARK = "▌ ";
const NO_MARK = "  ";

/** The table of the screen: what it shows, titles, and as many rows as there is room for, the selected one among them. */
export function Rows({ state, height }: Props): ReactElement {
  const { view, screen, size } = state;
  if (view === undefined) return <Lines lines={[line("  reading Redis …")]} width={size.columns} />;
  const items = itemsOf(state);
  const width = size.columns - MARK.length;
  const columns = screenOf(screen).columns(view);
  const placed = layout(
    columns,
    items.map(({ cells }) => cells),
    width,
  );
  const gap = gapFor(placed, width);
  const at = selectedIndex(items, tableOf(state));
  const room = Math.max(1, height - 2);
  const top = Math.max(0, Math.min(at - Math.floor(room / 2), items.length - room));
  const rows = items
    .slice(top, top + room)
    .map(
      ({ cells }, index): Line => [
        { text: top + index === at ? MARK : NO_MARK },
        ...rowLine(placed, cells, gap),
      ],
    );
  const titles = line({ text: NO_MARK }, ...headerLine(placed, tableOf(state).sort, gap));
  const bold = titles.map((span) => ({ ...span, bold: true }));
  const none = items.length === 0 ? [line({ text: `  ${emptyText(state)}`, tone: "muted" })] : [];
  return (
    <Lines
      lines={[scopeLine(state), bold, ...rows, ...none]}
      width={size.columns}
      selected={items.length === 0 ? -1 : 2 + at - top}
    />
  );
}

const emptyText = (state: State): string =>
  tableOf(state).filter === "" ? screenOf(state.screen).empty : "no row fits the filter (esc clears it)";

/** Which rows are shown of how many, by what they are sorted and filtered; or why they are not new. */
function scopeLine(state: State): Line {
  const { view, screen, mode, size } = state;
  if (view === undefined) return line("");
  const { noun, scopes, columns, section } = screenOf(screen);
  const { filter, sort, withOver } = tableOf(state);
  const { problem } = section(view);
  if (problem !== undefined) return line({ text: ` ✖ ${problem}`, tone: "bad" });
  const title = columns(view)[sort.index]?.title ?? "";
  const scope =
    scopes === undefined ? "" : ` · ${withOver ? `${scopes.all} (a)` : `${scopes.usual} (a: all)`}`;
  const shown = `${count(itemsOf(state).length)} of ${count(totalOf(state))} ${noun}${scope}`;
  const by = ` · by ${title} ${sort.descending ? "▼" : "▲"}`;
  const filtered = filter === "" || mode.kind === "filter" ? "" : ` · filter: ${filter}`;
  const text = ` ─ ${shown}${by}${filtered} `;
  return line({ text: text.padEnd(size.columns, "─"), tone: "muted" });
}
