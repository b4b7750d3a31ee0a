import type { Worker } from "node:worker_threads";
import { type Clock, repeat } from "../../../base/clock.ts";
import type { Closable } from "../../../base/close-stack.ts";
import type { Logger } from "../../../base/logger.ts";
import type { RingVerdict } from "../../../chain/protocol/ring/verifier.ts";
import type { OpenedVerifiers } from "../../../chain/protocol/ring/verify.ts";
import type { VerificationMetrics } from "../metrics.ts";
import { Reject } from "../rejects.ts";
import { hashOf, longestSignature, type VerifyFigures, type VerifyRingSoon, type WaitingJob } from "./job.ts";
import { Strangers } from "./strangers.ts";
import { VerifyQueue } from "./verify-queue.ts";
import { WorkerThread } from "./worker-thread.ts";

export type VerifyPoolGiven = {
  /** The main thread's. */
  readonly verifiers: OpenedVerifiers;
  /** How many workers, and how one is started. */
  readonly workers: number;
  readonly spawn: (name: string) => Worker;
  /** Most signatures that may wait. */
  readonly limit: number;
  /** Whether the main thread has little time to spare. */
  readonly isBusy: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: VerificationMetrics;
};

/** Signatures of one worker's applications; without a thread: of the main thread's own. */
type Lane = { readonly queue: VerifyQueue; readonly thread: WorkerThread | undefined };

/** A client has given up, or may as well, on a relay whose signature waited so long. */
export const DEADLINE_MS = 2_000;
/**
 * So few, on a thread that has time, are verified here: at once they take a third of a millisecond, before a worker would have answered,
 * and sending one alone to a worker costs both threads together two fifths more. From here on it costs a fifth more, and less the more there are.
 */
const INLINE_MOST = 4;
/** One turn of the loop: some millisecond, less if signatures are slow. Eight at once cost a fifth less than singly. */
const TURN_JOBS = 16;
const TURN_MS = 2;
const CHUNK = 8;
/** In one message to a worker. */
const SHIP_MOST = 32;
/** A worker with so many waiting gets help from the main thread, if that has time. */
const HELP_ABOVE = 64;
/** The parts of one batch, and of all places in the queue, that strangers may have. */
const STRANGERS_OF_BATCH = 1 / 4;
const STRANGERS_OF_QUEUE = 1 / 2;
const SWEEP_MS = 250;
/** Whatever waits when the pool closes is late after this in any case. */
const CLOSE_MS = DEADLINE_MS;

/**
 * Verifies ring signatures in batches: those that come in one turn of the event loop together, on this thread or in workers.
 *
 * An application has one worker, by a hash of its address, so that the tables of its keys are in that thread only; a gateway's are in
 * every thread that has an application of it, which are three tables each time. Jobs never go to another worker, since that would
 * build tables there and push out others: where one has too many waiting, this thread helps while it has time, and what is too late
 * is refused. Within a worker's queue those whose key image is known go before strangers, and applications take turns.
 */
export class VerifyPool implements Closable {
  readonly #given: VerifyPoolGiven;
  readonly #own: Lane = { queue: new VerifyQueue(), thread: undefined };
  readonly #lanes: readonly Lane[];
  readonly #all: readonly Lane[];
  readonly #strangers: Strangers;
  readonly #closing = new AbortController();
  readonly #sweeping: Promise<void>;
  #waiting = 0;
  /** Accepted and not settled. */
  #open = 0;
  #scheduled: NodeJS.Immediate | undefined;
  #turn = 0;

