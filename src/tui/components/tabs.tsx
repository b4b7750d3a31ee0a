import type { ReactElement } from "react";
import { type Line, line, type Span, spread } from "../line.ts";
import { itemsOf, type State, tableOf, totalOf } from "../model.ts";
import { SCREENS, screenOf } from "../screens/all.ts";
import { count, duration } from "../text.ts";
import { Lines } from "./lines.tsx";

/** Screens with their keys, and how old the data of this one is. */
export function Tabs({ state }: { readonly state: State }): ReactElement {
  const { columns } = state.size;
  const names = SCREENS.map(({ id, name }, index): Span => {
    const isOn = id === state.screen;
    return isOn
      ? { text: ` ${index + 1}[${name}]`, bold: true, tone: "accent" }
      : { text: ` ${index + 1} ${name} ` };
  });
  return <Lines lines={[spread(names, ageSpans(state), columns), scopeLine(state)]} width={columns} />;
}

function ageSpans(state: State): Line {
  const { view, now, isPaused, intervalMs, screen } = state;
  if (view === undefined) return [];
  const { readAt, problem } = screenOf(screen).section(view);
  if (readAt === undefined) return line({ text: "✖ never read ", tone: "bad" });
  const age = Math.max(0, now - readAt);
  const text = `${duration(age)} old `;
  if (isPaused) return line({ text: `PAUSED · data ${text}`, tone: "warn", bold: true });
  if (problem !== undefined || age > 3 * Math.max(intervalMs, 1_000))
    return line({ text: `▲ stale: data ${text}`, tone: "warn", bold: true });
  return line(`data ${text}`);
}

/** Which rows are shown of how many, by what they are sorted and filtered; or why they are not new. */
function scopeLine(state: State): Line {
  const { view, screen, mode, size } = state;
  if (view === undefined) return line("");
  const { noun, hasOver, columns, section } = screenOf(screen);
  const { filter, sort, withOver } = tableOf(state);
  const { problem } = section(view);
  if (problem !== undefined) return line({ text: ` ✖ ${problem}`, tone: "bad" });
  const title = columns(view)[sort.index]?.title ?? "";
  const scope = hasOver ? (withOver ? " · over ones too (a)" : " · live (a: all)") : "";
  const shown = `${count(itemsOf(state).length)} of ${count(totalOf(state))} ${noun}${scope}`;
  const by = ` · by ${title} ${sort.descending ? "▼" : "▲"}`;
  const filtered = filter === "" || mode.kind === "filter" ? "" : ` · filter: ${filter}`;
  const text = ` ─ ${shown}${by}${filtered} `;
  return line({ text: text.padEnd(size.columns, "─"), tone: "muted" });
}
