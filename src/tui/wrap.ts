import { type Line, lengthOf, type Span } from "./line.ts";
import { clean } from "./text.ts";

const INDENT = 11;

/** Lines that are too long go on below, under their own text (after the label of a fact). */
export const wrapLines = (lines: readonly Line[], width: number): readonly Line[] =>
  lines.flatMap((line) => (lengthOf(line) <= width ? [line] : wrapLine(line, width)));

function wrapLine(line: Line, width: number): readonly Line[] {
  const wrapped: Span[][] = [[]];
  let used = 0;
  for (const span of line) {
    let rest = clean(span.text);
    while (rest.length > 0) {
      if (used >= width) {
        wrapped.push([{ text: " ".repeat(Math.min(INDENT, width - 1)) }]);
        used = Math.min(INDENT, width - 1);
      }
      const cut = breakAt(rest, width - used);
      wrapped.at(-1)?.push({ ...span, text: rest.slice(0, cut) });
      rest = rest.slice(cut).replace(/^ /, "");
      used = rest.length > 0 ? width : used + cut;
    }
  }
  return wrapped;
}

/** At the last blank that fits; within a word when there is none. */
function breakAt(text: string, room: number): number {
  if (text.length <= room) return text.length;
  const blank = text.lastIndexOf(" ", room);
  return blank > 0 ? blank : Math.max(1, room);
}
