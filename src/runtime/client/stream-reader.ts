import { EMPTY, utf8 } from "../../base/bytes.ts";
import { type Answer, readAnswer } from "./answer.ts";
import type { SignedRelay } from "./sign.ts";

/** What follows every batch of a stream, the last one too (relay-path 6.4). */
const DELIMITER = Buffer.from(utf8("||POKT_STREAM||"));

/** A batch is at most about 100 KB at the peers (relay-path 6.4); what is longer than this is no batch. */
const MAX_BATCH_BYTES = 16 * 1_048_576;
/** Of all that is tried as one batch: each delimiter in it makes one more try, and who sends it decides how many there are. */
const MAX_TRIED_BYTES = 256 * 1_048_576;

/**
 * Takes a stream apart into its signed batches (relay-path 6.4). The delimiter has no length before it and may stand inside a batch: so
 * a batch ends at the first delimiter up to which the bytes are an answer that the supplier has signed.
 */
export class StreamReader {
  readonly answers: Answer[] = [];
  readonly #relay: SignedRelay;
  #held: Buffer = Buffer.from(EMPTY);
  /** Where in `#held` a delimiter may begin that was not tried yet. */
  #from = 0;
  /** Bytes that were tried for the batch that is held. */
  #tried = 0;
  /** What was wrong with the shortest bytes that could have been the batch. */
  #problem: string | undefined;

  constructor(relay: SignedRelay) {
    this.#relay = relay;
  }

  /** Bytes as they come, cut anywhere. */
  push(chunk: Uint8Array): void {
    if (this.#held.length > MAX_BATCH_BYTES || this.#tried > MAX_TRIED_BYTES) return;
    this.#held = this.#held.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#held, chunk]);
    for (;;) {
      const at = this.#held.indexOf(DELIMITER, this.#from);
      if (at < 0 || this.#tried > MAX_TRIED_BYTES) break;
      this.#try(at);
    }
    this.#from = Math.max(this.#from, this.#held.length - DELIMITER.length + 1);
  }

  /** To be called when the stream is over: what is wrong with it, if anything. */
  end(): string | undefined {
    if (this.#tried > MAX_TRIED_BYTES) return `batch ${this.answers.length + 1}: too many delimiters in it`;
    if (this.#held.length > MAX_BATCH_BYTES) return `no valid batch in ${this.#held.length} bytes`;
    if (this.#problem !== undefined) return `batch ${this.answers.length + 1}: ${this.#problem}`;
    if (this.#held.length > 0)
      return `the stream broke off in batch ${this.answers.length + 1}, ${this.#held.length} bytes into it`;
    return this.answers.length === 0 ? "the stream has no batch" : undefined;
  }

  #try(at: number): void {
    this.#tried += at;
    const read = readAnswer(this.#relay, new Uint8Array(this.#held.subarray(0, at)), "http");
    if ("problem" in read) {
      this.#problem ??= read.problem;
      this.#from = at + 1;
      return;
    }
    this.answers.push(read.answer);
    this.#problem = undefined;
    this.#tried = 0;
    this.#held = this.#held.subarray(at + DELIMITER.length);
    this.#from = 0;
  }
}
