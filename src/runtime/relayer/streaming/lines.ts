/** When a batch is full (relay-path 6.4). */
const MAX_LINES = 100;
const FULL_BYTES = 102_400;
const FIRST_ROOM = 8_192;
const LF = 0x0a;
const CR = 0x0d;

type Options = {
  /** A line longer than this is passed on in pieces of so many bytes; nothing of it is lost. */
  readonly maxLineBytes: number;
  /** Takes a full batch: whole lines, or a piece of a line that is too long. The bytes are its own. */
  readonly emit: (batch: Buffer) => void;
};

/**
 * A body that comes in pieces, cut into batches of lines: split at \n, a trailing \r removed, \n added again (relay-path 6.4). Holds one
 * batch and one line at most. Knows bytes and no characters, so it does not matter where a piece ends.
 */
export class LineBatches {
  readonly #options: Options;
  /** The waiting lines, and after them the one that has not ended. */
  #held: Buffer = Buffer.allocUnsafe(FIRST_ROOM);
  #size = 0;
  /** Bytes of it that are whole lines. */
  #whole = 0;
  #lines = 0;
  /** Whether a piece of the line that has not ended was passed on. */
  #isCut = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Whether whole lines wait for their batch to be full. */
  get waiting(): boolean {
    return this.#whole > 0;
  }

  add(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, from)) {
      this.#append(chunk.subarray(from, end));
      this.#endLine();
      from = end + 1;
    }
    this.#append(chunk.subarray(from));
  }

  /** Emits the whole lines that wait, if any. */
  flush(): void {
    if (this.#whole > 0) this.#take(this.#whole);
  }

  /** What is left when nothing more comes; a last line without its end gets one. May be empty. */
  rest(): Buffer {
    if (this.#size > this.#whole || this.#isCut) this.#closeLine();
    return Buffer.from(this.#held.subarray(0, this.#size));
  }

  #append(bytes: Buffer): void {
    const { maxLineBytes } = this.#options;
    let left = bytes;
    while (this.#size - this.#whole + left.length > maxLineBytes) {
      const fits = maxLineBytes - (this.#size - this.#whole);
      this.#put(left.subarray(0, fits));
      left = left.subarray(fits);
      this.flush();
      // A \r at the end of the piece may be the line's last byte, which is left out.
      this.#take(this.#held[this.#size - 1] === CR ? this.#size - 1 : this.#size);
      this.#isCut = true;
    }
    this.#put(left);
  }

  #put(bytes: Buffer): void {
    const size = this.#size + bytes.length;
    // One byte more, for the end of the line.
    if (size >= this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.max(size + 1, this.#held.length * 2));
      this.#held.copy(larger, 0, 0, this.#size);
      this.#held = larger;
    }
    bytes.copy(this.#held, this.#size);
    this.#size = size;
  }

  #endLine(): void {
    this.#closeLine();
    this.#lines += 1;
    if (this.#lines >= MAX_LINES || this.#whole >= FULL_BYTES) this.#take(this.#whole);
  }

  #closeLine(): void {
    if (this.#size > this.#whole && this.#held[this.#size - 1] === CR) this.#size -= 1;
    this.#held[this.#size] = LF;
    this.#size += 1;
    this.#whole = this.#size;
    this.#isCut = false;
  }

  /** Emits the first bytes; what is behind them moves to the front. */
  #take(bytes: number): void {
    const batch = Buffer.from(this.#held.subarray(0, bytes));
    this.#held.copyWithin(0, bytes, this.#size);
    this.#size -= bytes;
    this.#whole = 0;
    this.#lines = 0;
    this.#options.emit(batch);
  }
}
