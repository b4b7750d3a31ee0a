import type { Worker } from "node:worker_threads";
import type { Clock } from "../../../base/clock.ts";
import { toError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import { type RingVerdict, refused, VERIFIED } from "../../../chain/protocol/ring/verifier.ts";
import { encodeBatch, type NumberedJob, type NumberedRing } from "./batch.ts";
import type { WaitingJob } from "./job.ts";
import { RingIds } from "./ring-ids.ts";
import { FIRST_REFUSAL, VALID, type WorkerAnswer, type WorkerReady } from "./worker-desk.ts";

export type WorkerEvents = {
  /** A batch came back; undefined where the worker did not know the ring. */
  readonly answered: (jobs: readonly WaitingJob[], verdicts: readonly (RingVerdict | undefined)[]) => void;
  /** The worker ended with these in work. */
  readonly lost: (jobs: readonly WaitingJob[]) => void;
  /** It ended and nobody asked it to; another one is started. */
  readonly failed: () => void;
};

type Given = {
  readonly name: string;
  readonly spawn: () => Worker;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: WorkerEvents;
};

type Sent = { readonly jobs: readonly WaitingJob[]; readonly at: number };
type Counts = Readonly<Record<"tables" | "bytes" | "slow" | "slowRefused", number>>;

/** One in work and one that it finds when it is done: it never waits for this thread, and turns are still decided here. */
const MAX_SENT = 2;
/** A worker that has not answered for so long never will: its jobs are late by then in any case. */
const HUNG_MS = 30_000;
const FIRST_RESTART_MS = 100;
const LAST_RESTART_MS = 30_000;
/** A worker that lived so long has not failed for the reason that the one before it did. */
const STABLE_MS = 60_000;

/** The main thread's side of a worker: starts it, sends batches, reads answers, starts another when it ends. */
export class WorkerThread {
  readonly #given: Given;
  readonly #closing = new AbortController();
  #worker: Worker | undefined;
  #phase: "starting" | "ready" = "starting";
  #startedAt = 0;
  #failures = 0;
  #sent: Sent[] = [];
  #rings = new RingIds();
  #counts: Counts | undefined;
  /** Of the workers before this one. */
  #before = { slow: 0, slowRefused: 0 };
  #restarting: Promise<void> | undefined;

  constructor(given: Given) {
    this.#given = given;
    this.#start();
  }

  /** Whether there is a worker that takes batches. */
  get isReady(): boolean {
    return this.#phase === "ready";
  }

  get hasRoom(): boolean {
    return this.isReady && this.#sent.length < MAX_SENT;
  }

  /** As of its last answer; tables and bytes are zero while none is known. */
  get counts(): Counts {
    const { tables = 0, bytes = 0, slow = 0, slowRefused = 0 } = this.#counts ?? {};
    const before = this.#before;
    return { tables, bytes, slow: slow + before.slow, slowRefused: slowRefused + before.slowRefused };
  }

  /** To be called only while it has room. */
  send(waiting: readonly WaitingJob[]): void {
    const rings: NumberedRing[] = [];
    const jobs: NumberedJob[] = waiting.map(({ ring, account, digest, signature }) => {
      const { numbered, isNew } = this.#rings.of(ring, account);
      if (isNew) rings.push(numbered);
      return { ringId: numbered.id, digest, signature };
    });
    const buffer = encodeBatch({ rings, jobs });
    this.#sent.push({ jobs: waiting, at: this.#given.clock.monotonic() });
    this.#worker?.postMessage(buffer, [buffer]);
  }

  /** Ends a worker that does not answer; what it had is lost and told so. */
  endIfHung(): void {
    const [oldest] = this.#sent;
    if (oldest === undefined || this.#given.clock.monotonic() - oldest.at < HUNG_MS) return;
    this.#given.logger.warn({ worker: this.#given.name }, "a verification worker does not answer");
    this.#ended(this.#worker, "no answer");
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const worker = this.#worker;
    this.#ended(worker, "closed");
    await worker?.terminate();
    await this.#restarting;
  }

  #start(): void {
    const { clock, spawn } = this.#given;
    this.#startedAt = clock.monotonic();
    try {
      const worker = spawn();
      this.#worker = worker;
      let problem: string | undefined;
      worker.on("message", (message: WorkerReady | WorkerAnswer) => {
        if (worker !== this.#worker) return;
        if (message.kind === "ready") this.#ready(message);
        else this.#answered(message);
      });
      worker.on("error", (error) => {
        problem = toError(error).message;
      });
      worker.on("exit", (code) => this.#ended(worker, problem ?? `exit code ${code}`));
    } catch (thrown) {
      this.#ended(undefined, toError(thrown).message);
    }
  }

  #ready({ refusal, verifier }: WorkerReady): void {
    const { logger, name } = this.#given;
    this.#phase = "ready";
    if (refusal === undefined) logger.debug({ worker: name }, "a verification worker is ready");
    else logger.warn({ worker: name, verifier, why: refusal }, "the verification kernel does not run here");
  }

  #answered({ verdicts, reasons, counts }: WorkerAnswer): void {
    const sent = this.#sent.shift();
    if (counts !== undefined) this.#counts = counts;
    if (sent === undefined) return;
    this.#given.events.answered(
      sent.jobs,
      sent.jobs.map(({ ring }, place) => {
        const byte = verdicts[place];
        if (byte === VALID) return VERIFIED;
        const reason = byte === undefined ? undefined : reasons[byte - FIRST_REFUSAL];
        if (reason !== undefined) return refused(reason);
        this.#rings.forget(ring);
        return undefined;
      }),
    );
  }

  /** Once for each worker, whatever tells of it first. */
  #ended(worker: Worker | undefined, why: string): void {
    if (worker !== this.#worker) return;
    const { clock, events, logger, name } = this.#given;
    this.#worker = undefined;
    this.#phase = "starting";
    this.#rings = new RingIds();
    this.#before = this.counts;
    this.#counts = undefined;
    const lost = this.#sent.flatMap(({ jobs }) => jobs);
    this.#sent = [];
    events.lost(lost);
    if (this.#closing.signal.aborted) return;
    this.#failures = clock.monotonic() - this.#startedAt > STABLE_MS ? 1 : this.#failures + 1;
    const restartMs = Math.min(FIRST_RESTART_MS * 2 ** (this.#failures - 1), LAST_RESTART_MS);
    logger.warn(
      { worker: name, why, verifiedHere: lost.length, restartMs },
      "a verification worker ended; another one is started",
    );
    events.failed();
    this.#restarting = this.#restart(worker, restartMs);
  }

  async #restart(ended: Worker | undefined, afterMs: number): Promise<void> {
    await ended?.terminate();
    await this.#given.clock.sleep(afterMs, this.#closing.signal);
    if (!this.#closing.signal.aborted) this.#start();
  }
}
