import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Clock } from "../../../base/clock.ts";
import type { Closable } from "../../../base/close-stack.ts";
import { AppError, toError } from "../../../base/errors.ts";
import { nodeOptions } from "../../../runtime/ops/heap.ts";
import { type Guardian, startGuardian } from "./guardian.ts";

/** What is started: `name` is for people and for the log file's name. */
export type Program = {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
};

export type Running = {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** What became of it, in words; undefined while it runs. */
  ended(): string | undefined;
  /** SIGTERM to its group, SIGKILL to what is left after a while; resolves when it is gone. */
  stop(): Promise<void>;
};

type Options = {
  readonly logDirectory: string;
  readonly clock: Clock;
  /** A program ended that nobody stopped. */
  readonly onEnd: (running: Running, how: string) => void;
};

const PATIENCE_MS = 8_000;

/** The program of this package, with the Node that runs now. */
export const ownProgram = (name: string, args: readonly string[]): Program => ({
  name,
  command: process.execPath,
  args: [...nodeOptions([]), resolve(import.meta.dirname, "../../../../bin/run.js"), ...args],
});

/**
 * Child processes, each in a process group of its own with a log file. However this process ends, they end too: in order by `close`,
 * at once when it exits without that, by the guardian when it is killed.
 */
export class Processes implements Closable {
  readonly #options: Options;
  readonly #running = new Map<number, Running>();
  readonly #guardian: Guardian = startGuardian();
  readonly #atExit = () => this.#killAll();

  constructor(options: Options) {
    this.#options = options;
    process.on("exit", this.#atExit);
  }

  /** Throws AppError LOCALNET_FAILED when the program cannot be started at all; its cause has the reason. */
  async start({ name, command, args }: Program): Promise<Running> {
    const logFile = join(this.#options.logDirectory, `${name}.log`);
    const log = openSync(logFile, "a", 0o600);
    const child = spawn(command, args, { detached: true, stdio: ["ignore", log, log] });
    closeSync(log);
    await new Promise<void>((ready, failed) => {
      child.once("spawn", ready);
      child.once("error", (error) =>
        failed(new AppError("LOCALNET_FAILED", `${name} cannot be started`, {}, toError(error))),
      );
    });
    return this.#watch(name, child, logFile);
  }

  async close(): Promise<void> {
    for (const running of [...this.#running.values()].reverse()) await running.stop();
    process.off("exit", this.#atExit);
    await this.#guardian.close();
  }

  #watch(name: string, child: ChildProcess, logFile: string): Running {
    const { clock, onEnd } = this.#options;
    const pid = child.pid ?? 0;
    let how: string | undefined;
    let stopping = false;
    const gone = new AbortController();
    const running: Running = {
      name,
      pid,
      logFile,
      ended: () => how,
      stop: async () => {
        stopping = true;
        if (how !== undefined) return;
        signalGroup(pid, "SIGTERM");
        // A stopped process takes the SIGTERM only once it goes on.
        signalGroup(pid, "SIGCONT");
        await clock.sleep(PATIENCE_MS, gone.signal);
        if (how === undefined) signalGroup(pid, "SIGKILL");
        await clock.sleep(PATIENCE_MS, gone.signal);
      },
    };
    this.#running.set(pid, running);
    this.#guardian.watch(pid);
    child.once("exit", (code, signal) => {
      how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
      signalGroup(pid, "SIGKILL");
      this.#running.delete(pid);
      this.#guardian.forget(pid);
      gone.abort();
      if (!stopping) onEnd(running, how);
    });
    return running;
  }

  #killAll(): void {
    for (const pid of this.#running.keys()) signalGroup(pid, "SIGKILL");
  }
}

/** Only groups that we made are ever signalled. */
function signalGroup(pid: number, signal: NodeJS.Signals): void {
  if (pid <= 1) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone.
  }
}
