import type { Key } from "ink";

const NAMED: readonly (readonly [keyof Key, string])[] = [
  ["upArrow", "up"],
  ["downArrow", "down"],
  ["pageUp", "pageup"],
  ["pageDown", "pagedown"],
  ["home", "home"],
  ["end", "end"],
  ["return", "enter"],
  ["escape", "esc"],
  // Ink tells the backspace key of most terminals (0x7f) as delete.
  ["backspace", "backspace"],
  ["delete", "backspace"],
];

/** Ink's key as the key table names it; several when text was pasted or typed faster than it was read. */
export function keyNames(input: string, key: Key): readonly string[] {
  if (key.tab) return [key.shift ? "shift-tab" : "tab"];
  const named = NAMED.find(([flag]) => key[flag] === true);
  if (named) return [named[1]];
  if (key.ctrl) return [`ctrl-${input}`];
  if (key.meta) return [];
  return [...input];
}
