import { chmod, type FileHandle, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Clock } from "../../../base/clock.ts";
import type { Closable } from "../../../base/close-stack.ts";
import { AppError, toError } from "../../../base/errors.ts";
import { type Batch, frameHead, HEAD_BYTES, MAGIC, readBatch } from "./frames.ts";

/** One file of entries, in the order in which they came. */
export type Segment = {
  readonly path: string;
  readonly number: number;
  /** Up to here its bytes are on disk. */
  bytes: number;
  relays: number;
  /** Unix milliseconds of its first entry, or of the file as it was found. */
  readonly since: number;
  /** Nothing is added to it any more. */
  sealed: boolean;
};

type Options = { readonly directory: string; readonly maxBytes: number; readonly clock: Clock };
type Waiting = {
  readonly data: Uint8Array;
  readonly done: () => void;
  readonly failed: (error: Error) => void;
};

const SUFFIX = ".spool";
const SEGMENT_BYTES = 8_388_608;
/** A disk that failed is tried again no sooner than this. */
const RETRY_MS = 1_000;
/** A spool that refused an entry is full from this part of its bound on; below, the entry was too large. */
const FULL = 0.9;
/** Vectors of one write; two for each entry. */
const MOST_AT_ONCE = 256;
const PRIVATE_DIR = 0o700;
const PRIVATE_FILE = 0o600;

/**
 * The entries of one directory: appended, read in order, removed file by file. It belongs to one process at a time (slot-lock.ts).
 * Entries that arrive while a write is on its way to the disk share the next one.
 */
export class SpoolFiles implements Closable {
  readonly #options: Options;
  readonly #segments: Segment[] = [];
  readonly #waiting: Waiting[] = [];
  #active: { readonly segment: Segment; readonly file: FileHandle } | undefined;
  #writing: Promise<void> | undefined;
  #waitingBytes = 0;
  #lastNumber = 0;
  #lastFitted: boolean | undefined;
  #problem: { readonly error: Error; readonly until: number } | undefined;

  private constructor(options: Options) {
    this.#options = options;
  }

  /** Opens the directory, made if there is none, with what an earlier process left in it. Throws what the file system throws. */
  static async open(options: Options): Promise<SpoolFiles> {
    await mkdir(options.directory, { recursive: true, mode: PRIVATE_DIR });
    await chmod(options.directory, PRIVATE_DIR);
    const files = new SpoolFiles(options);
    // The numbers of files that were set aside are not used again.
    for (const name of await readdir(options.directory))
      files.#lastNumber = Math.max(files.#lastNumber, numberOf(name) || 0);
    for (const path of await segmentsIn(options.directory)) await files.#find(path, numberOf(path));
    return files;
  }

  get directory(): string {
    return this.#options.directory;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** On disk and on the way to it. */
  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, this.#waitingBytes);
  }

  get relays(): number {
    return this.#segments.reduce((sum, { relays }) => sum + relays, 0);
  }

