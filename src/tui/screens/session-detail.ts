import type { SentView, SessionDetail, SessionView } from "../../runtime/ops/view.ts";
import { type Line, line, type Span } from "../line.ts";
import { count, duration, exactUpokt, pokt, UNKNOWN } from "../text.ts";
import type { DetailFacts } from "./screen.ts";
import { countdownText, countdownTone, sessionWord } from "./session-words.ts";

/** Everything known of one session; `key` is "<supplier>/<session>". */
export function sessionDetail(key: string, { view, session: more, width }: DetailFacts): readonly Line[] {
  const session = view.sessions.value.sessions.find(
    ({ supplier, sessionId }) => `${supplier}/${sessionId}` === key,
  );
  if (session === undefined) return [line("this session is no longer there")];
  const shown = sessionWord(session);
  return [
    line(
      { text: `${shown.glyph} ${shown.word}`, tone: shown.tone, bold: true },
      `  ${session.state}  `,
      { text: countdownText(session.next), tone: countdownTone(session.next) },
      session.next === undefined ? "" : " (blocks)",
    ),
    ...timeline(session, view.chain.height, width),
    fact("session", session.sessionId),
    fact("supplier", session.supplier),
    fact("app", session.application),
    fact("service", session.service),
    fact("owner", session.owner ?? "nobody holds this supplier's lease"),
    fact("heights", `${count(session.startHeight)}–${count(session.endHeight)}${windowsText(session)}`),
    fact("leaves", `${count(session.relays)} relays, ${count(session.computeUnits)} compute units`),
    fact("at stake", `${exactUpokt(session.worthUpokt)} at base difficulty`),
    ...settledLines(session),
    ...(more === undefined ? shortTx(session) : moreLines(session, more)),
    fact("changed", `${duration(view.readAt - session.updatedAt)} ago`),
  ];
}

const LABEL = 11;
export const fact = (label: string, value: string, tone?: Span["tone"]): Line =>
  line(
    { text: label.padEnd(LABEL), tone: "muted" },
    tone === undefined ? { text: value } : { text: value, tone },
  );

function windowsText({ windows }: SessionView): string {
  if (windows === undefined) return ", windows not known";
  const { claimOpen, claimClose, proofOpen, proofClose, settle } = windows;
  return ` · claim ${count(claimOpen)}–${count(claimClose)} · proof ${count(proofOpen)}–${count(proofClose)} · settles ${count(settle)}`;
}

/** The session's way as a line: what is behind is ●, what is ahead ○. */
function timeline(
  { startHeight, endHeight, windows }: SessionView,
  height: bigint | undefined,
  width: number,
) {
  if (windows === undefined || height === undefined) return [];
  const marks: readonly (readonly [string, bigint])[] = [
    ["starts", startHeight],
    ["ends", endHeight],
    ["claim", windows.claimOpen],
    ["closes", windows.claimClose],
    ["proof", windows.proofOpen],
    ["closes", windows.proofClose],
    ["settles", windows.settle],
  ];
  const step = Math.max(9, Math.min(16, Math.floor((width - 2) / marks.length)));
  const dots = marks.map(([, at], index) => {
    const glyph = at <= height ? "●" : "○";
    const isLast = index === marks.length - 1;
    return isLast ? glyph : glyph + (at <= height ? "━" : "─").repeat(step - 1);
  });
  const names = marks.map(([name]) => name.padEnd(step)).join("");
  const heights = marks.map(([, at]) => count(at).padEnd(step)).join("");
  return [line({ text: dots.join(""), tone: "accent" }), line(names), line({ text: heights, tone: "muted" })];
}

function settledLines({ settled, state }: SessionView): readonly Line[] {
  if (settled === undefined) return [];
  if (settled.outcome === "none")
    return [
      fact("settled", `nothing was settled for it (${state})`, state === "claim_skipped" ? "muted" : "bad"),
    ];
  const { outcome, height, claimedUpokt, paidUpokt, slashedUpokt } = settled;
  const isPaid = paidUpokt !== undefined && paidUpokt > 0n;
  const slashed = slashedUpokt !== undefined && slashedUpokt > 0n ? `, slashed ${pokt(slashedUpokt)}` : "";
  return [
    fact(
      "settled",
      `${outcome} at ${count(height)}: claimed ${exactUpokt(claimedUpokt)}, paid ${exactUpokt(paidUpokt)}${slashed}`,
      isPaid ? "ok" : "bad",
    ),
  ];
}

const shortTx = ({ claimTx, proofTx }: SessionView): readonly Line[] => [
  fact("claim", claimTx === undefined ? "not sent" : `tx ${claimTx}`),
  fact("proof", proofTx === undefined ? "not sent" : `tx ${proofTx}`),
];

function moreLines(session: SessionView, more: SessionDetail): readonly Line[] {
  const root = more.root ?? session.claimedRoot;
  return [
    fact("trie", trieText(more)),
    ...(root === undefined ? [] : [fact("root", root)]),
    fact("metered", meteredText(more)),
    ...sentLines("claim", session.claimTx, more.claim),
    ...sentLines("proof", session.proofTx, more.proof),
  ];
}

const trieText = ({ root, isSealed, leaves }: SessionDetail): string =>
  root === undefined ? "not in Redis" : `${isSealed ? "sealed" : "open"}, ${count(leaves)} leaves`;

const meteredText = ({ meteredUpokt, meterLimitUpokt }: SessionDetail): string =>
  meteredUpokt === undefined
    ? `${UNKNOWN} (no meter in Redis: it has ended, or metering is off)`
    : `${exactUpokt(meteredUpokt)} of ${exactUpokt(meterLimitUpokt)}`;

function sentLines(phase: string, tx: string | undefined, sent: SentView | undefined): readonly Line[] {
  if (sent === undefined) return [fact(phase, tx === undefined ? "not sent" : `tx ${tx}`)];
  const again = sent.rebroadcasts > 0n ? `, sent again ${count(sent.rebroadcasts)} times` : "";
  const outcome = CHAIN_WORDS[sent.onChain] ?? "not seen on chain yet";
  const included = sent.inclusionHeight > 0n ? ` at ${count(sent.inclusionHeight)}` : "";
  return [
    fact(phase, `sent at ${count(sent.height)}, ${outcome}${included}${again}`),
    ...(sent.txHash === "" ? [] : [fact("", `tx ${sent.txHash}`)]),
    ...(sent.error === "" ? [] : [fact("", `refused: ${sent.error}`, "bad")]),
  ];
}

const CHAIN_WORDS: Readonly<Record<string, string>> = {
  on_chain_found: "on chain",
  on_chain_missing: "missing on chain",
  poll_error: "the chain could not be asked",
};
