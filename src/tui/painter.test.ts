import { expect, test } from "vitest";
import { takeTerminal } from "./painter.ts";

const ESC = "\u001b";

function terminal() {
  const written: string[] = [];
  return { written, columns: 80, rows: 5, write: (text: string) => written.push(text) > 0 };
}

test("draws only what changed, each line at its own place, and never clears what lies above", () => {
  const screen = terminal();
  const painter = takeTerminal(screen);
  painter.stdout.write("one\ntwo\nthree");
  const first = screen.written.at(-1) ?? "";
  expect(first).toContain(`${ESC}[1;1H${ESC}[2Kone`);
  expect(first).toContain(`${ESC}[3;1H${ESC}[2Kthree`);
  painter.stdout.write("one\nTWO\nthree");
  const second = screen.written.at(-1) ?? "";
  expect(second).toContain(`${ESC}[2;1H${ESC}[2KTWO`);
  expect(second).not.toContain("one");
  const before = screen.written.length;
  painter.stdout.write("one\nTWO\nthree");
  expect(screen.written.length).toBe(before);
  painter.stdout.write("one");
  expect(screen.written.at(-1)).toContain(`${ESC}[3;1H${ESC}[2K${ESC}[0m`);
  // Erasing what the terminal keeps for scrolling back would take the operator's history.
  expect(screen.written.join("")).not.toContain(`${ESC}[3J`);
});

test("lines below the terminal's last are not drawn; after forget everything is", () => {
  const screen = terminal();
  const painter = takeTerminal(screen);
  painter.stdout.write("1\n2\n3\n4\n5\n6");
  expect(screen.written.at(-1)).not.toContain(`${ESC}[6;1H`);
  painter.forget();
  painter.stdout.write("1\n2");
  expect(screen.written.at(-1)).toContain(`${ESC}[1;1H${ESC}[2K1`);
});

test("gives the terminal back once, and draws nothing afterwards", () => {
  const screen = terminal();
  const painter = takeTerminal(screen);
  expect(screen.written[0]).toContain(`${ESC}[?1049h`);
  painter.leave();
  painter.leave();
  painter.stdout.write("late frame");
  expect(screen.written.filter((text) => text.includes(`${ESC}[?1049l`)).length).toBe(1);
  expect(screen.written.at(-1)).toContain(`${ESC}[?25h`);
});

test("its size is the terminal's, also after a change", () => {
  const screen = terminal();
  const { stdout } = takeTerminal(screen);
  screen.columns = 200;
  expect([stdout.columns, stdout.rows]).toEqual([200, 5]);
});
