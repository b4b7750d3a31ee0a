import type { Worker } from "node:cluster";
import { once } from "node:events";
import type { Clock } from "../../../base/clock.ts";
import type { Logger } from "../../../base/logger.ts";
import { type FromWorker, fromWorker, type ToWorker } from "./messages.ts";

type Options = {
  readonly number: number;
  readonly fork: (number: number) => Worker;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called for what the process says, and when it is not ready any more because it ended. */
  readonly onMessage: (slot: ProcessSlot, message: FromWorker) => void;
  readonly onRestart: () => void;
};

/** How one process ended. */
type End = { readonly code: number; readonly how: string };

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 30_000;
/** A process that served for so long did not fail at once. */
const LASTED_MS = 30_000;

/** One of the processes that serve: started again when it ends by itself, each time a little later. */
export class ProcessSlot {
  readonly #options: Options;
  readonly #ending = new AbortController();
  #worker: Worker | undefined;
  #drained: "no" | "asked" = "no";

  constructor(options: Options) {
    this.#options = options;
  }

  get number(): number {
    return this.#options.number;
  }

  /** Resolves with the port when the process serves, or with how it ended before. Call once, before `supervise`. */
  async begin(): Promise<{ readonly port: number } | End> {
    const worker = this.#fork();
    const served = new Promise<number>((resolve) => {
      worker.on("message", (message: unknown) => {
        const said = fromWorker(message);
        if (said?.kind === "ready") resolve(said.port);
      });
    });
    const ended = once(worker, "exit").then(([code, signal]) => endOf(code, signal));
    return Promise.race([served.then((port) => ({ port })), ended]);
  }

  /** Keeps a process running until this slot is told to end; resolves when there is none any more. */
  async supervise(): Promise<void> {
    const { clock, logger, number, onRestart } = this.#options;
    let pause = FIRST_PAUSE_MS;
    for (;;) {
      const worker = this.#worker ?? this.#fork();
      const startedAt = clock.monotonic();
      const { how } = worker.isDead() ? { how: "an end before its start" } : await ended(worker);
      this.#worker = undefined;
      this.#options.onMessage(this, { kind: "ready", ready: false, port: 0 });
      if (this.#isOver()) return;
      if (clock.monotonic() - startedAt > LASTED_MS) pause = FIRST_PAUSE_MS;
      logger.warn(
        { process: number, how, again_in_ms: pause },
        "a relayer process ended and is started again",
      );
      onRestart();
      await clock.sleep(pause, this.#ending.signal);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      if (this.#isOver()) return;
    }
  }

  send(message: ToWorker): boolean {
    if (this.#worker?.isConnected() !== true) return false;
    this.#worker.send(message);
    return true;
  }

  /** The process finishes its work; none follows it. */
  drain(delayMs: number | undefined): void {
    this.#ending.abort();
    this.send({ kind: "drain", delayMs });
  }

  kill(): void {
    this.#ending.abort();
    this.#worker?.process.kill("SIGKILL");
  }

  #isOver(): boolean {
    return this.#ending.signal.aborted || this.#drained === "asked";
  }

  #fork(): Worker {
    const { fork, number, onMessage } = this.#options;
    const worker = fork(number);
    this.#worker = worker;
    worker.on("message", (message: unknown) => {
      const said = fromWorker(message);
      if (said === undefined) return;
      if (said.kind === "drained") this.#drained = "asked";
      onMessage(this, said);
    });
    return worker;
  }
}

async function ended(worker: Worker): Promise<End> {
  const [code, signal] = await once(worker, "exit");
  return endOf(code, signal);
}

const endOf = (code: unknown, signal: unknown): End =>
  typeof code === "number" ? { code, how: `exit ${code}` } : { code: 1, how: String(signal) };
