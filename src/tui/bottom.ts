import { sameCommand, targetText } from "./invalidate-words.ts";
import { keysFor } from "./keys.ts";
import { type Line, lengthOf, line, type Span, spread } from "./line.ts";
import { type State, tableOf } from "./model.ts";
import { screenOf } from "./screens/all.ts";
import { count } from "./text.ts";

/** The lines below the table: a question, or what came of the last action, or the screen's summary; then the keys. */
export const bottomLines = (state: State): readonly Line[] => [...messageLines(state), keyLine(state)];

function messageLines(state: State): readonly Line[] {
  const { mode, notice, pending, view, screen } = state;
  if (mode.kind === "confirm") return question(state);
  if (mode.kind === "filter")
    return [line({ text: " /", bold: true }, { text: `${tableOf(state).filter}█`, bold: true })];
  if (pending !== undefined)
    return [
      line({ text: ` … waiting for every replica to acknowledge: ${targetText(pending)}`, bold: true }),
    ];
  if (notice !== undefined) return [[{ text: " " }, ...notice.line]];
  return view === undefined ? [line("")] : [[{ text: " " }, ...screenOf(screen).summary(view)]];
}

function question({ mode, view, size }: State): readonly Line[] {
  if (mode.kind !== "confirm") return [];
  const replicas = view?.replicas.value.filter(({ alive }) => alive).length;
  const command = sameCommand(mode.target);
  return [
    line({ text: " ─ invalidate ".padEnd(size.columns, "─"), tone: "warn" }),
    line({ text: ` ▲ Forget ${targetText(mode.target)}?`, bold: true, tone: "warn" }),
    line(`   The copy in Redis is deleted; ${count(replicas)} replicas read it from the chain again.`),
    ...(command === undefined ? [] : [line({ text: `   = ${command}`, tone: "muted" })]),
  ];
}

/** The keys that do something here, as many as fit; quitting stays at the right. */
function keyLine(state: State): Line {
  const { columns } = state.size;
  const shown = keysFor(state).filter(({ footer }) => footer !== undefined);
  const quit = shown.find(({ footer }) => footer === "quit");
  const right: Line = quit === undefined ? [] : [...keySpans(quit.shown, quit.footer ?? ""), { text: " " }];
  const left: Span[] = [{ text: " " }];
  for (const { shown: key, footer = "" } of shown) {
    if (footer === "quit") continue;
    const spans = keySpans(key, footer);
    if (lengthOf(left) + lengthOf(spans) + 2 + lengthOf(right) > columns) break;
    left.push(...spans, { text: "  " });
  }
  return spread(left, right, columns);
}

const keySpans = (key: string, does: string): Line => [
  { text: key, bold: true, tone: "accent" },
  { text: ` ${does}` },
];