  /** Why the next entry would not be taken; undefined when it would. */
  get problem(): string | undefined {
    if (this.#problem !== undefined) return this.#problem.error.message;
    const isFull = this.#lastFitted === false && this.bytes > this.#options.maxBytes * FULL;
    return isFull ? "it has no room left" : undefined;
  }

  /** Resolves when the entry is on disk. Throws AppError SPOOL_FULL, or SPOOL_FAILED with the cause. */
  append(data: Uint8Array): Promise<void> {
    const { maxBytes, clock } = this.#options;
    const size = HEAD_BYTES + data.length;
    const fits = this.bytes + size <= maxBytes;
    this.#lastFitted = fits;
    if (!fits) return Promise.reject(new AppError("SPOOL_FULL", "the spool has no room left", { maxBytes }));
    if (this.#problem !== undefined && clock.monotonic() < this.#problem.until)
      return Promise.reject(failedWith(this.#problem.error));
    this.#waitingBytes += size;
    return new Promise((done, failed) => {
      this.#waiting.push({ data, done, failed });
      this.#writing ??= this.#writeAll();
    });
  }

  /** Reads on in a segment; see readBatch. */
  async read({ path, bytes }: Segment, from: number, most: number): Promise<Batch> {
    const file = await open(path, "r");
    try {
      return await readBatch(file, Math.max(from, MAGIC.length), bytes, most);
    } finally {
      await file.close();
    }
  }

  /** The next entry goes to a file of its own. False while one is being written: try again later. */
  async seal(segment: Segment): Promise<boolean> {
    if (segment.sealed) return true;
    if (this.#writing !== undefined) return false;
    await this.#finish(segment);
    return true;
  }

  /** Takes a sealed segment away, for good or under another name, where nobody reads it but an operator. Gives the name. */
  async remove(segment: Segment, keepAs?: string): Promise<string> {
    const kept = `${segment.path}.${keepAs ?? ""}`;
    if (keepAs === undefined) await rm(segment.path, { force: true });
    else await rename(segment.path, kept);
    const index = this.#segments.indexOf(segment);
    if (index >= 0) this.#segments.splice(index, 1);
    return kept;
  }

  /** Moves the segments of another directory, which this process has locked, here. Gives how many relays came. */
  async adopt(directory: string): Promise<number> {
    const before = this.relays;
    for (const path of await segmentsIn(directory)) {
      const number = this.#lastNumber + 1;
      const target = this.#pathOf(number);
      await rename(path, target);
      await this.#find(target, number);
    }
    return this.relays - before;
  }

  /** Another process owns the directory: nothing more is written or removed. */
  giveUp(error: Error): void {
    this.#problem = { error, until: Number.POSITIVE_INFINITY };
    this.#segments.length = 0;
  }

  /** Waits for what is being written; nothing may be appended any more. */
  async close(): Promise<void> {
    await this.#writing;
    const { file } = this.#active ?? {};
    this.#active = undefined;
    await file?.close();
  }

  async #finish(segment: Segment): Promise<void> {
    segment.sealed = true;
    const active = this.#active;
    if (active?.segment !== segment) return;
    this.#active = undefined;
    await active.file.close();
  }

  async #find(path: string, number: number): Promise<void> {
    this.#lastNumber = Math.max(this.#lastNumber, number);
    const file = await open(path, "r");
    try {
      const { size, mtimeMs } = await file.stat();
      const { buffer } = await file.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, 0);
      // A file that was begun and never written to has less.
      if (!buffer.equals(MAGIC)) return await rename(path, `${path}.damaged`);
      const segment = { path, number, bytes: size, relays: 0, since: mtimeMs, sealed: true };
      for (let from = MAGIC.length; from < size; ) {
        const { entries, next, torn } = await readBatch(file, from, size, Number.MAX_SAFE_INTEGER);
        segment.relays += entries.length;
        if (torn) break;
        from = next;
      }
      this.#segments.push(segment);
    } finally {
      await file.close();
    }
  }

  async #writeAll(): Promise<void> {
    // What this turn of the event loop brings goes along.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MOST_AT_ONCE);
      const bytes = batch.reduce((sum, { data }) => sum + HEAD_BYTES + data.length, 0);
      let error: Error | undefined;
      try {
        await this.#write(batch, bytes);
        if (this.#problem?.until !== Number.POSITIVE_INFINITY) this.#problem = undefined;
      } catch (thrown) {
        error = toError(thrown);
        this.#problem = { error, until: this.#options.clock.monotonic() + RETRY_MS };
      }
      this.#waitingBytes -= bytes;
      for (const { done, failed } of batch)
        if (error === undefined) done();
        else failed(failedWith(error));
    }
    this.#writing = undefined;
  }

  async #write(batch: readonly Waiting[], bytes: number): Promise<void> {
    const active = this.#active ?? (await this.#begin());
    const { segment, file } = active;
    try {
      const { bytesWritten } = await file.writev(
        batch.flatMap(({ data }) => [frameHead(data), data]),
        segment.bytes,
      );
      if (bytesWritten !== bytes) throw new Error(`the disk took ${bytesWritten} of ${bytes} bytes`);
      await file.datasync();
    } catch (thrown) {
      // What of it reached the disk is unknown, and those who wait are told that it did not: it must not be read later as if it had.
      await file.truncate(segment.bytes).catch(() => undefined);
      await this.#finish(segment).catch(() => undefined);
      throw thrown;
    }
    segment.bytes += bytes;
    segment.relays += batch.length;
    if (segment.bytes >= SEGMENT_BYTES) await this.#finish(segment);
  }

  async #begin() {
    this.#lastNumber += 1;
    const number = this.#lastNumber;
    const path = this.#pathOf(number);
    const file = await open(path, "wx", PRIVATE_FILE);
    try {
      await file.write(MAGIC, 0, MAGIC.length, 0);
      await syncDirectory(this.#options.directory);
    } catch (thrown) {
      await file.close();
      await rm(path, { force: true });
      throw thrown;
    }
    const since = this.#options.clock.now();
    const segment: Segment = { path, number, bytes: MAGIC.length, relays: 0, since, sealed: false };
    this.#segments.push(segment);
    this.#active = { segment, file };
    return this.#active;
  }

  #pathOf(number: number): string {
    return join(this.#options.directory, `${String(number).padStart(8, "0")}${SUFFIX}`);
  }
}

const failedWith = (cause: Error): AppError =>
  new AppError("SPOOL_FAILED", "the spool could not be written", {}, cause);

const NAME = /^\d{1,12}\.spool$/;
const numberOf = (path: string): number => Number.parseInt(basename(path), 10);

async function segmentsIn(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => NAME.test(name));
  return names.sort((left, right) => numberOf(left) - numberOf(right)).map((name) => join(directory, name));
}

/** A new file's name is on disk, too. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
