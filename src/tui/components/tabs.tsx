import type { ReactElement } from "react";
import { type Line, line, type Span, spread } from "../line.ts";
import type { State } from "../model.ts";
import { SCREENS, screenOf } from "../screens/all.ts";
import { duration } from "../text.ts";
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
  return <Lines lines={[spread(names, ageSpans(state), columns)]} width={columns} />;
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
