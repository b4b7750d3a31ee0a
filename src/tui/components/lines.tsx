import { Box, Text, type TextProps } from "ink";
import { createContext, createElement, type ReactElement, useContext } from "react";
import { fitLine, type Line, type Span, type Tone } from "../line.ts";

/** Whether the terminal has colours that its user wants (NO_COLOR). */
export const Colours = createContext(false);

const COLOUR: Readonly<Record<Tone, TextProps["color"] | undefined>> = {
  plain: undefined,
  ok: "green",
  warn: "yellow",
  bad: "red",
  muted: undefined,
  accent: "cyan",
};

type LineProps = { readonly line: Line; readonly width: number; readonly isSelected?: boolean };

function styleOf({ tone = "plain", bold }: Span, hasColours: boolean): TextProps {
  const color = hasColours ? COLOUR[tone] : undefined;
  return {
    ...(bold && { bold }),
    ...(tone === "muted" && { dimColor: true }),
    ...(color !== undefined && { color }),
  };
}

/** One line of exactly `width` columns. A selected one is inverse; its mark tells it without that. */
function LineView({ line, width, isSelected = false }: LineProps): ReactElement {
  const hasColours = useContext(Colours);
  const spans = fitLine(line, width).map((span) =>
    createElement(Text, isSelected ? {} : styleOf(span, hasColours), span.text),
  );
  return createElement(Text, { wrap: "truncate", inverse: isSelected }, ...spans);
}

type LinesProps = { readonly lines: readonly Line[]; readonly width: number; readonly selected?: number };

/** Lines below each other; `selected` is the index of the one that is marked. */
export function Lines({ lines, width, selected = -1 }: LinesProps): ReactElement {
  const rows = lines.map((line, index) =>
    createElement(LineView, { line, width, isSelected: index === selected }),
  );
  return createElement(Box, { flexDirection: "column", flexShrink: 0 }, ...rows);
}