  constructor(given: VerifyPoolGiven) {
    this.#given = given;
    this.#lanes = Array.from({ length: given.workers }, (_, index) => this.#openLane(`verify-${index}`));
    this.#all = [...this.#lanes, this.#own];
    const { clock, logger } = given;
    this.#strangers = new Strangers(() => clock.monotonic());
    const onError = (error: unknown) => logger.error({ error }, "the verification queue was not swept");
    this.#sweeping = repeat(clock, { everyMs: SWEEP_MS, signal: this.#closing.signal, onError }, async () =>
      this.#sweep(),
    );
  }

  /**
   * The verdict; or Reject: overloaded when too many wait or this one has for too long, signature_unchecked when it is a stranger's
   * after many bad ones, draining when the pool closes.
   */
  verify: VerifyRingSoon = (job) => {
    const { verifiers, clock, limit, metrics } = this.#given;
    const { ring, digest, signature, account } = job;
    if (this.#closing.signal.aborted) return Promise.reject(new Reject("draining"));
    // Refused for its length alone, so not worth a place, nor a copy of what may be megabytes.
    if (signature.length > longestSignature(job))
      return Promise.resolve(verifiers.atDoor(ring, digest, signature));
    const isStranger = this.#strangers.isStranger(signature);
    if (isStranger && !this.#strangers.mayAsk(account)) {
      metrics.refusedStrangers.inc();
      return Promise.reject(new Reject("signature_unchecked"));
    }
    return new Promise((resolve, reject) => {
      const { queue } = this.#laneOf(account);
      const since = clock.monotonic();
      const waiting = {
        ring,
        digest,
        signature,
        account,
        since,
        isStranger,
        settle: resolve,
        refuse: reject,
      };
      const free = limit - this.#waiting;
      const room = isStranger ? Math.min(free, limit * STRANGERS_OF_QUEUE - this.#strangersWaiting()) : free;
      if (!queue.add(waiting, room)) {
        metrics.refusedFull.inc();
        reject(new Reject("overloaded", "too many signatures wait to be verified"));
        return;
      }
      this.#waiting += 1;
      this.#open += 1;
      this.#schedule();
    });
  };

  figures(): VerifyFigures {
    const own = this.#given.verifiers.counts();
    const workers = this.#lanes.flatMap(({ thread }) => thread?.counts ?? []);
    const sum = (of: keyof (typeof workers)[number]) =>
      workers.reduce((total, counts) => total + counts[of], 0);
    return {
      waiting: this.#waiting,
      inline: { tables: own?.tables ?? 0, bytes: own?.bytes ?? 0 },
      workers: { tables: sum("tables"), bytes: sum("bytes") },
      slow: (own?.slow ?? 0) + sum("slow"),
      slowRefused: (own?.slowRefused ?? 0) + sum("slowRefused"),
    };
  }

  /** Refuses new signatures, gives those that were accepted their time, refuses what is left, ends the workers. */
  async close(): Promise<void> {
    const { clock } = this.#given;
    this.#closing.abort();
    const end = clock.monotonic() + CLOSE_MS;
    while (this.#open > 0 && clock.monotonic() < end) await clock.sleep(5);
    await Promise.all(this.#lanes.map(({ thread }) => thread?.close()));
    for (const { queue } of this.#all)
      for (const job of queue.takeLate(() => true)) this.#refuse(job, new Reject("draining"));
    await this.#sweeping;
  }

  #openLane(name: string): Lane {
    const { spawn, clock, logger, metrics } = this.#given;
    const thread = new WorkerThread({
      name,
      spawn: () => spawn(name),
      clock,
      logger,
      events: {
        answered: (jobs, verdicts) => this.#answered(jobs, verdicts),
        lost: (jobs) => this.#comeBack(jobs),
        failed: () => metrics.workerRestarts.inc(),
      },
    });
    return { queue: new VerifyQueue(), thread };
  }

  /** The number of workers does not change, so the remainder is as good as any other way. */
  #laneOf(account: string): Lane {
    if (this.#lanes.length === 0) return this.#own;
    return this.#lanes[hashOf(account) % this.#lanes.length] ?? this.#own;
  }

  #strangersWaiting(): number {
    let waiting = 0;
    for (const { queue } of this.#all) waiting += queue.strangers;
    return waiting;
  }

  #schedule(): void {
    this.#scheduled ??= setImmediate(() => this.#flush());
  }

  /** After the events of one turn of the loop. */
  #flush(): void {
    this.#scheduled = undefined;
    const hasTime = !this.#given.isBusy();
    const areFew = hasTime && this.#waiting <= INLINE_MOST;
    if (!areFew) this.#ship();
    const isOurs = ({ queue, thread }: Lane) =>
      queue.size > 0 && (areFew || thread?.isReady !== true || (hasTime && queue.size > HELP_ABOVE));
    this.#verifyHere(isOurs);
    if (this.#all.some(isOurs)) this.#schedule();
  }

  /** Fills every worker that has room. */
  #ship(): void {
    const { metrics } = this.#given;
    for (const lane of this.#lanes)
      while (lane.thread?.hasRoom && lane.queue.size > 0) {
        const jobs = this.#take([lane], SHIP_MOST);
        if (jobs.length === 0) break;
        metrics.batchOfWorker.observe(jobs.length);
        lane.thread.send(jobs);
      }
  }

  /** Verifies on this thread what one turn of the loop has time for. */
  #verifyHere(isOurs: (lane: Lane) => boolean): void {
    const { verifiers, clock, metrics } = this.#given;
    const start = clock.monotonic();
    const chunk = verifiers.name === "kernel" ? CHUNK : 1;
    for (let done = 0; done < TURN_JOBS; done += chunk) {
      if (done > 0 && clock.monotonic() - start > TURN_MS) return;
      const jobs = this.#take(this.#all.filter(isOurs), chunk);
      if (jobs.length === 0) return;
      metrics.batchHere.observe(jobs.length);
      metrics.verifiedHere.inc(jobs.length);
      this.#judge(jobs);
    }
  }

  #judge(jobs: readonly WaitingJob[]): void {
    try {
      const verdicts = this.#given.verifiers.manyAtDoor(jobs);
      for (const [index, job] of jobs.entries()) this.#settle(job, verdicts[index]);
    } catch (cause) {
      // Nothing known does this. Nobody waits for a verdict that will not come, and the process goes on.
      for (const job of jobs) this.#refuse(job, new Reject("internal", undefined, { cause }));
    }
  }

  /** The next jobs of these lanes in turn; those that are too late are refused instead. */
  #take(lanes: readonly Lane[], most: number): WaitingJob[] {
    const { clock, metrics } = this.#given;
    const oldest = clock.monotonic() - DEADLINE_MS;
    const jobs: WaitingJob[] = [];
    let strangers = Math.ceil(most * STRANGERS_OF_BATCH);
    let earliest = Number.POSITIVE_INFINITY;
    let emptyInRow = 0;
    while (jobs.length < most && emptyInRow < lanes.length) {
      this.#turn = (this.#turn + 1) % lanes.length;
      const job = lanes[this.#turn]?.queue.next(strangers > 0);
      emptyInRow = job === undefined ? emptyInRow + 1 : 0;
      if (job === undefined) continue;
      this.#waiting -= 1;
      if (job.since < oldest) this.#refuseLate(job);
      else {
        if (job.isStranger) strangers -= 1;
        jobs.push(job);
        earliest = Math.min(earliest, job.since);
      }
    }
    if (jobs.length > 0) metrics.wait.observe((clock.monotonic() - earliest) / 1000);
    return jobs;
  }

  #answered(jobs: readonly WaitingJob[], verdicts: readonly (RingVerdict | undefined)[]): void {
    const unknown: WaitingJob[] = [];
    for (const [index, job] of jobs.entries()) {
      const verdict = verdicts[index];
      if (verdict === undefined) unknown.push(job);
      else this.#settle(job, verdict);
    }
    this.#given.metrics.verifiedByWorkers.inc(jobs.length - unknown.length);
    this.#comeBack(unknown);
    this.#ship();
  }

  /** What a worker did not judge is verified here. Its ring goes to the worker again with the next job. */
  #comeBack(jobs: readonly WaitingJob[]): void {
    for (const job of jobs.toReversed()) this.#own.queue.putBack(job);
    this.#waiting += jobs.length;
    // Also without any: a worker that is not there any more leaves a queue to this thread.
    this.#schedule();
  }

  #sweep(): void {
    const oldest = this.#given.clock.monotonic() - DEADLINE_MS;
    for (const { queue, thread } of this.#all) {
      for (const job of queue.takeLate(({ since }) => since < oldest)) {
        this.#waiting -= 1;
        this.#refuseLate(job);
      }
      thread?.endIfHung();
    }
  }

  #settle(job: WaitingJob, verdict: RingVerdict | undefined): void {
    if (verdict === undefined) {
      this.#refuse(job, new Reject("internal"));
      return;
    }
    this.#open -= 1;
    if (verdict.ok) this.#strangers.good(job.signature);
    // What the bytes alone give away costs nothing; and whoever has just been delegated to is no member until the ring is read again.
    else if (job.isStranger && verdict.reason === "does_not_verify") this.#strangers.bad(job.account);
    job.settle(verdict);
  }

  #refuseLate(job: WaitingJob): void {
    this.#given.metrics.refusedLate.inc();
    this.#refuse(job, new Reject("overloaded", "its signature was not verified in time"));
  }

  #refuse(job: WaitingJob, reject: Reject): void {
    this.#open -= 1;
    job.refuse(reject);
  }
}
