/** Bytes of frames in memory, of all bridges together. */
export class FrameRoom {
  readonly #limit: number;
  #held = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get held(): number {
    return this.#held;
  }

  /** False when there is no room for them; they are not counted then. */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.#limit) return false;
    this.#held += bytes;
    return true;
  }

  /** Counts what is in memory already and cannot be refused any more. */
  add(bytes: number): void {
    this.#held += bytes;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }
}

type Job = {
  readonly bytes: number;
  /** Must not reject. Gives what is to be done when it is this job's turn. */
  readonly work: () => Promise<() => void>;
};

type Options = {
  /** Jobs that are in work at once. */
  readonly atOnce: number;
  /** Bytes of theirs; a single larger job has the lane for itself. */
  readonly bytesAtOnce: number;
  /** Where the bytes of all jobs are counted. */
  readonly room: FrameRoom;
  /** There is more than may be in work (true): whoever brings jobs should stop; or it is all in work (false). */
  readonly onFull: (isFull: boolean) => void;
};

/** Jobs that may be in work side by side and take effect in the order in which they came. */
export class Lane {
  readonly #options: Options;
  readonly #waiting: Job[] = [];
  #last: Promise<void> = Promise.resolve();
  #inWork = 0;
  #bytes = 0;
  #isFull = false;
  #phase: "running" | "stopped" = "running";
  #whenIdle: (() => void) | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#inWork === 0 && this.#waiting.length === 0;
  }

  add(job: Job): void {
    if (this.#phase === "stopped") return;
    this.#options.room.add(job.bytes);
    this.#waiting.push(job);
    this.#begin();
  }

  /** Nothing begins any more. What is in work still takes effect, and has to see for itself whether it is wanted. */
  stop(): void {
    this.#phase = "stopped";
    for (const { bytes } of this.#waiting.splice(0)) this.#options.room.give(bytes);
    this.#whenIdle = undefined;
  }

  /** Calls `act` once, when all jobs have taken effect; at once if they have. One at a time: the last one counts. */
  whenIdle(act: () => void): void {
    if (this.isIdle) act();
    else this.#whenIdle = act;
  }

  #begin(): void {
    const { atOnce } = this.#options;
    for (;;) {
      const [job] = this.#waiting;
      if (job === undefined || this.#inWork >= atOnce || !this.#fits(job)) break;
      this.#waiting.shift();
      this.#inWork += 1;
      this.#bytes += job.bytes;
      const working = job.work();
      this.#last = this.#last.then(async () => this.#done(job, await working));
    }
    this.#tellFull(this.#waiting.length > 0);
  }

  #fits({ bytes }: Job): boolean {
    return this.#inWork === 0 || this.#bytes + bytes <= this.#options.bytesAtOnce;
  }

  #done({ bytes }: Job, effect: () => void): void {
    this.#inWork -= 1;
    this.#bytes -= bytes;
    this.#options.room.give(bytes);
    effect();
    this.#begin();
    if (!this.isIdle) return;
    const act = this.#whenIdle;
    this.#whenIdle = undefined;
    act?.();
  }

  #tellFull(isFull: boolean): void {
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    this.#options.onFull(isFull);
  }
}
