import type { ReactElement } from "react";
import { type Line, line } from "../line.ts";
import { itemsOf, type State, selectedIndex, tableOf } from "../model.ts";
import { screenOf } from "../screens/all.ts";
import { gapFor, headerLine, layout, rowLine } from "../table.ts";
import { Lines } from "./lines.tsx";

type Props = { readonly state: State; readonly height: number };

const MARK = "▌ ";
const NO_MARK = "  ";

/** The table of the screen: titles and as many rows as there is room for, the selected one among them. */
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
  const room = Math.max(1, height - 1);
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
      lines={[bold, ...rows, ...none]}
      width={size.columns}
      selected={items.length === 0 ? -1 : 1 + at - top}
    />
  );
}

const emptyText = (state: State): string =>
  tableOf(state).filter === "" ? screenOf(state.screen).empty : "no row fits the filter (esc clears it)";
