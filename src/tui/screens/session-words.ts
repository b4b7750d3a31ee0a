import type { Countdown, SessionView } from "../../runtime/ops/view.ts";
import type { Tone } from "../line.ts";
import { count } from "../text.ts";

export type Word = { readonly glyph: string; readonly word: string; readonly tone: Tone };

const word = (glyph: string, text: string, tone: Tone): Word => ({ glyph, word: text, tone });

/** Go's states in an operator's words; ● goes well, ▲ look, ✖ lost, ○ waits, ✔ done. */
const WORDS: Readonly<Record<string, Word>> = {
  active: word("●", "active", "ok"),
  claiming: word("▲", "claiming", "warn"),
  claimed: word("●", "claimed", "ok"),
  proving: word("▲", "proving", "warn"),
  proved: word("✔", "proved", "ok"),
  probabilistic_proved: word("✔", "no proof", "ok"),
  claim_skipped: word("○", "skipped", "muted"),
  claim_window_closed: word("✖", "claim late", "bad"),
  claim_tx_error: word("✖", "claim bad", "bad"),
  claim_missing: word("✖", "no claim", "bad"),
  proof_window_closed: word("✖", "proof late", "bad"),
  proof_tx_error: word("✖", "proof bad", "bad"),
};

const ENDED = word("○", "ended", "muted");
const CLAIM_DUE = word("▲", "claim due", "warn");
const OVERDUE = word("✖", "overdue", "bad");
const SETTLED = word("✔", "settled", "ok");
const UNPAID = word("✖", "unpaid", "bad");

/** What state a session is in, as it is shown. */
export function sessionWord({ state, next, settled }: SessionView): Word {
  if (settled !== undefined && settled.outcome !== "none")
    return settled.paidUpokt === undefined || settled.paidUpokt > 0n ? SETTLED : UNPAID;
  if (state === "active" && next?.edge === "claim opens") return ENDED;
  if (state === "active" && next?.edge === "claim closes") return next.blocks < 0n ? OVERDUE : CLAIM_DUE;
  return WORDS[state] ?? word("○", state, "muted");
}

export const isFailure = (session: SessionView): boolean => sessionWord(session).tone === "bad";

/** "claim closes 3", "closed 2 ago"; the unit, blocks, is in the column's title. */
export function countdownText(next: Countdown | undefined): string {
  if (next === undefined) return "—";
  const { edge, blocks } = next;
  if (edge === "settled" || edge === "closed") return `${edge} ${count(-blocks)} ago`;
  if (blocks < 0n) return `${edge === "settles" ? "was due" : "closed"} ${count(-blocks)} ago`;
  return blocks === 0n ? `${edge} now` : `${edge} ${count(blocks)}`;
}

/** A window that closes within so few blocks is worth a look. */
const SOON = 2n;

export function countdownTone(next: Countdown | undefined): Tone {
  if (next === undefined) return "muted";
  const isClosing = next.edge === "claim closes" || next.edge === "proof closes";
  if (isClosing && next.blocks < 0n) return "bad";
  if (isClosing) return next.blocks <= SOON ? "bad" : "warn";
  return next.edge === "closed" ? "bad" : "plain";
}
