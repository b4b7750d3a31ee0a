import { KEYS } from "./keys.ts";
import { type Line, line } from "./line.ts";
import { screenOf } from "./screens/all.ts";
import type { ScreenId } from "./screens/screen.ts";

/** The help of a screen: its keys by what has the keyboard, then what its marks mean. Made from the table that the handler uses. */
export function helpLines(screen: ScreenId): readonly Line[] {
  const rows = KEYS.filter(({ screens }) => screens === undefined || screens.includes(screen));
  const part = (title: string, isIn: (row: (typeof KEYS)[number]) => boolean): Line[] => [
    line({ text: title, bold: true }),
    ...rows
      .filter(isIn)
      .map(({ shown, does }) => line({ text: shown.padEnd(14), tone: "accent", bold: true }, does)),
    line(""),
  ];
  return [
    ...part("keys", ({ modes }) => modes.includes("table")),
    ...part("in details and here", ({ modes }) => modes.includes("detail") && modes.length === 2),
    ...part("while a filter is typed", ({ modes }) => modes.length === 1 && modes[0] === "filter"),
    ...part("when asked", ({ modes }) => modes.length === 1 && modes[0] === "confirm"),
    line({ text: `on the ${screenOf(screen).name} screen`, bold: true }),
    ...screenOf(screen).legend,
    line("— not known   data … old: when this screen's part was last read from Redis"),
  ];
}
