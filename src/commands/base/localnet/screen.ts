import type { Clock } from "../../../base/clock.ts";

type Out = {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
};

/** Where the progress goes: finished lines stay, one live line at the bottom is drawn over on a terminal and left out elsewhere. */
export type Screen = {
  line(text: string): void;
  /** A part that is done, with the seconds since the last one. */
  done(text: string): void;
  live(text: () => string): void;
  /** Takes the live line away. */
  clear(): void;
};

const REDRAW_MS = 100;
const CLEAR = "\r\u001b[2K";

/** A screen on a stream; nothing is drawn in place when it is no terminal. */
export function openScreen(out: Out, clock: Clock): Screen {
  const inPlace = out.isTTY === true;
  let since = clock.monotonic();
  let drawnAt = Number.NEGATIVE_INFINITY;
  let shown = false;
  const line = (text: string) => {
    out.write(`${shown ? CLEAR : ""}${text}\n`);
    shown = false;
  };
  return {
    line,
    done: (text) => {
      const now = clock.monotonic();
      line(` ✔ ${text.padEnd(64)} ${((now - since) / 1000).toFixed(1)} s`);
      since = now;
    },
    live: (text) => {
      const now = clock.monotonic();
      if (!inPlace || now - drawnAt < REDRAW_MS) return;
      drawnAt = now;
      shown = true;
      out.write(`${CLEAR}${[...text()].slice(0, (out.columns ?? 80) - 1).join("")}`);
    },
    clear: () => {
      if (shown) out.write(CLEAR);
      shown = false;
    },
  };
}

/** ▰▰▰▱▱ */
export function bar(part: number, width = 14): string {
  const full = Math.min(width, Math.max(0, Math.round(part * width)));
  return "▰".repeat(full) + "▱".repeat(width - full);
}
