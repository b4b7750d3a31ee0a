import { FairQueue } from "./fair-queue.ts";
import type { WaitingJob } from "./job.ts";

/** While others wait, one job in so many is a stranger's. */
const STRANGER_EVERY = 4;

/**
 * The signatures that wait for one thread, in two lines: those by a key image that has been in a good signature, and strangers'. Anybody
 * can send signatures with any image, and each costs two to four times as much as one that is known; so strangers get a quarter of what
 * is asked for, and the rest only while nobody else waits. Within each line applications take turns.
 */
export class VerifyQueue {
  readonly #known = new FairQueue<WaitingJob>();
  readonly #strangers = new FairQueue<WaitingJob>();
  #turn = 0;

  get size(): number {
    return this.#known.size + this.#strangers.size;
  }

  get strangers(): number {
    return this.#strangers.size;
  }

  /** False if there is no room, `free` being the places left. */
  add(job: WaitingJob, free: number): boolean {
    return this.#lineOf(job).add(job, free);
  }

  putBack(job: WaitingJob): void {
    this.#lineOf(job).putBack(job);
  }

  /** Takes the next job out; undefined if there is none that may be taken. */
  next(mayBeStranger: boolean): WaitingJob | undefined {
    if (!mayBeStranger) return this.#known.next();
    this.#turn = (this.#turn + 1) % STRANGER_EVERY;
    const [first, second] =
      this.#turn === 0 ? [this.#strangers, this.#known] : [this.#known, this.#strangers];
    return first.next() ?? second.next();
  }

  takeLate(isLate: (job: WaitingJob) => boolean): WaitingJob[] {
    return [...this.#known.takeLate(isLate), ...this.#strangers.takeLate(isLate)];
  }

  #lineOf({ isStranger }: WaitingJob): FairQueue<WaitingJob> {
    return isStranger ? this.#strangers : this.#known;
  }
}
