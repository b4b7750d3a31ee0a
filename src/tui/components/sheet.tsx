import type { ReactElement } from "react";
import { type Line, line } from "../line.ts";
import { wrapLines } from "../wrap.ts";
import { Lines } from "./lines.tsx";

type Props = {
  readonly title: string;
  readonly lines: readonly Line[];
  /** First line shown. */
  readonly top: number;
  readonly width: number;
  readonly height: number;
};

/** A page of text under a title; what does not fit in width goes on in the next line. */
export function Sheet({ title, lines, top, width, height }: Props): ReactElement {
  const all = wrapLines(lines, width - 2);
  const room = Math.max(1, height - 1);
  const from = Math.max(0, Math.min(top, all.length - room));
  const more =
    all.length > room ? ` ${from + 1}–${Math.min(all.length, from + room)} of ${all.length} · j k ` : "";
  const head = ` ─ ${title} `;
  const titleLine = line({
    text: head + "─".repeat(Math.max(0, width - head.length - more.length)) + more,
    tone: "muted",
  });
  const shown = all.slice(from, from + room).map((text): Line => [{ text: "  " }, ...text]);
  return <Lines lines={[titleLine, ...shown]} width={width} />;
}
