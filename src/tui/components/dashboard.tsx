import { Box } from "ink";
import type { ReactElement } from "react";
import { bottomLines } from "../bottom.ts";
import { helpLines } from "../help.ts";
import { line } from "../line.ts";
import { type State, selectedItem } from "../model.ts";
import { screenOf } from "../screens/all.ts";
import { wrapLines } from "../wrap.ts";
import { Header } from "./header.tsx";
import { Lines } from "./lines.tsx";
import { Rows } from "./rows.tsx";
import { Sheet } from "./sheet.tsx";
import { Tabs } from "./tabs.tsx";

export const SMALLEST = { columns: 60, rows: 15 } as const;

/** From this height on the selected row's details are shown below the table. */
const TALL = 36;
const TOP_LINES = 2;

type DashboardProps = {
  readonly state: State;
  /** Leaves out the details of the selected row. */
  readonly isListOnly?: boolean;
};

/** The whole screen: exactly one line less than the terminal has, so that Ink never clears it. */
export function Dashboard({ state, isListOnly = false }: DashboardProps): ReactElement {
  const { columns, rows } = state.size;
  const isTooSmall = columns < SMALLEST.columns || rows < SMALLEST.rows;
  return (
    <Box
      flexDirection="column"
      width={columns}
      height={Math.max(1, rows - 1)}
      flexShrink={0}
      overflow="hidden"
    >
      {isTooSmall ? <TooSmall state={state} /> : <Screen state={state} isListOnly={isListOnly} />}
    </Box>
  );
}

function Screen({ state, isListOnly }: Required<DashboardProps>): ReactElement {
  const { columns, rows } = state.size;
  const bottom = bottomLines(state);
  const body = rows - 1 - TOP_LINES - bottom.length;
  return (
    <>
      <Header view={state.view} now={state.now} width={columns} />
      <Tabs state={state} />
      <Box flexDirection="column" height={body} flexShrink={0} overflow="hidden">
        <Body state={state} height={body} isListOnly={isListOnly} />
      </Box>
      <Lines lines={bottom} width={columns} />
    </>
  );
}

type BodyProps = Required<DashboardProps> & { readonly height: number };

function Body({ state, height, isListOnly }: BodyProps): ReactElement {
  const { mode, screen, size } = state;
  const common = { width: size.columns, height };
  if (mode.kind === "help")
    return <Sheet title={`help: ${screen}`} lines={helpLines(screen)} top={mode.top} {...common} />;
  const details = detailLines(state);
  if (mode.kind === "detail") return <Sheet title="details" lines={details} top={mode.top} {...common} />;
  if (isListOnly || size.rows < TALL || details.length === 0) return <Rows state={state} height={height} />;
  const wrapped = wrapLines(details, size.columns - 2).length + 1;
  const below = Math.min(wrapped, Math.floor(height / 2));
  return (
    <>
      <Box flexDirection="column" height={height - below} flexShrink={0} overflow="hidden">
        <Rows state={state} height={height - below} />
      </Box>
      <Sheet title="selected" lines={details} top={0} width={size.columns} height={below} />
    </>
  );
}

function detailLines(state: State) {
  const { view, session, history, size } = state;
  const item = selectedItem(state);
  if (view === undefined || item === undefined) return [];
  const own = item.session;
  const isOfThis = session?.sessionId === own?.sessionId && session?.supplier === own?.supplier;
  const facts = { view, history, session: isOfThis ? session : undefined, width: size.columns - 2 };
  return screenOf(state.screen).detail(item.key, facts);
}

function TooSmall({ state }: { readonly state: State }): ReactElement {
  const { columns, rows } = state.size;
  const needs = `needs ${SMALLEST.columns}x${SMALLEST.rows}, has ${columns}x${rows}`;
  const lines = [line("this terminal is too small"), line(needs), line("q quits")];
  return <Lines lines={lines.slice(0, Math.max(1, rows - 1))} width={columns} />;
}
