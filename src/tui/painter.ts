import { EventEmitter } from "node:events";
import type { WriteStream } from "node:tty";

const ENTER = "\u001b[?1049h\u001b[?25l\u001b[2J\u001b[H";
const LEAVE = "\u001b[0m\u001b[?25h\u001b[?1049l";
/** Terminals that know it show all that comes between as one frame; others ignore it. */
const BEGIN = "\u001b[?2026h";
const END = "\u001b[?2026l";

export type Painter = {
  /** What Ink gets as its stdout: each write is one whole frame. */
  readonly stdout: NodeJS.WriteStream;
  /** Forgets what is on the screen: the next frame is drawn in full. */
  forget(): void;
  /** Gives the terminal back as it was, once. */
  leave(): void;
};

/**
 * Draws frames on the alternate screen, changed lines only, each at its own place. Ink 6.8's own renderers clear the terminal or, when
 * asked to be incremental, start one line too low whenever a frame ends with a line break.
 */
export function takeTerminal(terminal: Pick<WriteStream, "write" | "columns" | "rows">): Painter {
  let shown: readonly string[] = [];
  let isTaken = true;
  const paint = (frame: string): void => {
    if (!isTaken) return;
    const lines = frame.split("\n").slice(0, terminal.rows);
    let changes = "";
    for (let row = 0; row < Math.max(lines.length, shown.length); row++)
      if (lines[row] !== shown[row]) changes += `\u001b[${row + 1};1H\u001b[2K${lines[row] ?? ""}\u001b[0m`;
    shown = lines;
    if (changes !== "") terminal.write(BEGIN + changes + END);
  };
  terminal.write(ENTER);
  const stdout = Object.assign(new EventEmitter(), {
    isTTY: true,
    write: (frame: string) => {
      paint(frame);
      return true;
    },
  });
  Object.defineProperty(stdout, "columns", { get: () => terminal.columns });
  Object.defineProperty(stdout, "rows", { get: () => terminal.rows });
  return {
    stdout: stdout as unknown as NodeJS.WriteStream,
    forget: () => {
      shown = [];
      terminal.write("\u001b[2J");
    },
    leave: () => {
      if (isTaken) terminal.write(LEAVE);
      isTaken = false;
    },
  };
}
