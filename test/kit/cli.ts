import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROOT = process.env["RELAYMINER_ROOT"] ?? fileURLToPath(new URL("../..", import.meta.url));

export type CliResult = {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

export type CliOptions = {
  readonly cwd?: string;
  /** Ends the command after so long; a test that waits for it has failed by then. */
  readonly timeoutMs?: number;
};

/** Runs the built command as an operator does, in a process of its own, without a terminal. */
export function relayminer(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const { cwd = ROOT, timeoutMs = 30_000 } = options;
  const child = spawn(process.execPath, [`${ROOT}/bin/run.js`, ...args], {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0" },
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => (stdout += String(chunk)));
  child.stderr.on("data", (chunk) => (stderr += String(chunk)));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** The four lines of an error at the end of stderr, without the log lines before them. */
export const errorLines = ({ stderr }: CliResult): string[] =>
  stderr
    .trimEnd()
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("{"));
