import { type ChildProcess, spawn } from "node:child_process";
import type { Closable } from "../../../base/close-stack.ts";

/**
 * Ends the process groups it was told of when the other end of its pipe is gone: even a killed localnet leaves nothing running.
 * Lines: +<pid> watch, -<pid> watch no more.
 */
const SCRIPT = `
watched=""
while read -r line; do
  case "$line" in
    +*) watched="$watched \${line#+}" ;;
    -*) rest=""; for pid in $watched; do [ "$pid" = "\${line#-}" ] || rest="$rest $pid"; done; watched="$rest" ;;
  esac
done
[ -z "$watched" ] && exit 0
for pid in $watched; do kill -s TERM -- "-$pid" 2>/dev/null; done
sleep 3
for pid in $watched; do kill -s KILL -- "-$pid" 2>/dev/null; done
exit 0
`;

export type Guardian = Closable & {
  watch(pid: number): void;
  forget(pid: number): void;
};

/** A shell in a session of its own, out of reach of the terminal's Ctrl-C and hang-up. */
export function startGuardian(): Guardian {
  const shell: ChildProcess = spawn("/bin/sh", ["-c", SCRIPT], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  const exited = new Promise<void>((resolve) => {
    shell.once("exit", () => resolve());
    // Without a shell the localnet works all the same: only the last safety net is missing.
    shell.once("error", () => resolve());
  });
  shell.stdin?.on("error", () => undefined);
  const tell = (line: string) => void shell.stdin?.write(`${line}\n`);
  return {
    watch: (pid) => tell(`+${pid}`),
    forget: (pid) => tell(`-${pid}`),
    close: async () => {
      shell.stdin?.end();
      await exited;
    },
  };
}
