/**
 * A bounded queue in which accounts take turns: each in the order of its own jobs, one job a turn. An account may wait with as many
 * jobs as there are free places left, so one that floods the queue takes half of it at most, and others still find room.
 */
export class FairQueue<Job extends { readonly account: string }> {
  /** In the order of whose turn it is. No line is empty. */
  readonly #lines = new Map<string, Job[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** False if there is no room, `free` being the places left in whatever this queue shares them with. */
  add(job: Job, free: number): boolean {
    const line = this.#lines.get(job.account);
    if ((line?.length ?? 0) >= free) return false;
    if (line === undefined) this.#lines.set(job.account, [job]);
    else line.push(job);
    this.#size += 1;
    return true;
  }

  /** Back to the front of its account's line, whatever room there is: it has had a place. */
  putBack(job: Job): void {
    const line = this.#lines.get(job.account);
    if (line === undefined) this.#lines.set(job.account, [job]);
    else line.unshift(job);
    this.#size += 1;
  }

  /** Takes the next job out; undefined if there is none. */
  next(): Job | undefined {
    for (const [account, line] of this.#lines) {
      const job = line.shift();
      this.#lines.delete(account);
      if (line.length > 0) this.#lines.set(account, line);
      if (job === undefined) continue;
      this.#size -= 1;
      return job;
    }
    return undefined;
  }

  /** Takes out the jobs at the heads of lines that are late; those behind a job came after it. */
  takeLate(isLate: (job: Job) => boolean): Job[] {
    const late: Job[] = [];
    for (const [account, line] of this.#lines) {
      const firstInTime = line.findIndex((job) => !isLate(job));
      const count = firstInTime === -1 ? line.length : firstInTime;
      late.push(...line.splice(0, count));
      if (line.length === 0) this.#lines.delete(account);
    }
    this.#size -= late.length;
    return late;
  }
}
