/**
 * Resolves with the first signal that asks the process to end. A second one ends it at once: an operator who presses Ctrl-C twice
 * does not want to wait.
 */
export function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    const heard = (signal: NodeJS.Signals) => {
      if (asked) process.exit(130);
      asked = true;
      resolve(signal);
    };
    process.on("SIGTERM", heard);
    process.on("SIGINT", heard);
  });
}

/** The same, with a signal for what is to be given up when the process is asked to end before it works. */
export function askedToEnd(): { readonly asked: Promise<NodeJS.Signals>; readonly stop: AbortSignal } {
  const stop = new AbortController();
  const asked = untilSignal();
  void asked.then(() => stop.abort());
  return { asked, stop: stop.signal };
}

/** What `start` gives; undefined when it failed because `stop` was asked for. Throws what else it throws. */
export async function unlessStopped<Started>(
  start: Promise<Started>,
  stop: AbortSignal,
): Promise<Started | undefined> {
  try {
    return await start;
  } catch (thrown) {
    if (stop.aborted) return undefined;
    throw thrown;
  }
}

/**
 * Has what `starting` gives reloaded at each SIGHUP, one at a time; signals that come meanwhile are one more, and those that come before
 * it works are one when it does. What a reload throws has been told already. From the call on, a closed terminal does not end the process.
 */
export function reloadAtHangup(starting: Promise<{ reload(why: "SIGHUP"): unknown } | undefined>): void {
  const started = starting.catch(() => undefined);
  const act = async () => (await started)?.reload("SIGHUP");
  let phase: "idle" | "at work" | "wanted again" = "idle";
  const heard = () => {
    if (phase !== "idle") {
      phase = "wanted again";
      return;
    }
    phase = "at work";
    void act()
      .catch(() => undefined)
      .then(() => {
        const again = phase === "wanted again";
        phase = "idle";
        if (again) heard();
      });
  };
  process.on("SIGHUP", heard);
}
