import { clean, cutEnd } from "./text.ts";

/** What a piece of text says; colour only repeats what glyph and word tell. */
export type Tone = "plain" | "ok" | "warn" | "bad" | "muted" | "accent";

export type Span = { readonly text: string; readonly tone?: Tone; readonly bold?: boolean };

/** One line of a screen, drawn at a fixed width. */
export type Line = readonly Span[];

export const line = (...spans: readonly (Span | string)[]): Line =>
  spans.map((span) => (typeof span === "string" ? { text: span } : span));

export const lengthOf = (spans: Line): number => spans.reduce((sum, { text }) => sum + text.length, 0);

/** Cleaned, cut or filled with blanks to exactly `width` columns. */
export function fitLine(spans: Line, width: number): Line {
  const fitted: Span[] = [];
  let left = width;
  for (const [index, span] of spans.entries()) {
    const text = clean(span.text);
    const isLast = index === spans.length - 1;
    const rest = isLast ? 0 : lengthOf(spans.slice(index + 1));
    const cut = text.length > left || (text.length === left && rest > 0);
    fitted.push({ ...span, text: cut ? cutEnd(`${text}…`, left) : text });
    left -= Math.min(left, text.length);
    if (cut) break;
  }
  return left > 0 ? [...fitted, { text: " ".repeat(left) }] : fitted;
}

/** Left and right parts on one line; the right one gives way first. */
export function spread(left: Line, right: Line, width: number): Line {
  const gap = width - lengthOf(left) - lengthOf(right);
  if (gap >= 1) return [...left, { text: " ".repeat(gap) }, ...right];
  const room = width - lengthOf(left) - 1;
  return room >= 12 ? [...left, { text: " " }, ...fitLine(right, room)] : left;
}
