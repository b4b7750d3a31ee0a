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

/**
 * Calls `act` at each SIGHUP, one at a time; signals that come meanwhile are one more call. What it throws has been told already. From
 * the call on, a closed terminal does not end the process.
 */
export function onHangup(act: () => Promise<unknown>): void {
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
