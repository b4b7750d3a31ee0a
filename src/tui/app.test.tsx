import { render } from "ink-testing-library";
import { expect, test, vi } from "vitest";
import { NOW } from "../../test/kit/fleet-view.ts";
import { firstState } from "./model.ts";
import { App } from "./run-dashboard.tsx";

const PATIENT = { timeout: 10_000 };

/** The app with its keyboard ready, whatever the machine is busy with. */
async function typing() {
  const heard: string[] = [];
  const size = { columns: 80, rows: 24 };
  const state = firstState({ isReadOnly: false, size, now: NOW, intervalMs: 1_000 });
  const { stdin, unmount } = render(
    <App state={state} hasColours={false} onKey={(key) => heard.push(key)} />,
  );
  await vi.waitFor(() => {
    stdin.write("x");
    expect(heard.length).toBeGreaterThan(0);
  }, PATIENT);
  heard.length = 0;
  return { heard, stdin, unmount };
}

test("what a terminal sends arrives under the names of the key table", { timeout: 30_000 }, async () => {
  const { heard, stdin, unmount } = await typing();
  const sent: readonly (readonly [string, string])[] = [
    ["j", "j"],
    ["S", "S"],
    ["?", "?"],
    [" ", " "],
    ["\t", "tab"],
    ["\u001b[Z", "shift-tab"],
    ["\r", "enter"],
    ["\u001b", "esc"],
    ["\u007f", "backspace"],
    ["\b", "backspace"],
    ["\u001b[A", "up"],
    ["\u001b[B", "down"],
    ["\u001b[5~", "pageup"],
    ["\u001b[6~", "pagedown"],
    ["\u001b[H", "home"],
    ["\u001b[F", "end"],
    ["\u0003", "ctrl-c"],
    ["\u0004", "ctrl-d"],
    ["\u0015", "ctrl-u"],
  ];
  for (const [bytes] of sent) {
    const before = heard.length;
    stdin.write(bytes);
    await vi.waitFor(() => expect(heard.length).toBeGreaterThan(before), PATIENT);
  }
  unmount();
  expect(heard).toEqual(sent.map(([, name]) => name));
});

test("text that arrives in one piece is several keys", { timeout: 30_000 }, async () => {
  const { heard, stdin, unmount } = await typing();
  stdin.write("/eth");
  await vi.waitFor(() => expect(heard.length).toBe(4), PATIENT);
  unmount();
  expect(heard).toEqual(["/", "e", "t", "h"]);
});
