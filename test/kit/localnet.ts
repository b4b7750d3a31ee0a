import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type LocalnetFile, readLocalnet } from "../../src/commands/base/localnet-dir.ts";

const ROOT = process.env["RELAYMINER_ROOT"] ?? join(import.meta.dirname, "../..");

/** A `relayminer localnet` of the built program, in a directory of its own. */
export type LocalnetRun = {
  readonly directory: string;
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** What localnet.json says, as soon as it is there. */
  ready(): Promise<LocalnetFile>;
  /** Kills what is left and removes the directory. */
  remove(): Promise<void>;
};

export function runLocalnet(...flags: readonly string[]): LocalnetRun {
  const directory = join(mkdtempSync(join(tmpdir(), "relayminer-localnet-")), "net");
  const child = spawn(
    process.execPath,
    [join(ROOT, "bin/run.js"), "localnet", "--dir", directory, ...flags],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const told = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => (told.stdout += String(chunk)));
  child.stderr.on("data", (chunk) => (told.stderr += String(chunk)));
  const ended = new Promise<number | NodeJS.Signals>((resolve) =>
    child.once("close", (code, signal) => resolve(signal ?? code ?? -1)),
  );
  return {
    directory,
    child,
    stdout: () => told.stdout,
    stderr: () => told.stderr,
    ended,
    ready: async () => {
      for (let attempt = 0; attempt < 600; attempt++) {
        if (child.exitCode !== null) throw new Error(`the localnet ended: ${told.stderr}`);
        if (existsSync(join(directory, "localnet.json"))) return readLocalnet(directory);
        await sleep(50);
      }
      throw new Error(`the localnet did not come up: ${told.stderr}`);
    },
    remove: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
      await ended;
      rmSync(join(directory, ".."), { recursive: true, force: true });
    },
  };
}

/** The JSON object in the last line of stdout. */
export const lastLine = (text: string): Record<string, unknown> =>
  JSON.parse(text.trimEnd().split("\n").at(-1) ?? "") as Record<string, unknown>;

/** Processes whose command line names the directory: all those of a localnet, and no others. */
export function processesIn(directory: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return line.includes(directory) ? [`${pid} ${line}`] : [];
      } catch {
        return [];
      }
    });
}

/** Waits until it is so; false when it is not within the time. */
export async function within(ms: number, isSo: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (performance.now() < deadline) {
    if (await isSo()) return true;
    await sleep(50);
  }
  return isSo();
}
