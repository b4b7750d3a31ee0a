import type { ReadStream, WriteStream } from "node:tty";
import { stripVTControlCharacters } from "node:util";
import { type Instance, render, renderToString, useInput } from "ink";
import type { ReactElement } from "react";
import type { Clock } from "../base/clock.ts";
import type { FleetView, Invalidated, InvalidateTarget, ViewSource } from "../runtime/ops/view.ts";
import { Dashboard, SMALLEST } from "./components/dashboard.tsx";
import { Colours } from "./components/lines.tsx";
import { keyNames } from "./key-names.ts";
import { firstState, itemsOf, type Size, type State } from "./model.ts";
import { takeTerminal } from "./painter.ts";
import type { ScreenId } from "./screens/screen.ts";
import { update } from "./state.ts";
import { openStore } from "./store.ts";

export type RunDashboard = {
  readonly source: ViewSource;
  readonly invalidate: (target: InvalidateTarget) => Promise<Invalidated>;
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly isReadOnly: boolean;
  readonly screen: ScreenId;
  /** Both are terminals. */
  readonly stdin: ReadStream;
  readonly stdout: WriteStream;
};

type AppProps = {
  readonly state: State;
  readonly hasColours: boolean;
  readonly onKey: (key: string) => void;
};

export function App({ state, hasColours, onKey }: AppProps): ReactElement {
  useInput((input, key) => {
    for (const name of keyNames(input, key)) onKey(name);
  });
  return (
    <Colours.Provider value={hasColours}>
      <Dashboard state={state} />
    </Colours.Provider>
  );
}

/**
 * The dashboard on the whole terminal, until q, Ctrl-C or a signal. The terminal is as it was when this settles, also after a crash.
 * Resolves with the signal that ended it, if one did; rejects with what a component threw.
 */
export async function runDashboard(options: RunDashboard): Promise<NodeJS.Signals | undefined> {
  const { source, invalidate, clock, intervalMs, isReadOnly, screen, stdin, stdout } = options;
  const hasColours = stdout.hasColors();
  const first = firstState({ isReadOnly, size: sizeOf(stdout), now: clock.now(), intervalMs, screen });
  let instance: Instance | undefined;
  const element = (state: State) => (
    <App state={state} hasColours={hasColours} onKey={(key) => store.dispatch({ type: "key", key })} />
  );
  const store = openStore({
    source,
    invalidate,
    clock,
    first,
    onChange: (state) => instance?.rerender(element(state)),
  });
  const painter = takeTerminal(stdout);
  const ending = watchForTheEnd(stdout, {
    quit: store.quit,
    leave: painter.leave,
    resized: () => {
      painter.forget();
      store.dispatch({ type: "resize", size: sizeOf(stdout) });
    },
  });
  try {
    // "debug" means: every frame is written whole, to the painter.
    instance = render(element(store.state), {
      stdin,
      stdout: painter.stdout,
      exitOnCtrlC: false,
      patchConsole: false,
      debug: true,
    });
    // Ends early only when a component has thrown.
    await Promise.race([store.run(), instance.waitUntilExit()]);
    return ending.signal();
  } finally {
    store.quit();
    instance?.unmount();
    painter.leave();
    ending.stop();
  }
}

const sizeOf = ({ columns, rows }: WriteStream): Size => ({ columns, rows });

type Handlers = { readonly quit: () => void; readonly leave: () => void; readonly resized: () => void };

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Everything that may end the dashboard from outside, and the size that may change meanwhile. */
function watchForTheEnd(stdout: WriteStream, { quit, leave, resized }: Handlers) {
  let signal: NodeJS.Signals | undefined;
  const onSignal = (name: NodeJS.Signals) => {
    signal = name;
    quit();
  };
  stdout.on("resize", resized);
  // The terminal is gone.
  stdout.on("error", quit);
  // An error that nobody catches ends the process here, before its message is printed.
  process.on("exit", leave);
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: () => signal,
    stop: () => {
      stdout.off("resize", resized);
      stdout.off("error", quit);
      process.off("exit", leave);
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}

type Frame = { readonly view: FleetView; readonly screen: ScreenId; readonly columns: number };

/** Lines of a screen that are no rows, and the line that is left free. */
const AROUND_THE_ROWS = 7;
const MOST_ROWS = 1_000;

/** One screen with all its rows as plain text, without the keys. */
export function plainFrame({ view, screen, columns }: Frame): string {
  const size = { columns, rows: MOST_ROWS };
  const start = firstState({ isReadOnly: true, size, now: view.readAt, intervalMs: 1_000, screen });
  const { state } = update(start, { type: "view", view });
  const needed = Math.max(SMALLEST.rows, itemsOf(state).length + AROUND_THE_ROWS);
  const fitting = { ...state, size: { columns, rows: Math.min(MOST_ROWS, needed) } };
  const text = stripVTControlCharacters(
    renderToString(<Dashboard state={fitting} isListOnly />, { columns }),
  );
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => line.trimEnd())
    .join("\n");
}
