import { dueWithin } from "../../runtime/ops/countdown.ts";
import type { FleetView, SessionView } from "../../runtime/ops/view.ts";
import { type Line, line } from "../line.ts";
import { type Cell, type Column, SPARE } from "../table.ts";
import { bar, count, duration, plural, pokt, UNKNOWN } from "../text.ts";
import type { Item, Screen } from "./screen.ts";
import { sessionDetail } from "./session-detail.ts";
import { countdownText, countdownTone, isFailure, sessionWord } from "./session-words.ts";

const COLUMNS: readonly Column[] = [
  { title: "SUPPLIER", align: "left", min: 8, max: 43, drop: 0, cut: "middle" },
  { title: "SERVICE", align: "left", min: 7, max: 24, drop: 0 },
  { title: "APP", align: "left", min: 8, max: 43, drop: 2, cut: "middle" },
  { title: "STATE", align: "left", min: 12, max: 14, drop: 0 },
  { title: "RELAYS", align: "right", min: 6, max: 12, drop: 0 },
  { title: "AT STAKE", align: "right", min: 11, max: 12, drop: 0 },
  { title: "BLOCKS TO", align: "left", min: 15, max: 18, drop: 0 },
  { title: "ABOUT", align: "right", min: 6, max: 8, drop: 3 },
  { title: "", align: "left", min: 4, max: 8, drop: 4 },
  { title: "OWNER", align: "left", min: 8, max: 28, drop: 1, cut: "middle" },
  { title: "SESSION", align: "left", min: 9, max: 13, drop: SPARE, cut: "middle" },
];
const BLOCKS_TO = 6;

function itemOf(session: SessionView, view: FleetView): Item {
  const { supplier, service, application, sessionId, state, relays, owner, next } = session;
  const shown = sessionWord(session);
  const about = aboutOf(session, view);
  return {
    key: `${supplier}/${sessionId}`,
    words: `${supplier} ${application} ${sessionId} ${state} ${owner ?? ""}`,
    isOver: isOver(session),
    target: { entity: "application", id: application },
    session: { supplier, sessionId },
    cells: [
      { text: supplier },
      { text: service },
      { text: application },
      { text: `${shown.glyph} ${shown.word}`, tone: shown.tone, sort: shown.word },
      { text: count(relays), sort: relays },
      stakeCell(session),
      { text: countdownText(next), tone: countdownTone(next), sort: urgency(session, view) },
      { text: about === undefined ? UNKNOWN : duration(about), sort: about },
      { text: elapsed(session, view.chain.height) },
      ownerCell(owner),
      { text: sessionId },
    ],
  };
}

/** Done, and nothing left to see to: paid, or dropped on purpose. */
const isOver = (session: SessionView): boolean =>
  session.settled !== undefined ? !isFailure(session) : session.state === "claim_skipped";

const ownerCell = (owner: string | undefined): Cell =>
  owner === undefined ? { text: "✖ nobody", tone: "bad", sort: undefined } : { text: owner };

function stakeCell(session: SessionView): Cell {
  const { settled, worthUpokt } = session;
  const paid = settled?.paidUpokt;
  if (paid !== undefined) return { text: `+${pokt(paid)}`, tone: paid > 0n ? "ok" : "bad", sort: paid };
  if (isFailure(session)) return { text: `−${pokt(worthUpokt)}`, tone: "bad", sort: worthUpokt };
  return { text: pokt(worthUpokt), sort: worthUpokt };
}

/** Sorts what can still be lost first: an open window by its end, then what is ahead, then what is past. */
function urgency(session: SessionView, { chain }: FleetView): number | undefined {
  const due = dueWithin(session, chain.height);
  if (due !== undefined) return Number(due);
  if (session.next === undefined) return undefined;
  if (isFailure(session) && session.settled === undefined) return -1;
  const { blocks } = session.next;
  return blocks >= 0n ? 1_000 + Number(blocks) : 1_000_000 - Number(blocks);
}

const aboutOf = ({ next }: SessionView, { chain }: FleetView): number | undefined =>
  next === undefined || chain.blockMs === undefined || next.blocks < 0n
    ? undefined
    : Number(next.blocks) * chain.blockMs;

/** How much of the session, or of the window that is open, has gone by. */
function elapsed({ startHeight, endHeight, windows, next }: SessionView, height: bigint | undefined): string {
  if (next === undefined || height === undefined || next.blocks < 0n) return "";
  const spans: Partial<Record<string, readonly [bigint, bigint]>> = {
    "session ends": [startHeight, endHeight],
    ...(windows && {
      "claim closes": [windows.claimOpen, windows.claimClose] as const,
      "proof closes": [windows.proofOpen, windows.proofClose] as const,
    }),
  };
  const span = spans[next.edge];
  if (span === undefined) return "▱▱▱▱";
  const [from, to] = span;
  return bar(Number(height - from + 1n) / Number(to - from + 1n), 4);
}

const SOON = 10n;

const dueText = (worth: bigint | undefined, sessions: number): string =>
  sessions === 0
    ? `nothing is due within ${SOON} blocks`
    : `due within ${SOON} blocks: ${pokt(worth)} in ${plural(sessions, "session")}`;

/** What would be lost if nothing were sent in the next blocks. */
function summary(view: FleetView): Line {
  const { sessions, unreadable, total } = view.sessions.value;
  const { height } = view.chain;
  const due = sessions.filter((session) => (dueWithin(session, height) ?? SOON + 1n) <= SOON);
  const lost = sessions.filter(isFailure);
  const worth = due.every(({ worthUpokt }) => worthUpokt !== undefined)
    ? due.reduce((sum, { worthUpokt }) => sum + (worthUpokt ?? 0n), 0n)
    : undefined;
  const isKnown = height !== undefined && sessions.every(({ windows }) => windows !== undefined);
  const spans = [
    line(
      isKnown
        ? dueText(worth, due.length)
        : "the windows of some sessions are not known yet: the fleet has not cached the chain's params",
    ),
    lost.length > 0 ? line(" · ", { text: `✖ ${count(lost.length)} lost`, tone: "bad" }) : [],
    unreadable.length > 0
      ? line(" · ", { text: `▲ ${plural(unreadable.length, "record")} cannot be read`, tone: "warn" })
      : [],
    total > sessions.length + unreadable.length
      ? line(` · ${count(sessions.length)} of ${count(total)} read`)
      : [],
  ];
  return spans.flat();
}

export const sessionsScreen: Screen = {
  id: "sessions",
  name: "Sessions",
  noun: "sessions",
  columns: () => COLUMNS,
  items: (view) => view.sessions.value.sessions.map((session) => itemOf(session, view)),
  sortedBy: { index: BLOCKS_TO, descending: false },
  section: ({ sessions }) => sessions,
  scopes: { usual: "live", all: "over ones too" },
  summary,
  empty: "no live session: none has had a relay applied yet, or all are settled (a shows those too)",
  detail: sessionDetail,
  legend: [
    line("● goes well   ▲ look   ○ waits   ✔ done   ✖ lost"),
    line("AT STAKE is the price of the leaves at base difficulty; a higher difficulty makes it more"),
    line("+ is what was paid, − what is lost"),
    line("BLOCKS TO counts to the next edge of a window; ABOUT is that in time, as blocks come now"),
  ],
};
